#!/usr/bin/env node
// The package's command. Plain JavaScript that any Node from 20 on can run: it finds the Node that the project was
// tested on (it comes with the dependencies) and hands the command line over to it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const neededMajor = 24;
const here = dirname(fileURLToPath(import.meta.url));
const script = join(here, 'run-cli.ts');

/** The Node that npm installed for this platform, here or beside this package, or undefined. */
function findOwnNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = dirname(here); ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', `node-${platform}-${process.arch}`, 'bin', file);
    if (existsSync(node)) return node;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Runs the command line on another Node and ends as it ends. */
function handOver(node) {
  const args = [script, ...process.argv.slice(2)];
  if (typeof process.execve === 'function' && process.platform !== 'win32') process.execve(node, [node, ...args]);
  const child = spawn(node, args, { stdio: 'inherit' });
  // Ctrl-C in a terminal reaches the child by itself, and a second signal would mean "at once" to it.
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => atTerminal || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`ranch-hand could not start ${node}: ${error.message}. Run npm ci again.`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

const running = Number(process.versions.node.split('.')[0]);
const ownNode = findOwnNode();
if (running >= neededMajor) await import('./run-cli.ts');
else if (ownNode !== undefined) handOver(ownNode);
else {
  console.error(
    `ranch-hand needs Node ${neededMajor}, and this is Node ${process.versions.node}. ` +
      `Run npm ci in ${dirname(here)}, which brings one along, or use Node ${neededMajor}.`,
  );
  process.exitCode = 1;
}
