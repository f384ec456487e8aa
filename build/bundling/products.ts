import { shellBundle } from '../bundles-shell.ts';
import { copiedFile } from './copied-file.ts';
import { nodeBundle } from './node-bundle.ts';
import { panelBundle } from './panel-bundle.ts';
import { type Product } from './product.ts';
import { scriptOutput } from './script-output.ts';

const definedIn = 'build/bundling/products.ts';

/** All that the build makes. The agent never holds inference code: only the engine child may load it. */
export const products: readonly Product[] = [
  nodeBundle('agent', definedIn, {
    entryPoints: { agent: 'electron/agent-main.ts' },
    splitting: true,
    chunkNames: 'agent-chunks/[name]-[hash]',
    external: ['node-llama-cpp', '@node-llama-cpp/*'],
  }),
  nodeBundle('embedded engine', definedIn, {
    entryPoints: { 'embedded-engine': 'electron/agent/engines/embedded/child/main.ts' },
    external: ['node-llama-cpp', '@node-llama-cpp/*'],
  }),
  nodeBundle('machine facts', definedIn, {
    entryPoints: { 'static-facts': 'electron/agent/telemetry/static-facts-child.ts' },
  }),
  nodeBundle('memory bandwidth', definedIn, {
    entryPoints: { 'memory-bandwidth': 'electron/agent/models/memory-bandwidth-child.ts' },
  }),
  nodeBundle('keyring', definedIn, {
    entryPoints: { keyring: 'electron/agent/config/secrets/keyring-child.ts' },
    external: ['@napi-rs/keyring'],
  }),
  nodeBundle('ledger', definedIn, {
    entryPoints: { 'ledger-worker': 'electron/agent/cloud/ledger/ledger-worker.ts' },
  }),
  nodeBundle('command line', definedIn, {
    entryPoints: { cli: 'electron/cli/main.ts' },
    splitting: true,
    chunkNames: 'cli-chunks/[name]-[hash]',
  }),
  nodeBundle('shell', 'build/bundles-shell.ts', shellBundle),
  panelBundle,
  scriptOutput('self-test model', 'build/self-test-model.ts', 'dist/self-test.gguf', []),
  copiedFile('known prices', 'resources/prices.json', 'dist/prices.json'),
  scriptOutput('settings schema', 'build/settings-schema.ts', 'resources/settings.schema.json', [
    'package-lock.json',
    'electron/agent/config',
    'electron/contract',
  ]),
];
