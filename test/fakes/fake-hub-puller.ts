import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../electron/agent/base/clock.ts';
import { silentLogger } from '../../electron/agent/base/logger.ts';
import { freeDiskBytes } from '../../electron/agent/models/pull/free-disk.ts';
import { Pulls } from '../../electron/agent/models/pull/pulls.ts';
import { ModelRecords } from '../../electron/agent/models/records.ts';

// Stands in for an agent that pulls: `node fake-hub-puller.ts FOLDER HUB_URL [REFERENCE]` takes up what is under way,
// begins REFERENCE, and prints a snapshot of the first pull as a line with every change.
const [folder = '', hubUrl = '', reference] = process.argv.slice(2);
mkdirSync(join(folder, 'models'), { recursive: true });
const records = new ModelRecords({ file: join(folder, 'models.json') }, { clock: systemClock, logger: silentLogger });
const pulls = new Pulls(
  {
    modelsDir: join(folder, 'models'),
    stagingDir: join(folder, 'staging'),
    stateFile: join(folder, 'pulls.json'),
    diskReserveBytes: 0,
    hubUrl,
    env: {},
    retries: { backoff: { firstMs: 20, longestMs: 200, jitter: 0 }, mostFruitless: 20, mostFruitlessAtFirst: 5 },
  },
  {
    clock: systemClock,
    logger: silentLogger,
    records,
    library: null,
    quantizer: null,
    freeDiskBytes,
    onArrived: (arrival) => Promise.resolve(arrival.kind === 'file' ? arrival.path : arrival.name),
  },
);
pulls.changed.subscribe(() => {
  const [first] = pulls.list();
  if (first) process.stdout.write(`${JSON.stringify(first)}\n`);
});
setInterval(() => undefined, 60_000);
await pulls.startUp();
if (reference !== undefined) pulls.start({ reference, use: false });
