import type { PullWork } from './pull-work.ts';

/** What Ollama tells while it pulls or makes a model: of one layer at a time. */
export interface LibraryProgress {
  /** Its own words, such as `pulling manifest`. */
  readonly status: string;
  /** The layer that the bytes are of. */
  readonly digest: string | null;
  readonly receivedBytes: number | null;
  readonly totalBytes: number | null;
}

/** The Ollama library, reached through an Ollama that runs: it downloads, checks and keeps its models itself. */
export interface LibraryPuller {
  /**
   * Resolves when the model is there. What an aborted pull has brought, Ollama keeps and goes on with.
   *
   * @throws AppError with what is wrong; anything when the signal was aborted
   */
  pullModel(name: string, onProgress: (progress: LibraryProgress) => void, signal: AbortSignal): Promise<void>;
  /** Makes `newName` in another quantization of `from`, which has to be F16, BF16 or F32. */
  createQuantized(
    from: string,
    quantization: string,
    newName: string,
    onProgress: (progress: LibraryProgress) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** What Ollama's `create` can make, upper case. Source: its documentation of `POST /api/create`. */
export const libraryTypes: readonly string[] = ['Q8_0', 'Q4_K_S', 'Q4_K_M'];

/** Adds the layers up to one progress of a pull. */
export function libraryListener(work: PullWork): (progress: LibraryProgress) => void {
  const layers = new Map<string, { receivedBytes: number; totalBytes: number }>();
  return ({ status, digest, receivedBytes, totalBytes }) => {
    if (digest === null) {
      tell(status, work);
      return;
    }
    if (totalBytes === null) return;
    layers.set(digest, { receivedBytes: receivedBytes ?? 0, totalBytes });
    const sum = { receivedBytes: 0, totalBytes: 0 };
    for (const layer of layers.values()) {
      sum.receivedBytes += layer.receivedBytes;
      sum.totalBytes += layer.totalBytes;
    }
    work.progress.setTotal(Math.max(sum.totalBytes, work.progress.totalBytes ?? 0));
    work.note(null);
    work.reach(sum.receivedBytes);
  };
}

function tell(status: string, work: PullWork): void {
  if (/^(?:verifying|writing|removing|success)/.test(status)) work.verifying();
  else if (status.startsWith('pulling manifest')) work.note('Ollama asks its library for the model.');
  else if (status.startsWith('quantizing')) work.note('Ollama makes the quantization.');
}
