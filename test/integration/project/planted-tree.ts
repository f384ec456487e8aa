import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from '../../../build/process/run-command.ts';
import { projectRoot } from '../../../build/bundling/product.ts';

/** What of the checkout the tools of `npm run check` look at. */
const copied = [
  'electron',
  'renderer',
  'build',
  'test/fixtures',
  'test/tsconfig.json',
  'package.json',
  'tsconfig.json',
  'tsconfig.config.json',
  'vitest.config.ts',
  'eslint.config.js',
  'knip.jsonc',
  '.dependency-cruiser.cjs',
];

/** A copy of the sources with files planted in it, and the tools of the real project to run there. */
export class PlantedTree {
  readonly root: string;

  constructor(root: string, planted: Readonly<Record<string, string>>) {
    this.root = root;
    for (const path of copied) cpSync(join(projectRoot, path), join(root, path), { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules'), join(root, 'node_modules'), 'junction');
    for (const [path, text] of Object.entries(planted)) this.write(path, text);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** Runs a tool by its script in node_modules; answers what it printed and whether it was content. */
  async run(
    script: string,
    ...args: readonly string[]
  ): Promise<{ readonly passed: boolean; readonly output: string }> {
    const file = join(this.root, 'node_modules', script);
    const { code, output } = await runCommand(process.execPath, [file, ...args], {
      cwd: this.root,
      env: { NO_COLOR: '1' },
      timeoutMs: 120_000,
    });
    return { passed: code === 0, output };
  }
}
