import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../process/run-command.ts';
import { filesUnder } from './freshness.ts';
import { projectRoot, type Product } from './product.ts';

const target = 'dist/panel';

/** The panel's page, made by vite into a folder aside that then takes the old one's place. */
export const panelBundle: Product = {
  name: 'panel',
  watch: [
    'package-lock.json',
    'build/vite.panel.config.ts',
    'build/bundling/panel-bundle.ts',
    'renderer',
    'electron/contract',
  ],
  make: async () => {
    const aside = join(projectRoot, `dist/.panel-new-${process.pid}`);
    const old = join(projectRoot, `dist/.panel-old-${process.pid}`);
    await rm(aside, { recursive: true, force: true });
    // In a process of its own: a page that does not resolve leaves vite with a rejection that nobody can catch.
    const vite = join(projectRoot, 'node_modules/vite/bin/vite.js');
    const config = ['--config', join(projectRoot, 'build/vite.panel.config.ts'), '--logLevel', 'error'];
    await mustRun(process.execPath, [vite, 'build', ...config, '--outDir', aside, '--emptyOutDir'], {
      cwd: projectRoot,
      timeoutMs: 5 * 60_000,
    });
    if (existsSync(join(projectRoot, target))) await rename(join(projectRoot, target), old);
    await rename(aside, join(projectRoot, target));
    await rm(old, { recursive: true, force: true });
    return { inputs: [], outputs: filesUnder(projectRoot, [target]) };
  },
};
