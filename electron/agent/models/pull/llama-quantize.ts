import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';

/** Makes another quantization of a model file. */
export interface Quantizer {
  /** Upper-case names that it can make. */
  readonly types: readonly string[];
  /**
   * Whether it can be used now: the program may come and go.
   */
  available(): boolean;
  /**
   * Writes `target` from `source`.
   *
   * @param onProgress hears the share of the work that is done, 0–1
   * @throws AppError `model_unusable` when it cannot be done; the signal's reason when it was aborted
   */
  run(
    job: { readonly source: string; readonly target: string; readonly quantization: string },
    onProgress: (share: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** What llama-quantize makes without an importance matrix in a quality that is of use. */
export const quantizableTypes: readonly string[] = [
  'Q8_0', 'Q6_K', 'Q5_K_M', 'Q5_K_S', 'Q5_0', 'Q4_K_M', 'Q4_K_S', 'IQ4_NL', 'IQ4_XS', 'Q4_0', 'Q3_K_L', 'Q3_K_M', 'Q3_K_S', 'Q2_K',
]; // prettier-ignore

const graceMs = 5_000;
const keptLines = 20;
const longestLine = 500;

/** Runs llama-quantize, which comes beside llama-server. */
export class LlamaQuantize implements Quantizer {
  readonly types = quantizableTypes;
  readonly #deps: { readonly program: () => string | null; readonly clock: Clock; readonly logger: Logger };

  /** `program`: full path of llama-quantize; null while there is none. */
  constructor(deps: { readonly program: () => string | null; readonly clock: Clock; readonly logger: Logger }) {
    this.#deps = deps;
  }

  available(): boolean {
    return this.#deps.program() !== null;
  }

  async run(
    job: { readonly source: string; readonly target: string; readonly quantization: string },
    onProgress: (share: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const program = this.#deps.program();
    if (program === null) throw noProgram();
    if (!this.types.includes(job.quantization)) {
      throw new AppError(
        'invalid_request',
        `${job.quantization} cannot be made here. There are: ${this.types.join(', ')}.`,
      );
    }
    signal.throwIfAborted();
    const child = spawn(program, [job.source, job.target, job.quantization], { env: {}, windowsHide: true });
    const lines = await this.#watch(child, onProgress, signal);
    if (lines === null) return;
    this.#deps.logger.warn({ quantization: job.quantization, lines }, 'llama-quantize has failed');
    if (lines.some((line) => /no space left|write failed|failed to write/i.test(line))) {
      throw new AppError(
        'disk_full',
        'There was too little room on the disk for the new file. Make room, then try again.',
      );
    }
    throw new AppError(
      'model_unusable',
      `llama-quantize could not make ${job.quantization} of it: ${lines.at(-1) ?? 'it ended without a word'}`,
    );
  }

  /** Null when it went well, else the last lines it wrote. */
  #watch(
    child: ChildProcessWithoutNullStreams,
    onProgress: (share: number) => void,
    signal: AbortSignal,
  ): Promise<string[] | null> {
    const { clock } = this.#deps;
    const output = new OutputReader(onProgress);
    child.stdin.end();
    child.stdout.on('data', (piece: Buffer) => output.read(piece));
    child.stderr.on('data', (piece: Buffer) => output.read(piece));
    return new Promise((resolve, reject) => {
      let cancelKill = (): void => undefined;
      const onAbort = (): void => {
        child.kill('SIGTERM');
        cancelKill = clock.after(graceMs, () => child.kill('SIGKILL'));
      };
      child.once('spawn', () => {
        // Answers that are being made go first; where the system refuses, it runs as any other program.
        try {
          if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
        } catch (error) {
          this.#deps.logger.debug({ err: error }, 'llama-quantize runs at the usual priority');
        }
        if (signal.aborted) onAbort();
      });
      child.once('error', (error) => {
        signal.removeEventListener('abort', onAbort);
        reject(
          new AppError('model_unusable', 'llama-quantize cannot be started. Install llama-server again.', {
            cause: error,
          }),
        );
      });
      child.once('close', (code) => {
        cancelKill();
        signal.removeEventListener('abort', onAbort);
        if (signal.aborted) reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        else resolve(code === 0 ? null : output.lastLines());
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** Finds `[ 12/ 236]` in what llama-quantize writes, and keeps its last lines. */
export class OutputReader {
  readonly #onProgress: (share: number) => void;
  #rest = '';
  #lines: string[] = [];

  constructor(onProgress: (share: number) => void) {
    this.#onProgress = onProgress;
  }

  read(piece: Buffer): void {
    const lines = (this.#rest + piece.toString('utf8')).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-longestLine);
    for (const line of lines) this.#take(line);
  }

  lastLines(): string[] {
    return this.#rest.trim() === '' ? this.#lines : [...this.#lines, this.#rest.trim()];
  }

  #take(line: string): void {
    const [, done, all] = /^\[\s*(\d{1,6})\/\s*(\d{1,6})\]/.exec(line) ?? [];
    if (done !== undefined && Number(all) > 0) this.#onProgress(Math.min(1, Number(done) / Number(all)));
    if (line.trim() !== '') this.#lines = [...this.#lines, line.trim().slice(0, longestLine)].slice(-keptLines);
  }
}

/** There is no llama-quantize on this node. */
export function noProgram(): AppError {
  return new AppError(
    'unsupported_capability',
    'Quantizations are made by llama-quantize, which comes with llama-server, and there is none here. Install it with: ranch-hand engines install llama-server.',
  );
}
