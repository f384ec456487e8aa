import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../base/errors.ts';
import { judgeLlamaProgram, lowestSafeBuild } from '../finding/llama-version.ts';
import { probeProgram } from '../finding/probe-program.ts';
import { problemOf } from '../ollama/find-ollama.ts';
import { checkRoom, fetchFile } from './fetching.ts';
import { newestAsset, type ReleaseAsset } from './releases.ts';
import type { InstallableKind, Recipe, StepDeps } from './recipe.ts';
import { llamaAsset, ollamaAsset, type AssetChoice, type InstallMachine } from './sources.ts';
import { programIn, rootOf, unpack } from './unpacking.ts';

/** What an archive takes once it is unpacked, compared with itself. */
const growth = 3.5;

/** Ollama and llama-server come as archives of their projects' releases. */
export function releaseRecipe(
  kind: Exclude<InstallableKind, 'bitnet'>,
  machine: InstallMachine,
  folder: string,
): Recipe {
  const choice = kind === 'ollama' ? ollamaAsset(machine) : llamaAsset(machine);
  const where = `${machine.platform} on ${machine.arch}`;
  if (!choice) {
    const problem = `Its project has no program for ${where}. Build it from its sources, and name its path in the settings.`;
    return { kind, sentence: sentenceOf(kind, folder, machine), steps: [], problem };
  }
  return {
    kind,
    sentence: sentenceOf(kind, folder, machine),
    steps: stepsOf(kind, choice, machine, folder),
    problem: null,
  };
}

function sentenceOf(kind: InstallableKind, folder: string, { platform }: InstallMachine): string {
  if (kind === 'llama-server') {
    return `The newest release of llama.cpp, 15 to 60 MB, goes into ${folder}. Nothing else on this machine changes.`;
  }
  const own =
    platform === 'win32'
      ? 'winget install Ollama.Ollama'
      : platform === 'darwin'
        ? 'brew install --cask ollama'
        : 'curl -fsSL https://ollama.com/install.sh | sh';
  return `The newest release of Ollama, up to 2 GB, goes into ${folder}, without root. To have it for the whole machine instead, as its project advises: ${own}`;
}

function stepsOf(
  kind: Exclude<InstallableKind, 'bitnet'>,
  choice: AssetChoice,
  machine: InstallMachine,
  folder: string,
): Recipe['steps'] {
  const program = machine.platform === 'win32' ? `${kind}.exe` : kind;
  const latest = `https://github.com/${choice.repository}/releases/latest`;
  let asset: ReleaseAsset | null = null;
  let root: string | null = null;
  const archive = ({ site }: StepDeps): string => path.join(site.staging, known(asset).name);
  return [
    {
      sentence: 'Look up the newest release and its checksum.',
      lines: [latest],
      async run(deps) {
        asset = await newestAsset(choice, { http: deps.http, api: deps.sources.api, signal: deps.signal });
        deps.log.append('stdout', `${asset.tag}: ${asset.url}, sha256 ${asset.sha256}`);
      },
    },
    {
      sentence: 'Fetch it and check it.',
      lines: [
        `curl -fLO https://github.com/${choice.repository}/releases/latest/download/${choice.shown}`,
        `sha256sum ${choice.shown}`,
      ],
      async run(deps) {
        const { url, sha256, sizeBytes } = known(asset);
        await checkRoom(deps.site.staging, sizeBytes * growth);
        await fetchFile({ url, sha256, sizeBytes, file: archive(deps) }, deps);
      },
    },
    {
      sentence: 'Unpack it.',
      lines: [`mkdir -p ${folder}`, `tar -xf ${choice.shown} -C ${folder}`],
      async run(deps) {
        const unpacked = path.join(deps.site.staging, 'unpacked');
        await unpack(archive(deps), unpacked, deps);
        root = await rootOf(unpacked, program);
        if (root === null)
          throw new AppError('engine_failed', `The archive ${known(asset).name} has no ${program} in it.`);
      },
    },
    {
      sentence: 'Start it once to read its version, and put it in its place.',
      lines: [`${path.join(folder, '…', program)} --version`],
      async run(deps) {
        const found = known(root);
        await checkProgram(kind, found, program, deps);
        await putInPlace(found, deps.site.target(known(asset).tag));
      },
    },
  ];
}

async function checkProgram(
  kind: Exclude<InstallableKind, 'bitnet'>,
  root: string,
  program: string,
  deps: StepDeps,
): Promise<void> {
  const file = await programIn(root, program);
  await chmod(file, 0o755);
  const env = { HOME: deps.site.staging, USERPROFILE: deps.site.staging, OLLAMA_HOST: '127.0.0.1:1' };
  const outcome = await probeProgram(file, ['--version'], { clock: deps.clock, from: deps.env, env });
  if (outcome.kind === 'ended') for (const line of outcome.output.trim().split('\n')) deps.log.append('stdout', line);
  const problem =
    kind === 'ollama' ? problemOf(program, outcome) : llamaProblem(judgeLlamaProgram(program, outcome, rules));
  if (problem !== null) throw new AppError('engine_failed', `What was fetched does not work here: ${problem}`);
}

const rules = { lowestBuild: lowestSafeBuild, allowOld: false };

function llamaProblem(judgement: ReturnType<typeof judgeLlamaProgram>): string | null {
  return judgement.ok ? null : judgement.sentence;
}

/** Moves a whole folder to its place in one go; one of the same version is replaced. */
export async function putInPlace(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true, mode: 0o700 });
  const before = `${to}.old`;
  await rm(before, { recursive: true, force: true });
  const replaced = await rename(to, before).then(
    () => true,
    () => false,
  );
  try {
    await rename(from, to);
  } catch (error) {
    if (replaced) await rename(before, to);
    throw error;
  }
  // Windows keeps a program that runs: it goes with the next installation.
  await rm(before, { recursive: true, force: true }).catch(() => undefined);
}

function known<T>(value: T | null): T {
  if (value === null) throw new AppError('internal', 'The steps of the installation ran out of order.');
  return value;
}
