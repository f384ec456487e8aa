import boundaries from 'eslint-plugin-boundaries';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Rooms of the agent that meet only through ports of a lower room. */
const siblingRooms = ['models', 'gateway', 'cloud', 'mesh', 'telemetry', 'bench'];
const ground = ['base', 'contract'];

/** The import table of docs/architecture: room → what it may import besides itself. Everything else is refused. */
const mayImport = {
  contract: [],
  base: [],
  host: ground,
  inference: ground,
  config: ground,
  ...Object.fromEntries(siblingRooms.map((room) => [room, [...ground, 'inference']])),
  engines: [...ground, 'inference', 'models'],
  control: [...ground, 'inference', 'config', 'engines', ...siblingRooms],
  agent: [...ground, 'host', 'inference', 'config', 'engines', 'control', ...siblingRooms],
  'agent-main': ['agent', 'host', 'contract', 'base'],
  client: ['contract'],
  shell: ['client', 'contract', 'host'],
  'shell-main': ['shell', 'client', 'contract', 'host'],
  cli: ['client', 'contract', 'host'],
  renderer: ['contract'],
  build: ['build'],
};

const elements = [
  { type: 'contract', pattern: 'electron/contract/**', mode: 'full' },
  { type: 'base', pattern: 'electron/agent/base/**', mode: 'full' },
  { type: 'host', pattern: 'electron/host/**', mode: 'full' },
  ...['inference', 'config', 'engines', 'control', ...siblingRooms].map((room) => ({
    type: room,
    pattern: `electron/agent/${room}/**`,
    mode: 'full',
  })),
  { type: 'agent', pattern: 'electron/agent/*.ts', mode: 'full' },
  { type: 'agent-main', pattern: 'electron/agent-main.ts', mode: 'full' },
  { type: 'client', pattern: 'electron/client/**', mode: 'full' },
  { type: 'shell', pattern: 'electron/shell/**', mode: 'full' },
  { type: 'shell-main', pattern: 'electron/main.ts', mode: 'full' },
  { type: 'cli', pattern: 'electron/cli/**', mode: 'full' },
  { type: 'renderer', pattern: 'renderer/**', mode: 'full' },
  { type: 'build', pattern: 'build/**', mode: 'full' },
  { type: 'test', pattern: 'test/**', mode: 'full' },
];

const electronOnlyInShell = {
  paths: [{ name: 'electron', message: 'Only electron/shell and electron/main.ts may import Electron.' }],
};

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'out/', '.cache/', 'artifacts/', '**/*.cjs'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { boundaries },
    settings: {
      'boundaries/elements': elements,
      'boundaries/include': ['electron/**', 'renderer/**', 'build/**', 'test/**'],
      'import/resolver': { typescript: { project: ['tsconfig.json', '*/tsconfig.json', 'electron/*/tsconfig.json'] } },
    },
    rules: {
      'boundaries/no-unknown-files': 'error',
      'boundaries/element-types': [
        'error',
        {
          default: 'disallow',
          message: '${file.type} may not import ${dependency.type}: see the import table in CONTRIBUTING.md',
          rules: [
            ...Object.entries(mayImport).map(([room, allowed]) => ({ from: room, allow: [room, ...allowed] })),
            { from: 'test', allow: '*' },
          ],
        },
      ],
      'no-restricted-imports': ['error', electronOnlyInShell],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' },
        { selector: 'ExportAllDeclaration', message: 'No barrel files: import from the file that owns it.' },
      ],
    },
  },
  {
    files: ['electron/shell/**', 'electron/main.ts', 'test/e2e/desktop/**'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['renderer/**/*.tsx', 'renderer/**/*.ts'],
    plugins: { 'react-hooks': reactHooks },
    rules: reactHooks.configs.recommended.rules,
  },
  {
    // Tools of the outside world that demand a default export.
    files: ['**/*.config.ts', 'build/*.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
