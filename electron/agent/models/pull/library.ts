/** How far Ollama is with something. */
export interface LibraryProgress {
  readonly receivedBytes: number;
  readonly totalBytes: number | null;
  /** What it is doing, in a sentence; null: it downloads. */
  readonly sentence: string | null;
}

/** The Ollama library, reached through an Ollama that runs: it downloads, checks and keeps its models itself. */
export interface LibraryPuller {
  /**
   * Resolves when the model is there. What an aborted pull has brought, Ollama keeps and goes on with.
   *
   * @throws AppError with what is wrong; anything when the signal was aborted
   */
  pull(name: string, onProgress: (progress: LibraryProgress) => void, signal: AbortSignal): Promise<void>;
  /** Makes `target` in another quantization of `name`, which has to be F16, BF16 or F32. */
  quantize(
    job: { readonly name: string; readonly target: string; readonly quantization: string },
    onProgress: (progress: LibraryProgress) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** What Ollama's `create` can make, upper case. Source: its documentation of `POST /api/create`. */
export const libraryTypes: readonly string[] = ['Q8_0', 'Q4_K_S', 'Q4_K_M'];
