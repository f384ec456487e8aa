import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

/**
 * Stands in for the embedded engine's process: speaks its pipe protocol and misbehaves in the way that the model path
 * in its settings names.
 *
 * - `exit-at-once`: writes a last line and ends with code 3
 * - `hold-stdout`: starts a grandchild that keeps stdout open for a minute, and is ready
 * - `ignore-sigterm`: ready, and deaf to SIGTERM
 * - anything else: ready
 */
function behave(modelPath: string): void {
  if (modelPath === 'exit-at-once') {
    process.stderr.write('fake engine: no such device\n');
    process.exit(3);
  }
  if (modelPath === 'hold-stdout') {
    const grandchild = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
      stdio: ['ignore', 'inherit', 'ignore'],
    });
    process.stderr.write(`grandchild ${grandchild.pid ?? 0}\n`);
  }
  if (modelPath === 'ignore-sigterm') process.on('SIGTERM', () => process.stderr.write('fake engine: not yet\n'));
  const environment = Object.keys(process.env).sort();
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ environment, args: process.argv.slice(2) })),
  );
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const model = {
      id: 'fake',
      contextLength: 1_024,
      trainedContextLength: 2_048,
      slots: 1,
      threads: 1,
      hasChatTemplate: false,
      hasTools: false,
      engineVersion: 'fake 1',
    };
    process.stdout.write(`${JSON.stringify({ event: 'ready', port, model })}\n`);
  });
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const settings: unknown = JSON.parse(line);
    const named =
      typeof settings === 'object' && settings !== null && 'modelPath' in settings ? settings.modelPath : '';
    behave(String(named));
  })
  .on('close', () => process.exit(0));
