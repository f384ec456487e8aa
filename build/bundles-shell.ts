import { type BuildOptions } from 'esbuild';

/** The shell, for the Node and Chromium inside Electron: CommonJS, because Electron starts that without a detour. */
export const shellBundle = {
  entryPoints: { 'shell/main': 'electron/main.ts' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  external: ['electron'],
  banner: {},
  define: { 'import.meta.dirname': '__dirname' },
} satisfies BuildOptions;
