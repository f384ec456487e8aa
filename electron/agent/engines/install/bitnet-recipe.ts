import { mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { AppError } from '../../base/errors.ts';
import { judgeLlamaProgram } from '../finding/llama-version.ts';
import { probeProgram } from '../finding/probe-program.ts';
import { digestOf, fetchFile, fetchText } from './fetching.ts';
import type { Recipe, StepDeps } from './recipe.ts';
import { putInPlace } from './release-recipe.ts';
import { bitnetModel, type InstallMachine } from './sources.ts';
import type { BuildTools } from './tools.ts';

const repository = 'microsoft/BitNet';
/** The kernels' header is made for one model and serves all whose weights are i2_s; these are the project's own numbers. */
const kernels = {
  arm64: { script: 'codegen_tl1.py', blocks: ['160,320,320', '64,128,64', '32,64,32'] },
  x64: { script: 'codegen_tl2.py', blocks: ['160,320,320', '96,96,96', '32,32,32'] },
} as const;

const treeSchema = z.array(
  z.object({ path: z.string(), size: z.number(), lfs: z.object({ oid: z.string() }).optional() }),
);

/** bitnet.cpp comes as sources and is built here. `found`: the tools of this machine, or what is missing. */
export function bitnetRecipe(
  machine: InstallMachine,
  folder: string,
  modelsDir: string,
  found: { readonly tools: BuildTools; readonly problem: null } | { readonly tools: null; readonly problem: string },
): Recipe {
  const kernel = machine.arch === 'arm64' ? kernels.arm64 : machine.arch === 'x64' ? kernels.x64 : null;
  const sentence = `bitnet.cpp is built from its sources into ${folder}, which takes some minutes and about 2 GB, and the model BitNet b1.58 2B, 1.2 GB, is put into ${modelsDir}.`;
  const problem = problemOn(machine, kernel !== null, found.problem);
  const tools = found.tools ?? { git: 'git', cmake: 'cmake', clang: 'clang', clangxx: 'clang++', python: 'python3' };
  const steps = buildSteps(tools, kernel ?? kernels.x64, folder);
  return { kind: 'bitnet', sentence, steps: [...steps, modelStep(modelsDir), placeStep(folder)], problem };
}

function problemOn({ platform, arch }: InstallMachine, hasKernel: boolean, missing: string | null): string | null {
  if (!hasKernel) return `Its project has no kernels for ${arch}.`;
  if (platform === 'win32') {
    return 'On Windows it is built in the developer prompt of Visual Studio 2022 with its Clang tools. Run the steps there, then name the path of its llama-server in the settings.';
  }
  return missing;
}

const sourcesIn = ({ site }: StepDeps): string => path.join(site.staging, 'sources');

function buildSteps(
  tools: BuildTools,
  kernel: (typeof kernels)[keyof typeof kernels],
  folder: string,
): Recipe['steps'] {
  const [BM, BK, bm] = kernel.blocks;
  const codegen = ['--model', 'bitnet_b1_58-3B', '--BM', BM, '--BK', BK, '--bm', bm];
  const options = [
    '-DCMAKE_BUILD_TYPE=Release',
    `-DCMAKE_C_COMPILER=${tools.clang}`,
    `-DCMAKE_CXX_COMPILER=${tools.clangxx}`,
    '-DBITNET_X86_TL2=OFF',
    '-DBITNET_ARM_TL1=OFF',
    '-DLLAMA_BUILD_TOOLS=ON',
    '-DLLAMA_BUILD_EXAMPLES=ON',
    '-DLLAMA_BUILD_COMMON=ON',
    '-DLLAMA_BUILD_SERVER=ON',
    // It is moved once it is built: its libraries are then still where it looks for them.
    '-DBUILD_SHARED_LIBS=OFF',
    '-DCMAKE_BUILD_RPATH_USE_ORIGIN=ON',
  ];
  return [
    {
      sentence: 'Get the sources, with those of its llama.cpp.',
      lines: [`git clone --recursive https://github.com/${repository}.git ${folder}`, `cd ${folder}`],
      run: (deps) =>
        deps.run({
          program: tools.git,
          args: [
            'clone',
            '--depth',
            '1',
            '--recursive',
            '--shallow-submodules',
            `${deps.sources.git}/${repository}.git`,
            sourcesIn(deps),
          ],
        }),
    },
    {
      sentence: 'Make the kernels for this processor.',
      lines: [`${tools.python} utils/${kernel.script} ${codegen.join(' ')}`],
      // The script writes into the folder above its own, whatever folder it is started in.
      run: (deps) =>
        deps.run({
          program: tools.cmake,
          args: ['-E', 'chdir', sourcesIn(deps), tools.python, `utils/${kernel.script}`, ...codegen],
        }),
    },
    {
      sentence: 'Prepare the build.',
      lines: [`cmake -S . -B build ${options.join(' ')}`],
      run: (deps) =>
        deps.run({
          program: tools.cmake,
          args: ['-S', sourcesIn(deps), '-B', path.join(sourcesIn(deps), 'build'), ...options],
        }),
    },
    {
      sentence: 'Build its server.',
      lines: ['cmake --build build --config Release --target llama-server'],
      run: (deps) => {
        const build = path.join(sourcesIn(deps), 'build');
        // One core is left to whatever else the machine does.
        const jobs = String(Math.max(1, deps.site.cores - 1));
        const args = ['--build', build, '--config', 'Release', '--target', 'llama-server', '-j', jobs];
        return deps.run({ program: tools.cmake, args }, (line) => {
          const percent = /^\[\s*(\d{1,3})%\]/.exec(line)?.[1];
          if (percent !== undefined) deps.onShare(Number(percent) / 100);
        });
      },
    },
  ];
}

function modelStep(modelsDir: string): Recipe['steps'][number] {
  const { repository: repo, file, savedAs } = bitnetModel;
  const target = path.join(modelsDir, savedAs);
  return {
    sentence: 'Fetch a model for it and check it.',
    lines: [`curl -fL -o ${target} https://huggingface.co/${repo}/resolve/main/${file}`],
    async run(deps) {
      const wanted = await modelOnHub(deps);
      const here = await stat(target).catch(() => null);
      if (here?.size === wanted.sizeBytes && (await digestOf(target)) === wanted.sha256) {
        deps.log.append('stdout', `${target} is there already.`);
        return;
      }
      if (here) throw new AppError('conflict', `${target} is another file. Move it away, then try again.`);
      await mkdir(modelsDir, { recursive: true, mode: 0o700 });
      // Beside its place, on the same disk; the models folder's own search passes over what does not end in .gguf.
      const part = path.join(modelsDir, `.${savedAs}.part`);
      await fetchFile({ ...wanted, file: part }, deps);
      await rename(part, target);
    },
  };
}

async function modelOnHub(deps: StepDeps): Promise<{ url: string; sha256: string; sizeBytes: number }> {
  const { repository: repo, file } = bitnetModel;
  const list = await fetchText(`${deps.sources.hub}/api/models/${repo}/tree/main`, {
    ...deps,
    headers: {},
    mostBytes: 1024 * 1024,
  });
  const parsed = treeSchema.safeParse(JSON.parse(list));
  const entry = parsed.success ? parsed.data.find(({ path: name }) => name === file) : undefined;
  const sha256 = entry?.lfs?.oid ?? '';
  if (!entry || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new AppError('upstream_failed', `${repo} on Hugging Face has no ${file} with a checksum any more.`);
  }
  return { url: `${deps.sources.hub}/${repo}/resolve/main/${file}`, sha256, sizeBytes: entry.size };
}

function placeStep(folder: string): Recipe['steps'][number] {
  return {
    sentence: 'Start its server once to read its version, and put it in its place.',
    lines: [`${path.join(folder, 'build', 'bin', 'llama-server')} --version`],
    async run(deps) {
      const program = path.join(sourcesIn(deps), 'build', 'bin', 'llama-server');
      const outcome = await probeProgram(program, ['--version'], { clock: deps.clock, from: deps.env });
      const judgement = judgeLlamaProgram('llama-server', outcome, { lowestBuild: null, allowOld: true });
      if (!judgement.ok) throw new AppError('engine_failed', `What was built does not work: ${judgement.sentence}`);
      await putInPlace(sourcesIn(deps), deps.site.target('BitNet'));
    },
  };
}
