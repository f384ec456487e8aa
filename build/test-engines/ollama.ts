import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../process/run-command.ts';
import { testEngineFiles } from './layout.ts';
import { buildJobs, llamaSources } from './llama-server.ts';
import { type PythonPackages } from './python-packages.ts';

export const ollamaVersion = '0.17.4';

/**
 * Builds Ollama from its Go module, whose zip leaves out the headers that llama.cpp's sources have. Go checks the
 * module against its checksum database. Returns the built file.
 */
export async function buildOllama(folder: string, packages: PythonPackages): Promise<readonly string[]> {
  const sources = await llamaSources(folder, packages);
  const bin = join(folder, 'downloads', 'ollama-bin');
  await mkdir(bin, { recursive: true });
  const flags = ['install', '-p', buildJobs(process.env), `github.com/ollama/ollama@v${ollamaVersion}`];
  await mustRun('go', flags, {
    env: { CGO_ENABLED: '1', CGO_CPPFLAGS: `-I${join(sources, 'vendor')}`, GOBIN: bin },
    timeoutMs: 90 * 60_000,
    show: true,
  });
  const program = join(bin, 'ollama');
  const facts = await mustRun('go', ['version', '-m', program], { timeoutMs: 60_000 });
  if (!facts.includes(`v${ollamaVersion}`)) throw new Error(`Go built another version than ${ollamaVersion}`);
  await mkdir(join(folder, `ollama-${ollamaVersion}`), { recursive: true });
  await rename(program, join(folder, testEngineFiles.ollama));
  return [testEngineFiles.ollama];
}
