// `npm test`: everything that a clean checkout can check on this machine. What cannot run here is counted aloud. The
// last line is `N passed, N failed`, with `, N skipped` if any were.
import { buildStale } from './bundling/build-stale.ts';
import { products } from './bundling/products.ts';
import { addCounts, describeCounts } from './process/report.ts';
import { runVitest } from './process/run-vitest.ts';
import { testEnginesFolder } from './test-engines/layout.ts';
import { findTestEngine, provision } from './test-engines/provision.ts';

/** Gets what the tests can have with a download alone; the engines that must be compiled are used if they are there. */
async function getTestEngines(): Promise<void> {
  const folder = testEnginesFolder(process.env);
  for (const engine of ['gemma', 'electron'] as const) {
    if (findTestEngine(folder, engine) !== undefined) continue;
    const outcome = await provision(folder, engine);
    if (outcome.state === 'unavailable') console.log(`Test engine ${engine} is not available: ${outcome.reason}`);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { failures } = await buildStale(products, { force: false, say: (line) => console.log(line) });
  for (const { name, error } of failures) console.error(`${name} could not be built.\n${error.message}`);
  if (failures.length > 0) return 1;
  await getTestEngines();
  const counts = addCounts(await runVitest('unit', args), await runVitest('real', args));
  console.log('');
  for (const line of describeCounts(counts)) console.log(line);
  return counts.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
