import type { GgufHeader } from './gguf-reader.ts';

/** A model file of this node. */
export interface CatalogModel {
  /** What callers name it: the file's stem in lower case, made unique where two are alike. */
  readonly id: string;
  /** For people: the name in the file, else the stem. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** When the file came here, milliseconds since the epoch. */
  readonly arrivedMs: number;
  /** Null when the file cannot be read; `problem` then says why. */
  readonly header: GgufHeader | null;
  readonly selfTest: boolean;
  /** The operator named it in `models.default`. */
  readonly chosen: boolean;
  /** Why it cannot be used, and what to do; null when it can. */
  readonly problem: string | null;
}

/** The model to load and how callers name it. */
export type ModelChoice = Pick<CatalogModel, 'id' | 'path' | 'sizeBytes' | 'selfTest'>;
