import { type Plugin } from 'esbuild';
import { isBuiltin } from 'node:module';

/**
 * Takes Node's own modules as CommonJS does. An ES import reads every name that a module has, also those behind which
 * more is loaded on first use: that of node:http's WebSocket alone brings in Node's whole fetch, twelve megabytes of
 * memory, a quarter of what an idle process has.
 */
export const plainBuiltins: Plugin = {
  name: 'plain-builtins',
  setup(build) {
    // Other formats turn the import into a `require`, which reads only what is used.
    if (build.initialOptions.format !== 'esm') return;
    build.onResolve({ filter: /^(node:)?[a-z_]+(\/[a-z_]+)?$/ }, ({ path }) => {
      if (!isBuiltin(path)) return null;
      return { path: path.startsWith('node:') ? path : `node:${path}`, namespace: 'plain-builtins' };
    });
    build.onLoad({ filter: /.*/, namespace: 'plain-builtins' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};
