// Fills the folder of real engines and models that tests use: `node build/test-engines.ts [gemma] [electron]
// [llama-server] [ollama]`, by default gemma and electron. Safe to run twice, also at the same time.
import { testEngines, testEnginesFolder, type TestEngine } from './test-engines/layout.ts';
import { provision } from './test-engines/provision.ts';

const isTestEngine = (name: string): name is TestEngine => testEngines.some((engine) => engine === name);

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !isTestEngine(name));
  if (unknown.length > 0) {
    console.error(`Unknown test engine: ${unknown.join(', ')}. There are: ${testEngines.join(', ')}.`);
    return 2;
  }
  const wanted = names.length === 0 ? (['gemma', 'electron'] as const) : names.filter(isTestEngine);
  const folder = testEnginesFolder(process.env);
  let missing = 0;
  for (const engine of wanted) {
    const outcome = await provision(folder, engine);
    if (outcome.state === 'ready') {
      console.log(`${engine}: ready (${outcome.seconds.toFixed(1)} s)`);
    } else {
      missing += 1;
      console.error(`${engine}: not available: ${outcome.reason}`);
    }
  }
  console.log(`Test engines are in ${folder}`);
  return missing === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
