import { type Timers } from '../../../renderer/client/timers.ts';

/** Time that moves only when told to. */
export class ManualTimers implements Timers {
  #now = 1_000_000;
  #waiting: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.#now + ms, run };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** Moves time on and runs what falls due, in its order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#waiting = this.#waiting.filter((other) => other !== due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }

  /** How many calls are still to come. */
  get pending(): number {
    return this.#waiting.length;
  }
}

/** Lets everything that was resolved so far run. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
