import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun } from '../process/run-command.ts';
import { projectRoot, type Product } from './product.ts';

/** A file that one of the project's scripts computes; the script takes the path to write as its first argument. */
export function scriptOutput(name: string, script: string, output: string, watch: readonly string[]): Product {
  return {
    name,
    watch: ['build/bundling/script-output.ts', script, ...watch],
    make: async () => {
      const target = join(projectRoot, output);
      const aside = `${target}.part`;
      await mkdir(dirname(target), { recursive: true });
      await mustRun(process.execPath, [join(projectRoot, script), aside], { cwd: projectRoot, timeoutMs: 120_000 });
      await rename(aside, target);
      return { inputs: [], outputs: [output] };
    },
  };
}
