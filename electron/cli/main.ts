import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodes } from './context.ts';
import { codeOf } from './failure.ts';
import { runCli } from './program.ts';

// A reader that has seen enough (`ranch-hand models | head -1`) is no failure.
process.stdout.on('error', (error) => {
  process.exit(codeOf(error) === 'EPIPE' ? exitCodes.done : exitCodes.failed);
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  platform: process.platform,
  homeDir: homedir(),
  nodePath: process.execPath,
  nodeVersion: process.versions.node,
  programDir: dirname(fileURLToPath(import.meta.url)),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
