import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../bundling/product.ts';

/** The machine that a package is for. */
export interface PackageTarget {
  readonly platform: 'linux' | 'win32';
  readonly arch: 'x64' | 'arm64';
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What of `dist/` is not the agent's or the command line's: the shell, which goes elsewhere, and builds for tests. */
const notTheAgents = /^(shell|desktop-test.*|\..*|.*\.part)$/;
/** Nothing of these runs: sources of native code, type declarations, maps for debuggers. */
const leftOut = /(\.map|\.d\.ts|\.d\.cts|\.d\.mts|\.tsbuildinfo)$/;

const readManifest = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;

/** True if a package restricted to systems and processors may be installed on the target. */
function suits({ os, cpu }: Pick<Manifest, 'os' | 'cpu'>, { platform, arch }: PackageTarget): boolean {
  const fits = (list: readonly string[] | undefined, value: string): boolean =>
    list === undefined ||
    list.length === 0 ||
    list.includes(value) ||
    (list.every((name) => name.startsWith('!')) && !list.includes(`!${value}`));
  return fits(os, platform) && fits(cpu, arch);
}

/** Where Node would find a package from a folder: in the nearest `node_modules` upwards, relative to the root. */
function findPackage(root: string, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(root, candidate, 'package.json'))) return candidate;
    if (folder === '.') return undefined;
  }
}

/** The folder of a package and of all that it needs on the target, relative to the root. */
async function packageClosure(root: string, name: string, target: PackageTarget): Promise<readonly string[]> {
  const found = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    if (found.has(folder)) return;
    const manifest = await readManifest(join(root, folder));
    // npm installs a package for every kind of its platform, and one for none at all where it was replaced.
    if (!suits(manifest, target) || manifest.name === 'empty-npm-package') return;
    found.add(folder);
    for (const needed of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const next = findPackage(root, folder, needed);
      if (next !== undefined) await visit(next);
    }
  };
  const start = findPackage(root, '.', name);
  if (start === undefined) throw new Error(`${name} is not installed. Run npm ci again.`);
  await visit(start);
  return [...found].sort();
}

async function stageAgent(folder: string, target: PackageTarget): Promise<void> {
  for (const name of await readdir(join(projectRoot, 'dist'))) {
    if (notTheAgents.test(name) || leftOut.test(name)) continue;
    const filter = (source: string): boolean => !leftOut.test(source);
    await cp(join(projectRoot, 'dist', name), join(folder, name), { recursive: true, filter });
  }
  const { version } = await readManifest(projectRoot);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'ranch-hand-agent', version, type: 'module' }));
  // These libraries cannot be bundled: they find their native parts beside themselves.
  const paths = new Set(await packageClosure(projectRoot, 'node-llama-cpp', target));
  // Not built for every platform; without it keys are kept in a file, and the node says so.
  const keyring = '@napi-rs/keyring';
  const hasKeyring = findPackage(projectRoot, '.', keyring) !== undefined;
  if (hasKeyring) for (const path of await packageClosure(projectRoot, keyring, target)) paths.add(path);
  for (const path of paths) {
    const source = join(projectRoot, path);
    const inner = join(source, 'node_modules');
    // node-llama-cpp carries what it needs to compile llama.cpp on the machine; the package never compiles.
    const compilerInput = join(projectRoot, 'node_modules/node-llama-cpp/llama');
    const kept = (file: string): boolean =>
      !file.startsWith(inner) &&
      !leftOut.test(file) &&
      !(file.startsWith(compilerInput) && /\.(bundle|cpp|h|hpp|txt|cmake)$/.test(file));
    await cp(source, join(folder, path), { recursive: true, filter: kept });
  }
}

async function stageNode(folder: string, { platform, arch }: PackageTarget): Promise<void> {
  const name = platform === 'win32' ? 'win' : platform;
  const binary = platform === 'win32' ? 'node.exe' : 'node';
  const source = join(projectRoot, 'node_modules', `node-${name}-${arch}`);
  if (!existsSync(source))
    throw new Error(`node-${name}-${arch} is not installed: make this package on ${platform} ${arch}.`);
  await mkdir(folder, { recursive: true });
  await cp(join(source, 'bin', binary), join(folder, binary));
  await cp(join(source, 'LICENSE'), join(folder, 'LICENSE'));
}

/** Puts what goes beside the shell's archive into `folder`: `agent/` and `node/`. The folder is emptied first. */
export async function stage(folder: string, target: PackageTarget): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'agent'), { recursive: true });
  await stageAgent(join(folder, 'agent'), target);
  await stageNode(join(folder, 'node'), target);
}
