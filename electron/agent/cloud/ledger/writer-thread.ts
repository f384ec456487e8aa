import { Worker } from 'node:worker_threads';
import type { FromWorker, QuestionName, Questions, ToWorker, WorkerSettings } from './messages.ts';

export interface WriterThreadOptions {
  readonly workerFile: string;
  readonly settings: WorkerSettings;
}

export interface WriterThreadDeps {
  /** Everything that is no answer to a question. */
  readonly hear: (message: FromWorker) => void;
  /** The thread ended without having been told to. */
  readonly died: (cause: string) => void;
}

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A thread of the ledger's writer, from its start to its end. */
export class WriterThread {
  /** Resolves when the thread is gone, whatever ended it. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;
  #isEnding = false;
  #cause = 'it ended';

  constructor(options: WriterThreadOptions, deps: WriterThreadDeps) {
    this.#worker = new Worker(options.workerFile, { workerData: options.settings, name: 'ledger' });
    this.#worker.on('message', (message: FromWorker) => {
      this.#hear(message, deps);
    });
    this.#worker.on('error', (error) => {
      this.#cause = error instanceof Error ? error.message : String(error);
    });
    this.ended = new Promise((resolve) =>
      this.#worker.once('exit', () => {
        resolve();
      }),
    );
    this.#worker.on('exit', () => {
      for (const { reject } of this.#asked.values()) reject(new Error('the thread of the ledger ended'));
      this.#asked.clear();
      if (!this.#isEnding) deps.died(this.#cause);
    });
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  ask<Name extends QuestionName>(name: Name, ask: Questions[Name]['ask']): Promise<Questions[Name]['answer']> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, {
        resolve: (answer) => {
          resolve(answer as Questions[Name]['answer']);
        },
        reject,
      });
      this.#worker.postMessage({ kind: 'ask', id, name, ask });
    });
  }

  /** Has it write what is pending and end; see `ended`. */
  close(): void {
    this.#isEnding = true;
    this.post({ kind: 'close' });
  }

  async terminate(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }

  #hear(message: FromWorker, deps: WriterThreadDeps): void {
    if (message.kind !== 'answer' && message.kind !== 'refused') {
      deps.hear(message);
      return;
    }
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (message.kind === 'answer') asked?.resolve(message.answer);
    else asked?.reject(new Error(message.sentence));
  }
}
