import type { PullWork } from './pull-work.ts';

/** One at a time for each name: two pulls that lead to one file run one after another. */
export class Turns {
  readonly #busy = new Map<string, Promise<unknown>>();

  /** Runs `task` when no other one runs on any of these names. @throws the signal's reason when aborted meanwhile */
  async alone<T>(names: readonly string[], work: PullWork, task: () => Promise<T>): Promise<T> {
    for (;;) {
      const before = names.map((name) => this.#busy.get(name)).find((each) => each !== undefined);
      if (!before) break;
      work.note('Waits for another pull of the same file.');
      await unlessAborted(before, work.signal);
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    for (const name of names) this.#busy.set(name, promise);
    try {
      work.note(null);
      return await task();
    } finally {
      for (const name of names) this.#busy.delete(name);
      resolve(undefined);
    }
  }
}

function unlessAborted(waited: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void waited.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}
