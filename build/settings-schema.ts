import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsJsonSchema } from '../electron/agent/config/settings.ts';

// Writes the published JSON schema of config.json. Run by the build; a unit test says when it is out of date.
const target = process.argv[2] ?? join(import.meta.dirname, '..', 'resources', 'settings.schema.json');
await writeFile(target, `${JSON.stringify(settingsJsonSchema(), null, 2)}\n`);
