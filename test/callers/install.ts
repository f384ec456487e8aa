import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TriedProgram } from './programs.ts';

/** Where the programs are kept between tries. */
export function installFolder(): string {
  return process.env['RANCH_HAND_TEST_CALLERS'] ?? join(homedir(), '.cache/ranch-hand-test-callers');
}

/** Installs a program at its versions, unless that was done before. Throws with the installer's words if it fails. */
export async function install({ install: { by, into, packages } }: TriedProgram): Promise<void> {
  const folder = join(installFolder(), into);
  const note = join(folder, 'ranch-hand-installed.txt');
  const wanted = `${packages.join('\n')}\n`;
  if ((await readFile(note, 'utf8').catch(() => '')) === wanted) return;
  await mkdir(folder, { recursive: true });
  if (by === 'npm') {
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    await run(['npm', 'install', '--no-audit', '--no-fund', '--save-exact', ...packages], folder);
  } else {
    await run(['python3', '-m', 'venv', folder], folder);
    await run([join(folder, 'bin/pip'), 'install', '--quiet', ...packages], folder);
  }
  await writeFile(note, wanted);
}

async function run([program, ...args]: [string, ...string[]], cwd: string): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said += piece.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${said.slice(-2_000)}`);
}
