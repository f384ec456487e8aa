import boundaries from 'eslint-plugin-boundaries';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Rooms of the agent that meet only through ports of a lower room. */
const siblingRooms = ['models', 'gateway', 'upstreams', 'cloud', 'mesh', 'telemetry', 'bench'];
const ground = ['base', 'contract'];

/** The import table of CONTRIBUTING.md: room → what it may import besides itself. Everything else is refused. */
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
  build: ['client', 'contract', 'host'],
  'settings-schema': ['config'],
  test: ['*'],
};

const rooms = ['inference', 'config', 'engines', 'control', ...siblingRooms];

/** Where each room is. The first pattern that fits a file decides. */
const files = [
  ['contract', 'electron/contract/**'],
  ['base', 'electron/agent/base/**'],
  ['host', 'electron/host/**'],
  ...rooms.map((room) => [room, `electron/agent/${room}/**`]),
  ['agent', 'electron/agent/*.ts'],
  ['agent-main', 'electron/agent-main.ts'],
  ['client', 'electron/client/**'],
  ['shell', 'electron/shell/**'],
  ['shell-main', 'electron/main.ts'],
  ['cli', 'electron/cli/**'],
  ['renderer', 'renderer/**'],
  ['settings-schema', 'build/settings-schema.ts'],
  ['build', 'build/**'],
  ['test', 'test/**'],
].map(([category, pattern]) => ({ category, pattern }));

const importPolicies = Object.entries(mayImport).map(([room, allowed]) => ({
  from: { file: { categories: room } },
  allow: (allowed.includes('*') ? ['*'] : [room, ...allowed]).map((name) => ({ to: { file: { categories: name } } })),
}));

const electronMessage = 'Only electron/shell and electron/main.ts may import Electron.';
const electronImports = { patterns: [{ regex: '^electron(/|$)', message: electronMessage }] };
/** The ways to load a module that are no import declaration. */
const electronLoads = [
  'ImportExpression[source.value=/^electron(\\u002F|$)/]',
  'ImportExpression > TemplateLiteral[quasis.0.value.raw=/^electron(\\u002F|$)/]',
  'TSImportType[source.value=/^electron(\\u002F|$)/]',
  'CallExpression[callee.name=/require/i][arguments.0.value=/^electron(\\u002F|$)/]',
  'CallExpression[callee.property.name=/require|resolve/i][arguments.0.value=/^electron(\\u002F|$)/]',
].map((selector) => ({ selector, message: electronMessage }));
const exportStyle = [
  { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' },
  { selector: 'ExportAllDeclaration', message: 'No barrel files: import from the file that owns it.' },
];

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'out/', '.cache/', 'artifacts/', '**/*.cjs'] },
  { files: ['**/*.{js,mjs}'], extends: [tseslint.configs.strict] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { boundaries },
    settings: {
      'boundaries/files': files,
      'boundaries/files-single-match': true,
      'boundaries/include': ['electron/**', 'renderer/**', 'build/**', 'test/**'],
      'boundaries/dependency-nodes': ['import', 'export', 'dynamic-import', 'require'],
      'import/resolver': { typescript: { project: 'tsconfig.json' } },
    },
    rules: {
      'boundaries/no-unknown-files': 'error',
      'boundaries/dependencies': [
        'error',
        {
          default: 'disallow',
          checkUnknownLocals: true,
          message:
            '{{ from.file.categories }} may not import {{ to.file.categories }}: see the import table in CONTRIBUTING.md',
          policies: importPolicies,
        },
      ],
      'no-restricted-imports': ['error', electronImports],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': ['error', ...exportStyle, ...electronLoads],
    },
  },
  {
    files: ['electron/shell/**', 'electron/main.ts', 'test/e2e/desktop/**'],
    rules: { 'no-restricted-imports': 'off', 'no-restricted-syntax': ['error', ...exportStyle] },
  },
  {
    files: ['renderer/**/*.tsx', 'renderer/**/*.ts'],
    plugins: { 'react-hooks': reactHooks },
    rules: reactHooks.configs.recommended.rules,
  },
  {
    // Tools of the outside world that demand a default export.
    files: ['*.config.ts', 'build/*.config.ts'],
    rules: { 'no-restricted-syntax': ['error', ...electronLoads] },
  },
);
