import { join } from 'node:path';

/** The checkout's root, absolute. */
export const projectRoot = join(import.meta.dirname, '..', '..');

/** Something that the build makes out of sources. Paths are relative to the project's root, with `/`. */
export interface Product {
  readonly name: string;
  /** Files and folders that decide what comes out, besides what `make` reports. Folders count with all they hold. */
  readonly watch: readonly string[];
  /** Makes the product completely aside and then moves it into place, so that no half of it is ever seen. */
  readonly make: (previous: readonly string[]) => Promise<Made>;
}

export interface Made {
  /** Source files that went into it, beyond those that `watch` names. */
  readonly inputs: readonly string[];
  /** Files that must exist for the product to be complete. */
  readonly outputs: readonly string[];
}
