import { mkdtemp, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { nodeBundle } from '../../build/bundling/node-bundle.ts';
import { projectRoot } from '../../build/bundling/product.ts';

/**
 * The arm of the gateway benches, bundled as the agent is: stripping types as it runs would cost every arm memory and a
 * start that the product does not have. Lies in a folder that goes with it, which is the gateway's data folder too.
 */
export class ArmBundle implements AsyncDisposable {
  readonly folder: string;
  readonly script: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.script = join(folder, 'gateway-arm.js');
  }

  static async make(): Promise<ArmBundle> {
    // In the build's own output folder, so that what is not bundled is found from it.
    const folder = await mkdtemp(join(projectRoot, 'dist', 'bench-'));
    const product = nodeBundle('bench arm', 'test/bench/gateway-bundle.ts', {
      entryPoints: { 'gateway-arm': 'test/bench/gateway-arm.ts' },
      outdir: relative(projectRoot, folder),
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
    });
    const bundle = new ArmBundle(folder);
    try {
      await product.make([]);
    } catch (error) {
      await bundle[Symbol.asyncDispose]();
      throw error;
    }
    return bundle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
