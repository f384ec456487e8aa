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
  /** Share of the weights that are read for a token: 1, or less for a mixture of experts. */
  readonly activeShare: number;
  readonly layers: readonly LayerShape[];
  readonly embeddingLength: number;
  readonly vocabularySize: number;
  /** Tokens it was trained for; null where it is not told. */
  readonly contextLength: number | null;
}
