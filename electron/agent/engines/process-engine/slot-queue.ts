import { AppError } from '../../base/errors.ts';
import { SessionSlots, type TakenSlot } from './session-slots.ts';

interface Waiter {
  readonly session: string | null;
  take(slot: TakenSlot): void;
  fail(error: AppError): void;
}

/** The slots of a server, and in the order in which they came those who wait for one. */
export class SlotQueue {
  readonly #slots: SessionSlots;
  readonly #name: string;
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(options: {
    readonly slots: number;
    /** Starts sentences, such as "The BitNet engine". */
    readonly name: string;
  }) {
    this.#slots = new SessionSlots(options);
    this.#name = options.name;
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves with a free slot, the session's own where that is free, to be given back.
   *
   * @throws AppError `caller_gone` when aborted before, `upstream_failed` when closed before
   */
  take(session: string | null, signal: AbortSignal): Promise<TakenSlot> {
    if (signal.aborted) return Promise.reject(callerGone());
    if (this.#closed) return Promise.reject(this.#gone());
    // A slot is never free while somebody waits: whoever gives one back hands it on.
    const free = this.#slots.take(session);
    if (free) return Promise.resolve(this.#handedOn(free));
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiter.fail(callerGone());
      };
      const end = (): void => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', leave);
      };
      const waiter: Waiter = {
        session,
        take: (slot) => {
          end();
          resolve(slot);
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Those who wait fail. */
  close(): void {
    this.#closed = true;
    for (const waiter of [...this.#waiters]) waiter.fail(this.#gone());
  }

  #handedOn(slot: TakenSlot): TakenSlot {
    return {
      id: slot.id,
      release: () => {
        slot.release();
        const [next] = this.#waiters;
        const free = next && this.#slots.take(next.session);
        if (free) next.take(this.#handedOn(free));
      },
    };
  }

  #gone(): AppError {
    return new AppError('upstream_failed', `${this.#name} stopped before it could answer. Send the request again.`);
  }
}

function callerGone(): AppError {
  return new AppError('caller_gone', 'The request was given up.');
}
