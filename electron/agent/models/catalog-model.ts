import type { ModelSnapshot } from '../../contract/snapshot.ts';
import type { GgufHeader } from './gguf-reader.ts';
import type { ModelShape } from './model-shape.ts';

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
  /** Name without the quantization, lower case: variants of one model share it. */
  readonly group: string;
  /** `sha256:…` where it is known, as for a model that was pulled. */
  readonly digest: string | null;
  /** What it was pulled as; null where that is not known. */
  readonly origin: string | null;
  readonly capabilities: ModelSnapshot['capabilities'];
  /** Null when the header does not tell enough. */
  readonly shape: ModelShape | null;
  /** Why no engine at all can use it, and what to do; null when one could. */
  readonly problem: string | null;
}
