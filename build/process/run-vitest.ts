import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../bundling/product.ts';
import { noTests, type TestCounts } from './report.ts';

/** Runs one of vitest's projects and answers what it counted. A run that ends without counts has failed once. */
export async function runVitest(project: string, args: readonly string[] = []): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), 'ranch-hand-counts-'));
  const file = join(folder, 'counts.json');
  try {
    const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [vitest, 'run', '--project', project, '--passWithNoTests', ...args], {
      cwd: projectRoot,
      env: { ...process.env, RANCH_HAND_TEST_COUNTS: file },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const code = await new Promise<number>((resolve) => {
      child.on('error', () => resolve(1));
      child.on('exit', (exitCode) => resolve(exitCode ?? 1));
    });
    const counts = readCounts(file);
    const missed = code !== 0 && counts.failed === 0 ? 1 : 0;
    return { ...counts, failed: counts.failed + missed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readCounts(file: string): TestCounts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestCounts;
  } catch {
    // Without a report nothing is known to have passed.
    return { ...noTests, failed: 1 };
  }
}
