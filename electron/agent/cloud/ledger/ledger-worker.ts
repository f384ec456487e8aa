import { parentPort, workerData } from 'node:worker_threads';
import { LedgerWriter } from './ledger-writer.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';

/** The thread that writes the ledger: started by ledger.ts, which is all that speaks with it. */
const port = parentPort;
if (port !== null) {
  const writer = new LedgerWriter(workerData as WorkerSettings, {
    say: (message: FromWorker) => {
      port.postMessage(message);
    },
    now: () => Date.now(),
    after: (delayMs, task) => {
      const timer = setTimeout(task, delayMs);
      return () => {
        clearTimeout(timer);
      };
    },
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  });
  port.on('message', (message: ToWorker) => {
    writer.hear(message);
    if (message.kind === 'close') port.close();
  });
  writer.start();
}
