import { copyFile, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectRoot, type Product } from './product.ts';

/** A file of the checkout that a built program reads from beside itself. */
export function copiedFile(name: string, source: string, output: string): Product {
  return {
    name,
    watch: ['build/bundling/copied-file.ts', source],
    make: async () => {
      const target = join(projectRoot, output);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(projectRoot, source), `${target}.part`);
      await rename(`${target}.part`, target);
      return { inputs: [], outputs: [output] };
    },
  };
}
