import { type Plugin } from 'esbuild';

/**
 * Leaves out of libraries what they bring and never use here. An idle agent's memory is a promise of the product, and
 * these two alone cost it two megabytes.
 */
export const leanLibraries: Plugin = {
  name: 'lean-libraries',
  setup(build) {
    // zod re-exports its messages in fifty languages; only English is ever asked for.
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
    }));
    // pino-roll loads the whole of date-fns by `require` for five functions.
    build.onLoad({ filter: /[\\/]date-fns[\\/]index\.c?js$/ }, () => ({
      contents: ['format', 'addDays', 'addHours', 'parse', 'isValid']
        .map((name) => `export { ${name} } from './${name}.js';`)
        .join('\n'),
    }));
  },
};
