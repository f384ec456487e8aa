import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the tests may ask for. `gemma` is a model, the others are programs. */
export type TestEngine = 'gemma' | 'electron' | 'llama-server' | 'ollama';

export const testEngines: readonly TestEngine[] = ['gemma', 'electron', 'llama-server', 'ollama'];

/** The folder that holds them: `$RANCH_HAND_TEST_ENGINES`, else one under the user's cache folder. */
export function testEnginesFolder(env: NodeJS.ProcessEnv): string {
  const named = env['RANCH_HAND_TEST_ENGINES'];
  if (named !== undefined && named !== '') return named;
  const cache = env['XDG_CACHE_HOME'] ?? env['LOCALAPPDATA'] ?? join(homedir(), '.cache');
  return join(cache, 'ranch-hand-test-engines');
}

/** The file of each that a test opens or starts, relative to the folder. */
export const testEngineFiles = {
  gemma: 'gemma-3-270m-q4_k_m.gguf',
  electron: 'electron-9.4.1/electron',
  'llama-server': 'llama-server-b11434/llama-server',
  ollama: 'ollama-0.17.4/ollama',
} as const satisfies Record<TestEngine, string>;

/** Makes F16, Q8_0 and Q4_K_M variants of a model; comes with `llama-server`. */
export const llamaQuantizeFile = 'llama-server-b11434/llama-quantize';

/** Checksums written when the file was put there; a test engine without its receipt is not ready. */
export function receiptFile(engine: TestEngine): string {
  return `${engine}.receipt.json`;
}
