import { build, type Plugin } from 'esbuild';
import { join } from 'node:path';
import { shellBundle } from '../../../../build/bundles-shell.ts';
import { projectRoot } from '../../../../build/bundling/product.ts';

/** Built-in modules without the prefix that the old Node does not know, and one under the name it has there. */
const oldBuiltIns: Plugin = {
  name: 'old-built-ins',
  setup(setup) {
    setup.onResolve({ filter: /^node:/ }, ({ path }) => {
      const name = path.slice('node:'.length);
      return name === 'fs/promises' ? { path: name, namespace: 'old-built-in' } : { path: name, external: true };
    });
    setup.onLoad({ filter: /.*/, namespace: 'old-built-in' }, () => ({
      contents: "module.exports = require('fs').promises;",
      loader: 'js',
    }));
  },
};

/**
 * Bundles the shell down to Electron 9 (Node 12.14, Chromium 83), the one that a test can have from a package registry.
 * The sources are the product's own; only the settings store is an older version of the same library, because the
 * current one needs file functions of Node 22.
 *
 * @returns the file to start Electron with; it is two folders below the project's root, as the product's is
 */
export async function bundleShellForOldElectron(): Promise<string> {
  const outfile = join(projectRoot, 'dist', 'desktop-test', 'main.cjs');
  const { entryPoints, format, external, define } = shellBundle;
  await build({
    format,
    external,
    define,
    absWorkingDir: projectRoot,
    bundle: true,
    platform: 'node',
    logLevel: 'silent',
    entryPoints: [entryPoints['shell/main']],
    outfile,
    target: 'node12',
    sourcemap: 'inline',
    alias: { 'electron-store': 'electron-store8' },
    inject: [join(import.meta.dirname, 'prelude.cjs')],
    plugins: [oldBuiltIns],
  });
  return outfile;
}
