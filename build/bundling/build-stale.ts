import { join } from 'node:path';
import { exclusively } from '../process/exclusively.ts';
import { filesUnder, readStamp, takeStamp, whyStale, writeStamp } from './freshness.ts';
import { projectRoot, type Product } from './product.ts';

export interface BuildReport {
  /** Names of what was made anew. */
  readonly built: readonly string[];
  readonly failures: readonly { readonly name: string; readonly error: Error }[];
}

export interface BuildOptions {
  readonly force: boolean;
  /** Told what is about to be made and why, and how long it took. */
  readonly say: (line: string) => void;
}

const cache = join(projectRoot, '.cache', 'build');
const stampFile = ({ name }: Product): string => join(cache, `${name.replaceAll(' ', '-')}.json`);

function reasonFor(product: Product, force: boolean): string | undefined {
  return force ? 'forced' : whyStale(projectRoot, product.watch, readStamp(stampFile(product)));
}

async function make(product: Product, reason: string, say: BuildOptions['say']): Promise<void> {
  const started = performance.now();
  const { inputs, outputs } = await product.make(readStamp(stampFile(product))?.outputs ?? []);
  const all = new Set([...filesUnder(projectRoot, product.watch), ...inputs]);
  writeStamp(stampFile(product), takeStamp(projectRoot, [...all], outputs));
  say(`built ${product.name} in ${Math.round(performance.now() - started)} ms (${reason})`);
}

/**
 * Makes every product whose sources changed since it was made. One process builds at a time; a second one waits and
 * then finds nothing left to do. Does not throw for a product that fails: that is in the report.
 */
export async function buildStale(products: readonly Product[], { force, say }: BuildOptions): Promise<BuildReport> {
  if (products.every((product) => reasonFor(product, force) === undefined)) return { built: [], failures: [] };
  const sayWait = (): void => say('another build is running, waiting for it');
  return exclusively(join(cache, 'lock.db'), sayWait, async () => {
    const built: string[] = [];
    const failures: { name: string; error: Error }[] = [];
    await Promise.all(
      products.map(async (product) => {
        const reason = reasonFor(product, force);
        if (reason === undefined) return;
        try {
          await make(product, reason, say);
          built.push(product.name);
        } catch (error) {
          failures.push({ name: product.name, error: error instanceof Error ? error : new Error(String(error)) });
        }
      }),
    );
    return { built, failures };
  });
}
