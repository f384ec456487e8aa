import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withTables } from './tables.ts';

/** Tables differ by the width of their columns alone. */
const squeezed = (text: string): string => text.replaceAll(/-{3,}/g, '---').replaceAll(/ {2,}/g, ' ');

it('docs/dialects.md has the tables that the dialects and the matrix give (else: npm run docs:dialects)', () => {
  const document = readFileSync(new URL('../../../../docs/dialects.md', import.meta.url), 'utf8');
  expect(squeezed(document)).toBe(squeezed(withTables(document)));
});
