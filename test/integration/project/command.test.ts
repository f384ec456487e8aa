import { execFile } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { cleanEnvironment } from '../../fixtures/agent-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { program } from '../../fixtures/test-engine.ts';

const run = promisify(execFile);
const launcher = join(projectRoot, 'build/ranch-hand.mjs');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code. */
async function end(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(file, [...args], { cwd: projectRoot, env: cleanEnvironment(env) });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** PATH without this project's own programs, as in a terminal of somebody who has just cloned it. */
const outsidePath = (process.env['PATH'] ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules'))
  .join(':');

it('runs on the Node of the dependencies and passes arguments and exit codes on', async () => {
  const help = await end(process.execPath, [launcher, '--help']);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('Usage: ranch-hand');
  const wrong = await end(process.execPath, [launcher, 'no-such-verb']);
  expect(wrong.code).toBe(2);
  const alone = await end(process.execPath, [launcher, 'status'], { RANCH_HAND_DATA_DIR: tempFolder() });
  expect(alone.code).toBe(3);
});

it.skipIf(process.platform === 'win32')(
  "is found by npx, and hands over from the machine's own Node",
  async (context) => {
    const npx = program(context, 'npx');
    const { code, stdout } = await end(npx, ['--no-install', 'ranch-hand', '--help'], { PATH: outsidePath });
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: ranch-hand');
  },
);

it.skipIf(process.platform === 'win32')('says what to do on an older Node with no other around', async (context) => {
  const folders = outsidePath.split(':').map((folder) => join(folder, 'node'));
  const versions = await Promise.all(folders.map(async (node) => ({ node, ...(await end(node, ['--version'])) })));
  const old = versions.find(({ code, stdout }) => code === 0 && Number(stdout.slice(1).split('.')[0]) < 24);
  if (old === undefined) return context.skip('this machine has no Node before 24');
  const lonely = tempFolder();
  mkdirSync(join(lonely, 'build'));
  cpSync(launcher, join(lonely, 'build/ranch-hand.mjs'));
  const { code, stderr } = await end(old.node, [join(lonely, 'build/ranch-hand.mjs'), 'status']);
  expect(code).toBe(1);
  expect(stderr).toContain('needs Node 24');
  expect(stderr).toContain('npm ci');
});
