import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { PlantedTree } from './planted-tree.ts';

// Each fence of the import table is shown to hold: a violation is planted in a copy of the sources, and the tool that
// guards the fence has to refuse exactly that file.

const target = 'export const target = 1;\n';
const use = (from: string): string => `import { target } from '${from}';\nexport const used = target;\n`;

const planted = {
  'electron/agent/telemetry/planted-target.ts': target,
  'electron/agent/control/planted-target.ts': target,
  'electron/agent/base/planted-target.ts': target,
  'electron/agent/mystery/planted-target.ts': target,
  'electron/shell/planted-target.ts': `import { app } from 'electron';\nexport const target = app;\n`,
  'test/fixtures/planted-target.ts': target,
  // Lint.
  'electron/agent/gateway/planted-sibling.ts': use('../telemetry/planted-target.ts'),
  'electron/agent/gateway/planted-lazy.ts': `export const used = import('../telemetry/planted-target.ts');\n`,
  'electron/agent/gateway/planted-passed-on.ts': `export { target } from '../telemetry/planted-target.ts';\n`,
  'electron/agent/gateway/planted-stranger.ts': use('../mystery/planted-target.ts'),
  'electron/agent/gateway/planted-fine.ts': use('../base/planted-target.ts'),
  'electron/agent/models/planted-upwards.ts': use('../control/planted-target.ts'),
  'electron/agent/base/planted-electron.ts': `import { app } from 'electron';\nexport const used = app;\n`,
  'electron/agent/base/planted-subpath.ts': `import { app } from 'electron/main';\nexport const used = app;\n`,
  'electron/agent/base/planted-dynamic.ts': `export const used = import('electron');\n`,
  'electron/agent/base/planted-required.ts':
    `import { createRequire } from 'node:module';\n` +
    `const require = createRequire(import.meta.url);\nexport const used: unknown = require('electron');\n`,
  'electron/client/planted-base.ts': use('../agent/base/planted-target.ts'),
  'electron/cli/planted-agent.ts': use('../agent/control/planted-target.ts'),
  'renderer/planted-agent.ts': use('../electron/agent/base/planted-target.ts'),
  // Chains.
  'electron/agent/base/planted-circle-a.ts': `import { b } from './planted-circle-b.ts';\nexport const a = (): unknown => b;\n`,
  'electron/agent/base/planted-circle-b.ts': `import { a } from './planted-circle-a.ts';\nexport const b = (): unknown => a;\n`,
  'electron/host/planted-middle.ts': `export { target } from '../shell/planted-target.ts';\n`,
  'electron/agent/planted-chain.ts': use('../host/planted-middle.ts'),
  'electron/agent/engines/planted-inference.ts': `import 'node-llama-cpp';\nexport const target = 1;\n`,
  'electron/host/planted-on-tests.ts': use('../../test/fixtures/planted-target.ts'),
  // Types.
  'electron/contract/planted-node.ts': `import { readFileSync } from 'node:fs';\nexport const used = readFileSync;\n`,
  'electron/contract/planted-page.ts': `export const used: unknown = document.title;\n`,
  'electron/agent/base/planted-page.ts': `export const used: unknown = document.title;\n`,
  'renderer/planted-node.ts': `import { readFileSync } from 'node:fs';\nexport const used = readFileSync;\n`,
  // Dead code.
  'electron/host/planted-unused.ts': target,
} as const satisfies Record<string, string>;

type Planted = keyof typeof planted;

let tree: PlantedTree;
beforeAll(() => {
  tree = new PlantedTree(makeTempFolder(), planted);
});
afterAll(() => removeFolder(tree.root));

interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

describe('lint', () => {
  let results: readonly LintResult[] = [];
  const rulesFor = (file: Planted): readonly (string | null)[] =>
    results
      .filter(({ filePath }) => filePath === join(tree.root, file))
      .flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId));

  beforeAll(async () => {
    const files = Object.keys(planted);
    const report = 'lint.json';
    await tree.run('eslint/bin/eslint.js', '--format', 'json', '--output-file', report, ...files);
    results = JSON.parse(readFileSync(join(tree.root, report), 'utf8')) as readonly LintResult[];
  });

  it.each<Planted>([
    'electron/agent/gateway/planted-sibling.ts',
    'electron/agent/gateway/planted-lazy.ts',
    'electron/agent/gateway/planted-passed-on.ts',
    'electron/agent/gateway/planted-stranger.ts',
    'electron/agent/models/planted-upwards.ts',
    'electron/client/planted-base.ts',
    'electron/cli/planted-agent.ts',
    'renderer/planted-agent.ts',
  ])('refuses an import that the table does not allow: %s', (file) => {
    expect(rulesFor(file)).toContain('boundaries/dependencies');
  });

  it('refuses a file in a room that the table does not know', () => {
    expect(rulesFor('electron/agent/mystery/planted-target.ts')).toContain('boundaries/no-unknown-files');
  });

  it.each<Planted>(['electron/agent/base/planted-electron.ts', 'electron/agent/base/planted-subpath.ts'])(
    'refuses Electron outside the shell: %s',
    (file) => {
      expect(rulesFor(file)).toContain('no-restricted-imports');
    },
  );

  it.each<Planted>(['electron/agent/base/planted-dynamic.ts', 'electron/agent/base/planted-required.ts'])(
    'refuses Electron outside the shell however it is loaded: %s',
    (file) => {
      expect(rulesFor(file)).toContain('no-restricted-syntax');
    },
  );

  it('lets through what the table allows', () => {
    expect(rulesFor('electron/agent/gateway/planted-fine.ts')).toEqual([]);
    expect(rulesFor('electron/shell/planted-target.ts')).toEqual([]);
  });
});

interface Cruise {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

describe('import chains', () => {
  let broken: readonly string[] = [];
  beforeAll(async () => {
    const main = 'electron/agent-main.ts';
    const text = readFileSync(join(projectRoot, main), 'utf8');
    tree.write(main, `import './agent/engines/planted-inference.ts';\n${text}`);
    const report = 'cruise.json';
    const output = ['--output-type', 'json', '--output-to', report];
    await tree.run('dependency-cruiser/bin/dependency-cruise.mjs', ...output, 'electron', 'renderer', 'build', 'test');
    const { summary } = JSON.parse(readFileSync(join(tree.root, report), 'utf8')) as Cruise;
    broken = summary.violations.map(({ rule, from }) => `${rule.name} ${from}`);
    tree.write(main, text);
  });

  it.each<[rule: string, file: string]>([
    ['no-circular', 'electron/agent/base/planted-circle-a.ts'],
    ['agent-never-reaches-the-shell', 'electron/agent/planted-chain.ts'],
    ['agent-never-reaches-the-shell', 'electron/agent/base/planted-electron.ts'],
    ['agent-never-loads-inference', 'electron/agent-main.ts'],
    ['product-never-imports-tests', 'electron/host/planted-on-tests.ts'],
  ])('%s refuses %s', (rule, file) => {
    expect(broken).toContain(`${rule} ${file}`);
  });

  it('lets through what is allowed', () => {
    expect(broken.filter((line) => line.endsWith('planted-fine.ts'))).toEqual([]);
  });
});

describe('types', () => {
  const refused = async (project: string): Promise<string> =>
    (await tree.run('typescript/bin/tsc', '-b', project)).output;

  it('refuse Node and pages in the contract', async () => {
    const output = await refused('electron/contract');
    expect(output).toMatch(/planted-node\.ts.*error/);
    expect(output).toMatch(/planted-page\.ts.*error/);
  });

  it('refuse pages in the agent', async () => {
    expect(await refused('electron/agent/base')).toMatch(/planted-page\.ts.*error/);
  });

  it('refuse Node in the panel', async () => {
    // Its reference to the contract has to build before it is looked at.
    for (const name of ['planted-node', 'planted-page']) tree.write(`electron/contract/${name}.ts`, target);
    expect(await refused('renderer')).toMatch(/renderer\/planted-node\.ts.*error/);
  });
});

describe('dead code', () => {
  it('refuses a file, an export and a dependency that nothing uses', async () => {
    const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    manifest.dependencies['planted-dependency'] = '1.0.0';
    tree.write('package.json', JSON.stringify(manifest));
    const version = readFileSync(join(projectRoot, 'electron/contract/version.ts'), 'utf8');
    tree.write('electron/contract/version.ts', `${version}\nexport const plantedExport = 1;\n`);
    const { passed, output } = await tree.run('knip/bin/knip.js', '--no-progress');
    expect(passed).toBe(false);
    expect(output).toContain('electron/host/planted-unused.ts');
    expect(output).toContain('plantedExport');
    expect(output).toContain('planted-dependency');
  });
});
