// `npm run check`: everything that can be said about the sources without starting the product. All steps run, so that
// one run shows all there is to mend.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './bundling/product.ts';
import { describeCounts, describeSteps, noTests, type StepResult, type TestCounts } from './process/report.ts';
import { runVitest } from './process/run-vitest.ts';

/** Tools by their script in node_modules, because npm's links to them are no scripts on Windows. */
const tools: readonly (readonly [name: string, script: string, ...args: string[]])[] = [
  ['format', 'prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
  ['types', 'typescript/bin/tsc', '-b'],
  ['lint', 'eslint/bin/eslint.js', '.', '--max-warnings', '0'],
  ['import chains', 'dependency-cruiser/bin/dependency-cruise.mjs', 'electron', 'renderer', 'build', 'test'],
  ['dead code', 'knip/bin/knip.js', '--no-progress'],
];

function runTool(script: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(projectRoot, 'node_modules', script), ...args], {
      cwd: projectRoot,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

async function main(): Promise<number> {
  const steps: StepResult[] = [];
  const timed = async (name: string, step: () => Promise<boolean>): Promise<void> => {
    console.log(`\n— ${name}`);
    const started = performance.now();
    const passed = await step();
    steps.push({ name, passed, seconds: (performance.now() - started) / 1000 });
  };
  for (const [name, script, ...args] of tools) await timed(name, () => runTool(script, args));
  let counts: TestCounts = noTests;
  await timed('unit tests', async () => {
    counts = await runVitest('unit');
    return counts.failed === 0;
  });
  console.log('');
  for (const line of [...describeSteps(steps), ...describeCounts(counts)]) console.log(line);
  return steps.every(({ passed }) => passed) ? 0 : 1;
}

process.exitCode = await main();
