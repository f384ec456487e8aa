import { dirname } from 'node:path';
import { Announcer } from '../../base/announcer.ts';
import { backoffDelayMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, assertNever } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type {
  ChargeReserved,
  ChargeSettled,
  Ledger,
  LedgerState,
  Nanodollars,
  RequestEntry,
  SpentQuarter,
} from '../ledger-port.ts';
import type { UsageAnswer } from '../../../contract/cloud.ts';
import { requestRow, type JournalEntry } from './entries.ts';
import { causeOf, closedSentence, failureOf } from './failure.ts';
import { JournalFeed } from './journal-feed.ts';
import { Lease } from './lease.ts';
import { LedgerQuestions } from './ledger-questions.ts';
import type { FailureKind, FromWorker, QuestionName, Questions, UsageQuery, WorkerSettings } from './messages.ts';
import { WaitingReservations } from './waiting-reservations.ts';
import { WriterThread } from './writer-thread.ts';

export interface LedgerOptions {
  readonly settings: WorkerSettings;
  readonly workerFile: string;
  readonly keepRowsDays: () => number;
}

export interface LedgerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

const retryBackoff = { firstMs: 1_000, longestMs: 30_000, jitter: 0 };
const reserveWithinMs = 10;
const otherWithinMs = 200;
const longestWaitMs = 5_000;
const openLimitMs = 10_000;
const closeLimitMs = 10_000;
const leaseIdleMs = 60_000;
const compactEveryMs = 3_600_000;

type Trouble = Readonly<Record<'journal' | 'writer', string | null>>;

/**
 * The ledger as the rest of the agent has it. What happens is appended to the journal at once, in one write that outlives
 * this process, and a thread brings the journal into the database. Whether a request may go out before its reservation is
 * there is the lease's to say.
 */
export class DurableLedger implements Ledger {
  readonly changed = new Announcer<void>();
  readonly #options: LedgerOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #journal: JournalFeed;
  readonly #lease = new Lease();
  readonly #waiting = new WaitingReservations();
  readonly #questions: LedgerQuestions;
  /** What is set aside and not ended, by id. */
  readonly #open = new Map<string, ChargeReserved>();
  readonly #timers = new Set<() => void>();
  #thread: WriterThread | null = null;
  #state: LedgerState;
  #trouble: Trouble = { journal: null, writer: 'The ledger is being opened.' };
  #failures = 0;
  #cancelRetry: (() => void) | null = null;
  /** The entry that must be in the database before it may open again. */
  #reach = 0;
  #committed = 0;
  #damagedLines = 0;
  #wakeAtMs: number | null = null;
  #leaseAsked: Nanodollars = 0;
  #lastReserveMs = 0;
  #isClosing = false;
  #firstWord: (() => void) | null = null;

  constructor(options: LedgerOptions, deps: LedgerDeps) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#journal = new JournalFeed(options.settings, {
      failed: (error) => {
        this.#inTrouble('journal', failureOf(error, null), error);
      },
    });
    this.#questions = new LedgerQuestions({ ask: (name, ask) => this.#ask(name, ask) });
    this.#state = { kind: 'closed', sentence: 'The ledger is being opened.', sinceMs: deps.clock.now() };
  }

  get state(): LedgerState {
    return this.#state;
  }

  /** Starts the thread. Resolves when it is open or has said why not. */
  async start(): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#firstWord = resolve;
    });
    this.#spawn();
    const cancel = this.#clock.after(openLimitMs, () => this.#firstWord?.());
    this.#timers.add(this.#clock.every(leaseIdleMs, () => this.#giveLeaseBack()));
    this.#timers.add(this.#clock.every(compactEveryMs, () => void this.#compact()));
    this.#timers.add(this.#clock.after(leaseIdleMs, () => void this.#compact()));
    await heard;
    cancel();
  }

  async reserve(charge: ChargeReserved): Promise<void> {
    if (this.#state.kind === 'closed') throw new AppError('ledger_closed', this.#state.sentence);
    const leased = this.#lease.fits(charge.worst);
    if (!this.#journal.write([{ kind: 'reserve', charge, leased }])) throw this.#closedError();
    const { seq } = this.#journal;
    this.#open.set(charge.id, charge);
    this.#lastReserveMs = this.#clock.monotonic();
    this.#askLease(charge.worst);
    if (leased) {
      this.#lease.take(seq, charge.worst);
      this.#wake(reserveWithinMs);
      return;
    }
    this.#wake(0);
    const cancel = this.#clock.after(longestWaitMs, () => {
      this.#refuse(seq, 'The disk with the ledger does not keep up, so nothing is spent on the cloud. Try again.');
    });
    try {
      await this.#waiting.add(seq, charge.id);
    } finally {
      cancel();
    }
  }

  settle(charge: ChargeSettled): void {
    const of = this.#open.get(charge.id) ?? null;
    this.#open.delete(charge.id);
    this.#append({ kind: 'settle', charge, of });
  }

  release(id: string, atMs: number): void {
    this.#open.delete(id);
    this.#append({ kind: 'release', id, atMs });
  }

  record(entry: RequestEntry): void {
    this.#append({ kind: 'request', row: requestRow(entry) });
  }

  remember(name: string, value: string): void {
    this.#append({ kind: 'remember', name, value });
  }

  remembered(name: string): Promise<string | null> {
    return this.#questions.remembered(name);
  }

  spentSince(sinceMs: number): Promise<readonly SpentQuarter[]> {
    return this.#questions.spentSince(sinceMs);
  }

  hourly(hours: number, nowMs: number): Promise<readonly Nanodollars[]> {
    return this.#questions.hourly(hours, nowMs);
  }

  usage(query: UsageQuery): Promise<UsageAnswer> {
    return this.#questions.usage(query);
  }

  export(query: { sinceMs: number; untilMs: number; format: 'csv' | 'json' }): AsyncIterable<string> {
    return this.#questions.export(query);
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    // From here on nothing is set aside; what is settled all the same stands in the journal for the next start.
    this.#enter({ kind: 'closed', sentence: 'This node is shutting down.', sinceMs: this.#clock.now() });
    for (const cancel of this.#timers) cancel();
    this.#cancelRetry?.();
    this.#refuse(this.#journal.seq, 'This node is shutting down.');
    this.#journal.close();
    const thread = this.#thread;
    if (thread !== null) {
      thread.close();
      const late = new Promise<void>((resolve) => {
        this.#timers.add(this.#clock.after(closeLimitMs, resolve));
      });
      await Promise.race([thread.ended, late]);
      await thread.terminate();
    }
    this.#thread = null;
    for (const cancel of this.#timers) cancel();
  }

  #append(entry: JournalEntry): void {
    if (this.#journal.append(entry)) this.#wake(otherWithinMs);
  }

  #wake(withinMs: number): void {
    const atMs = this.#clock.monotonic() + withinMs;
    if (this.#thread === null || (this.#wakeAtMs !== null && this.#wakeAtMs <= atMs)) return;
    this.#wakeAtMs = atMs;
    this.#thread.post({ kind: 'wake', withinMs });
  }

  #askLease(worst: Nanodollars): void {
    const wanted = this.#lease.wanted(worst);
    if (wanted === null || wanted <= this.#leaseAsked) return;
    this.#leaseAsked = wanted;
    this.#thread?.post({ kind: 'lease', amount: wanted });
  }

  /** Who spends nothing for a while loses nothing to a power cut. */
  #giveLeaseBack(): void {
    const isQuiet = this.#clock.monotonic() - this.#lastReserveMs >= leaseIdleMs;
    if (!isQuiet || !this.#lease.isIdle || this.#lease.granted === 0) return;
    this.#lease.grant(0);
    this.#leaseAsked = 0;
    this.#thread?.post({ kind: 'lease', amount: 0 });
  }

  #spawn(): void {
    const { workerFile, settings } = this.#options;
    this.#wakeAtMs = null;
    this.#thread = new WriterThread(
      { workerFile, settings },
      {
        hear: (message) => {
          this.#hear(message);
        },
        died: (cause) => {
          this.#thread = null;
          this.#inTrouble('writer', 'failed', new Error(cause));
        },
      },
    );
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'opened':
        this.#opened(message);
        return;
      case 'committed':
        this.#heardCommitted(message.seq, message.damagedLines);
        return;
      case 'leased':
        // An earlier wish that was taken back since is none.
        if (message.amount === this.#leaseAsked) this.#lease.grant(message.amount);
        return;
      case 'failed':
        this.#inTrouble('writer', message.failure, new Error(message.cause));
        return;
      case 'answer':
      case 'refused':
        // The thread hands them to who asked.
        return;
      default:
        assertNever(message);
    }
  }

  #opened({ forfeited, setAside }: Extract<FromWorker, { kind: 'opened' }>): void {
    // The database may be another one than the lease was written to.
    this.#lease.grant(0);
    this.#leaseAsked = 0;
    this.#trouble = { ...this.#trouble, writer: null };
    if (forfeited.charges > 0) {
      this.#logger.warn(
        forfeited,
        'reservations of an earlier run were booked in full, because their end is not known',
      );
    }
    if (setAside !== null)
      this.#logger.error({ setAside }, 'the ledger was damaged and begun anew; the old one is kept');
  }

  #heardCommitted(seq: number, damagedLines: number): void {
    if (damagedLines > this.#damagedLines)
      this.#logger.warn({ damagedLines }, 'lines of the journal were damaged and left out');
    this.#damagedLines = damagedLines;
    this.#committed = seq;
    this.#wakeAtMs = null;
    this.#lease.committed(seq);
    this.#journal.committed(seq);
    this.#waiting.committed(seq);
    // What came since the thread looked.
    if (this.#journal.seq > seq) this.#wake(reserveWithinMs);
    this.#openIfWell();
  }

  #openIfWell(): void {
    const { journal, writer } = this.#trouble;
    if (this.#isClosing || journal !== null || writer !== null || this.#journal.isHolding) return;
    if (this.#state.kind === 'open' || this.#committed < this.#reach) return;
    this.#failures = 0;
    this.#tellDropped();
    this.#enter({ kind: 'open' });
    this.#firstWord?.();
  }

  #tellDropped(): void {
    const { dropped } = this.#journal;
    if (dropped > 0) this.#logger.warn({ dropped }, 'finished requests could not be kept while the ledger was closed');
  }

  #inTrouble(where: keyof Trouble, failure: FailureKind | 'corrupt', error: unknown): void {
    const kind = failure === 'corrupt' ? 'failed' : failure;
    const sentence = closedSentence(kind, causeOf(error), dirname(this.#options.settings.file));
    if (this.#trouble[where] === null || this.#failures === 0)
      this.#logger.error({ err: error, where }, 'the ledger is closed');
    this.#trouble = { ...this.#trouble, [where]: sentence };
    this.#lease.grant(0);
    this.#leaseAsked = 0;
    this.#wakeAtMs = null;
    if (!this.#isClosing) {
      const isNew = this.#state.kind === 'open' || this.#state.sentence !== sentence;
      const sinceMs = this.#state.kind === 'closed' ? this.#state.sinceMs : this.#clock.now();
      if (isNew) this.#enter({ kind: 'closed', sentence, sinceMs });
    }
    this.#refuse(this.#journal.seq, sentence);
    this.#firstWord?.();
    this.#retryLater();
  }

  /** Those who wait may send nothing, and so nothing is billed. */
  #refuse(seq: number, sentence: string): void {
    const atMs = this.#clock.now();
    for (const id of this.#waiting.refuse(seq, sentence)) this.release(id, atMs);
  }

  #retryLater(): void {
    if (this.#cancelRetry !== null || this.#isClosing) return;
    this.#failures += 1;
    this.#cancelRetry = this.#clock.after(backoffDelayMs(this.#failures, 0.5, retryBackoff), () => {
      this.#cancelRetry = null;
      this.#retry();
    });
  }

  #retry(): void {
    if (this.#trouble.journal !== null) {
      this.#journal.drain(() => {
        this.#trouble = { ...this.#trouble, journal: null };
        this.#reach = this.#journal.seq;
        this.#wakeAtMs = null;
        this.#wake(0);
      });
    }
    if (this.#trouble.writer === null) return;
    if (this.#thread === null) this.#spawn();
    else this.#thread.post({ kind: 'retry' });
  }

  async #compact(): Promise<void> {
    if (this.#state.kind === 'closed') return;
    try {
      const compacted = await this.#ask('compact', {
        nowMs: this.#clock.now(),
        keepRowsDays: this.#options.keepRowsDays(),
      });
      if (compacted.rows > 0) this.#logger.info(compacted, 'old requests of the ledger were put together by the hour');
    } catch (error) {
      this.#logger.warn({ err: error }, 'old requests of the ledger could not be put together');
    }
  }

  async #ask<Name extends QuestionName>(name: Name, ask: Questions[Name]['ask']): Promise<Questions[Name]['answer']> {
    const thread = this.#thread;
    if (thread === null) throw this.#closedError();
    try {
      return await thread.ask(name, ask);
    } catch (error) {
      if (this.#state.kind === 'closed') throw this.#closedError();
      throw new AppError('internal', 'The ledger could not be read. The log has the details.', { cause: error });
    }
  }

  #closedError(): AppError {
    const sentence = this.#state.kind === 'closed' ? this.#state.sentence : 'The ledger is closed.';
    return new AppError('ledger_closed', sentence);
  }

  #enter(state: LedgerState): void {
    this.#state = state;
    this.changed.announce();
  }
}
