/** Writes the tables of docs/dialects.md anew: `npm run docs:dialects`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { withTables } from './tables.ts';

const file = new URL('../../../../docs/dialects.md', import.meta.url);
const options = await resolveConfig(file);
const text = withTables(readFileSync(file, 'utf8'));
writeFileSync(file, await format(text, { ...options, parser: 'markdown' }));
