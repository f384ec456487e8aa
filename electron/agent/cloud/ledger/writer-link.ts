import type { Clock } from '../../base/clock.ts';
import type { FromWorker, QuestionName, Questions, ToWorker, WorkerSettings } from './messages.ts';
import { WriterThread } from './writer-thread.ts';

const closeLimitMs = 10_000;

export interface WriterLinkOptions {
  readonly settings: WorkerSettings;
  readonly workerFile: string;
}

export interface WriterLinkDeps {
  readonly clock: Clock;
  readonly hear: (message: FromWorker) => void;
  readonly died: (cause: string) => void;
}

/** The writer as the ledger speaks with it, whichever thread it runs on at present; without one nothing is said. */
export class WriterLink {
  readonly #options: WriterLinkOptions;
  readonly #deps: WriterLinkDeps;
  #thread: WriterThread | null = null;
  /** When it will look at the journal; null when nobody told it to. */
  #wakeAtMs: number | null = null;

  constructor(options: WriterLinkOptions, deps: WriterLinkDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Starts a thread where there is none, or has the one that there is try again. */
  startOrRetry(): void {
    if (this.#thread !== null) {
      this.post({ kind: 'retry' });
      return;
    }
    this.#wakeAtMs = null;
    this.#thread = new WriterThread(this.#options, {
      hear: this.#deps.hear,
      died: (cause) => {
        this.#thread = null;
        this.#deps.died(cause);
      },
    });
  }

  post(message: ToWorker): void {
    this.#thread?.post(message);
  }

  /** Null without a thread. */
  ask<Name extends QuestionName>(name: Name, ask: Questions[Name]['ask']): Promise<Questions[Name]['answer']> | null {
    return this.#thread?.ask(name, ask) ?? null;
  }

  /** There is more in the journal; an earlier appointment stands. */
  wake(withinMs: number): void {
    const atMs = this.#deps.clock.monotonic() + withinMs;
    if (this.#thread === null || (this.#wakeAtMs !== null && this.#wakeAtMs <= atMs)) return;
    this.#wakeAtMs = atMs;
    this.#thread.post({ kind: 'wake', withinMs });
  }

  /** It has looked, or cannot: the next wish is a new appointment. */
  woke(): void {
    this.#wakeAtMs = null;
  }

  /** Has it write what is pending; a thread that hangs is ended. */
  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === null) return;
    thread.close();
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#deps.clock.after(closeLimitMs, () => late.resolve(undefined));
    await Promise.race([thread.ended, late.promise]);
    cancel();
    await thread.terminate();
    this.#thread = null;
  }
}
