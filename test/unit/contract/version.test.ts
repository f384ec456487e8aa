import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { version } from '../../../electron/contract/version.ts';

it('the version in the code is the one of package.json', () => {
  const manifest: unknown = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8'),
  );
  expect(manifest).toMatchObject({ version });
});
