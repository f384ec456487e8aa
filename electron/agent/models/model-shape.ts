/** What a layer keeps for each token of context. */
export interface LayerShape {
  /** Heads of keys and values; 0 for a layer without attention. */
  readonly kvHeads: number;
  /** Values in one key, and in one value, of a head. */
  readonly keyLength: number;
  readonly valueLength: number;
  /** Tokens it looks back at most; null where it sees the whole context. */
  readonly window: number | null;
  /** Bytes of a recurrent layer's state, the same for any context; 0 for others. */
  readonly stateBytes: number;
}

/** What decides how much memory a model takes and how fast it runs. */
export interface ModelShape {
  readonly architecture: string;
  /** All parts of the file together. */
  readonly sizeBytes: number;
  readonly parameters: number;
  /**
   * Share of the file that is read for a token: 1, or less for a mixture of experts and where the table of input
   * embeddings is not the output head too (of that table one row is read).
   */
  readonly activeShare: number;
  /** Weights that each token of a prompt is multiplied with; left out where only {@link activeShare} tells. */
  readonly activeParameters?: number;
  /** Empty where the file does not tell. */
  readonly layers: readonly LayerShape[];
  readonly embeddingLength: number;
  /** Values between the two halves of a feed-forward layer, of all experts used for a token; left out where not told. */
  readonly feedForwardLength?: number;
  /** Experts used for a token; left out for a dense model. */
  readonly expertsUsed?: number;
  /** Heads of queries in a layer, the most of any; left out where not told. */
  readonly headCount?: number;
  readonly vocabularySize: number;
  /** Tokens it was trained for; null where it is not told. */
  readonly contextLength: number | null;
}

/** A model of which only the size is known. */
export function untoldShape(known: {
  readonly sizeBytes: number;
  readonly parameters?: number | null;
  readonly contextLength?: number | null;
}): ModelShape {
  return {
    architecture: 'unknown',
    sizeBytes: known.sizeBytes,
    parameters: known.parameters ?? 0,
    activeShare: 1,
    layers: [],
    embeddingLength: 0,
    vocabularySize: 0,
    contextLength: known.contextLength ?? null,
  };
}
