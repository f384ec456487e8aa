import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Browsers without the newest built-ins get them from core-js, loaded before anything else of the page. */
function withBuiltIns(): Plugin {
  return {
    name: 'panel-built-ins',
    enforce: 'pre',
    transform(code, id) {
      return id.endsWith('/renderer/main.tsx') ? `import 'core-js/stable';\n${code}` : undefined;
    },
  };
}

/**
 * The panel: one script, one stylesheet, addresses relative to the page. Two switches in the environment:
 * `RANCH_HAND_PANEL_OUT` (folder, default dist/panel) and `RANCH_HAND_PANEL_TARGET=chrome83`, a build for an old
 * Chromium that serves one desktop test.
 */
export default defineConfig(() => {
  // Built from a test, the page would otherwise carry React's development build.
  process.env['NODE_ENV'] = 'production';
  const target = process.env['RANCH_HAND_PANEL_TARGET'];
  const old = target === 'chrome83';
  return {
    configFile: false as const,
    root: fromRoot('renderer'),
    base: './',
    publicDir: false as const,
    logLevel: 'warn' as const,
    plugins: [...(old ? [withBuiltIns()] : []), react(), tailwindcss()],
    build: {
      outDir: process.env['RANCH_HAND_PANEL_OUT'] ?? fromRoot('dist/panel'),
      emptyOutDir: true,
      target: old ? 'chrome83' : 'es2023',
      // The old target is looked at for its text only; its styles stay as they are rather than fail to convert.
      ...(old ? { cssMinify: false } : {}),
      // Nothing is inlined as data: the page's policy forbids it.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1500,
    },
  };
});
