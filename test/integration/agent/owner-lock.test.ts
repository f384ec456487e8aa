import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { acquireOwnerLock } from '../../../electron/host/owner-lock.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

/** Looks into the file as one does who is about to lock it, and turns away a moment later. */
const rival = `
  const { DatabaseSync } = require('node:sqlite');
  const database = new DatabaseSync(process.argv[1]);
  database.exec('BEGIN; SELECT count(*) FROM sqlite_master;');
  process.stdout.write('held');
  setTimeout(() => database.exec('ROLLBACK'), 60);
  process.stdin.resume();
`;

it('F34 of two that come at the same moment one gets the folder, also when they stand in each other’s way', async () => {
  const dataDir = tempFolder();
  acquireOwnerLock(dataDir).release();
  const other = spawn(process.execPath, ['-e', rival, join(dataDir, 'owner.lock')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await once(other.stdout, 'data');
    const lock = acquireOwnerLock(dataDir);
    expect(() => acquireOwnerLock(dataDir)).toThrow(expect.objectContaining({ code: 'data_folder_in_use' }));
    lock.release();
  } finally {
    other.stdin.end();
    await once(other, 'close');
  }
});
