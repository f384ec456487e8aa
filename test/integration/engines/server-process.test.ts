import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { EngineLog } from '../../../electron/agent/engines/engine-log.ts';
import { ServerProcess } from '../../../electron/agent/engines/process-engine/server-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { leftoversIn } from './llama-server-rig.ts';

it('F5 an agent that ends while an engine is only being started leaves neither a process nor a key', async () => {
  const folder = tempFolder();
  const runDir = join(folder, 'run');
  const port = Promise.withResolvers<number>();
  const mark = join(folder, 'started');
  const server = new ServerProcess(
    { engineId: 'llama-server', name: 'llama-server', runDir, fileBytes: 1, env: {} },
    {
      clock: systemClock,
      log: new EngineLog({ clock: systemClock, file: null }),
      leftovers: leftoversIn(folder),
      reports: { endpoint: () => undefined, stats: () => undefined },
      command: () => ({
        executable: process.execPath,
        args: ['-e', `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`],
        takesKey: true,
      }),
      probe: () => Promise.resolve(null),
      pickPort: () => port.promise,
    },
  );
  const launching = server.launch({ ready: () => undefined, exited: () => undefined });
  server.killNow();
  port.resolve(1);
  await expect(launching).rejects.toMatchObject({ code: 'shutting_down' });
  expect(readdirSync(runDir)).toEqual([]);
  expect(existsSync(mark)).toBe(false);
});
