import { join } from 'node:path';
import { systemClock } from '../../electron/agent/base/clock.ts';
import { silentLogger } from '../../electron/agent/base/logger.ts';
import { Engines } from '../../electron/agent/engines/engines.ts';
import { ModelCatalog } from '../../electron/agent/models/catalog.ts';
import { onlyEmbedded } from '../fixtures/engine-settings.ts';

/** Stands in for an agent: `node fake-engine-owner.ts FOLDER CHILD MODEL` runs an engine and prints its process id. */
const [folder = '', childScript = '', selfTestPath = ''] = process.argv.slice(2);
const catalog = new ModelCatalog(
  { modelsDir: folder, defaultPath: null, selfTestPath },
  { clock: systemClock, logger: silentLogger },
);
await catalog.start();
const engines = new Engines(
  {
    dataDir: folder,
    logsDir: join(folder, 'logs'),
    childScript,
    nodeExecutable: process.execPath,
    env: {},
    engines: onlyEmbedded({ contextLength: 512, parallel: 1, threads: 1 }),
  },
  { catalog, clock: systemClock, logger: silentLogger },
);
engines.changed.subscribe(() => {
  const [engine] = engines.list();
  if (engine?.state === 'ready') process.stdout.write(`ready ${engine.pid ?? 0}\n`);
});
setInterval(() => undefined, 60_000);
await engines.start();
