import { type BuildOptions } from 'esbuild';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { leanLibraries } from './lean-libraries.ts';
import { plainBuiltins } from './plain-builtins.ts';
import { projectRoot, type Made, type Product } from './product.ts';

const toSlashes = (path: string): string => path.split(sep).join('/');

/**
 * Lean ES modules for Node 24. Names stay, so that stack traces can be read; blanks go, because V8 keeps the source
 * text in memory. CommonJS libraries inside need a `require`.
 */
const nodeBundleDefaults = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  outdir: 'dist',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'silent',
  plugins: [leanLibraries, plainBuiltins],
  banner: {
    js: "const require=process.getBuiltinModule('node:module').createRequire(import.meta.url);",
  },
} satisfies BuildOptions;

async function run(options: BuildOptions, previous: readonly string[]): Promise<Made> {
  // Loaded only when something is stale: most starts build nothing.
  const { build, formatMessages } = await import('esbuild');
  const failed = async (error: unknown): Promise<never> => {
    const { errors } = error as { errors?: Parameters<typeof formatMessages>[0] };
    if (errors === undefined) throw error;
    throw new Error((await formatMessages(errors, { kind: 'error' })).join('\n'));
  };
  const result = await build({ ...options, absWorkingDir: projectRoot, write: false, metafile: true }).catch(failed);
  const outputs: string[] = [];
  // Chunks have their hash in their name and come before the entry that names them; the entry is last and replaces
  // the old one in one step.
  const entries = new Set(
    Object.entries(result.metafile.outputs).flatMap(([path, made]) => (made.entryPoint ? [path] : [])),
  );
  const files = result.outputFiles.map(({ path, contents }) => ({
    path: toSlashes(relative(projectRoot, path)),
    contents,
  }));
  files.sort((a, b) => Number(entries.has(a.path)) - Number(entries.has(b.path)));
  for (const { path, contents } of files) {
    const target = join(projectRoot, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.part`, contents);
    await rename(`${target}.part`, target);
    outputs.push(path);
  }
  for (const old of previous) {
    if (!outputs.includes(old)) await rm(join(projectRoot, old), { force: true });
  }
  const inputs = Object.keys(result.metafile.inputs).filter(
    (path) => !path.includes('node_modules/') && !path.includes(':'),
  );
  return { inputs, outputs };
}

/** A product that esbuild makes. Libraries count by the lockfile, own sources one by one. */
export function nodeBundle(name: string, definedIn: string, options: BuildOptions): Product {
  return {
    name,
    watch: [
      'package-lock.json',
      'build/bundling/node-bundle.ts',
      'build/bundling/lean-libraries.ts',
      'build/bundling/plain-builtins.ts',
      definedIn,
    ],
    make: (previous) => run({ ...nodeBundleDefaults, ...options }, previous),
  };
}
