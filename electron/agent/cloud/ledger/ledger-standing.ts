import type { LedgerState } from '../ledger-port.ts';

/** The two parts that can fail on their own. */
export type LedgerPart = 'journal' | 'writer';

const openingSentence = 'The ledger is being opened.';
const closingSentence = 'This node is shutting down.';

/**
 * Whether anything may be set aside, and why not: a decision alone, without timers and files. It is open while both parts
 * are well and everything that was held back meanwhile is in the database. Every method that may change the state answers
 * with whether it did.
 */
export class LedgerStanding {
  #state: LedgerState;
  /** Why a part does not work; null for one that does. */
  readonly #trouble: Record<LedgerPart, string | null> = { journal: null, writer: openingSentence };
  #failures = 0;
  /** The entry that must be in the database before it may open again. */
  #reach = 0;
  #committed = 0;
  #isClosing = false;

  constructor(options: { readonly nowMs: number }) {
    this.#state = { kind: 'closed', sentence: openingSentence, sinceMs: options.nowMs };
  }

  get state(): LedgerState {
    return this.#state;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  isIll(part: LedgerPart): boolean {
    return this.#trouble[part] !== null;
  }

  /** Why nothing may be set aside; for one that is open, that it is closed: only who was refused asks. */
  get sentence(): string {
    return this.#state.kind === 'closed' ? this.#state.sentence : 'The ledger is closed.';
  }

  /** A failure that is to be tried again after a while counts here; in a row since it was last open. */
  countFailure(): number {
    this.#failures += 1;
    return this.#failures;
  }

  /** Whether this trouble is worth a line in the log: the first of its part, or of all since it was open. */
  isNewTrouble(part: LedgerPart): boolean {
    return this.#trouble[part] === null || this.#failures === 0;
  }

  ill(part: LedgerPart, sentence: string, nowMs: number): boolean {
    this.#trouble[part] = sentence;
    if (this.#isClosing) return false;
    if (this.#state.kind === 'closed' && this.#state.sentence === sentence) return false;
    // Another reason does not make it closed for a shorter time.
    const sinceMs = this.#state.kind === 'closed' ? this.#state.sinceMs : nowMs;
    this.#state = { kind: 'closed', sentence, sinceMs };
    return true;
  }

  /** Not open yet by that alone; see {@link openIfWell}. */
  well(part: LedgerPart): void {
    this.#trouble[part] = null;
  }

  /** All up to that entry must be in the database first. */
  mustReach(seq: number): void {
    this.#reach = seq;
  }

  committed(seq: number): void {
    this.#committed = seq;
  }

  openIfWell(): boolean {
    if (this.#isClosing || this.#state.kind === 'open' || this.#committed < this.#reach) return false;
    if (this.isIll('journal') || this.isIll('writer')) return false;
    this.#failures = 0;
    this.#state = { kind: 'open' };
    return true;
  }

  /** From here on nothing is set aside. Answers with why. */
  close(nowMs: number): string {
    this.#isClosing = true;
    this.#state = { kind: 'closed', sentence: closingSentence, sinceMs: nowMs };
    return closingSentence;
  }
}
