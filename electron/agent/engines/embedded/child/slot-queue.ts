import { AppError } from '../../../base/errors.ts';

interface Waiter<Slot> {
  readonly choose: (free: readonly Slot[]) => Slot;
  readonly give: (slot: Slot) => void;
}

/** A fixed set of slots handed out in the order of asking. */
export class SlotQueue<Slot> {
  readonly #free: Slot[];
  readonly #total: number;
  readonly #mostWaiting: number;
  readonly #onChange: () => void;
  readonly #waiting = new Set<Waiter<Slot>>();

  constructor(slots: readonly Slot[], options: { mostWaiting: number; onChange: () => void }) {
    this.#free = [...slots];
    this.#total = slots.length;
    this.#mostWaiting = options.mostWaiting;
    this.#onChange = options.onChange;
  }

  get total(): number {
    return this.#total;
  }

  get busy(): number {
    return this.#total - this.#free.length;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves with a slot that `choose` picked among the free ones; give it back with {@link release}. Rejects with
   * `too_busy` when too many wait, and with the signal's reason when it aborts first.
   */
  async acquire(choose: (free: readonly Slot[]) => Slot, signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    if (this.#free.length > 0 && this.#waiting.size === 0) return this.#take(choose);
    if (this.#waiting.size >= this.#mostWaiting) {
      throw new AppError('too_busy', 'Too many requests wait for this engine. Try again later.', {
        context: { waiting: this.#waiting.size },
      });
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter<Slot> = {
        choose,
        give: (slot) => {
          signal.removeEventListener('abort', onAbort);
          resolve(slot);
        },
      };
      const onAbort = (): void => {
        this.#waiting.delete(waiter);
        this.#onChange();
        reject(signal.reason instanceof Error ? signal.reason : new AppError('caller_gone', 'The caller went away.'));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
      this.#onChange();
    });
  }

  release(slot: Slot): void {
    this.#free.push(slot);
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      waiter.give(this.#take(waiter.choose));
      break;
    }
    this.#onChange();
  }

  #take(choose: (free: readonly Slot[]) => Slot): Slot {
    const slot = choose(this.#free);
    this.#free.splice(this.#free.indexOf(slot), 1);
    this.#onChange();
    return slot;
  }
}
