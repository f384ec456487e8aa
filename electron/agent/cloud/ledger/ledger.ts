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
import { CompactionRounds } from './compaction-rounds.ts';
import { requestRow, type JournalEntry } from './entries.ts';
import { causeOf, closedSentence, failureOf } from './failure.ts';
import { JournalFeed } from './journal-feed.ts';
import { LeaseKeeper, leaseIdleMs } from './lease-keeper.ts';
import { LedgerQuestions } from './ledger-questions.ts';
import { LedgerStanding, type LedgerPart } from './ledger-standing.ts';
import type { FailureKind, FromWorker, QuestionName, Questions, UsageQuery, WorkerSettings } from './messages.ts';
import { WaitingReservations } from './waiting-reservations.ts';
import { WriterLink } from './writer-link.ts';

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

/**
 * The ledger as the rest of the agent has it. What happens is appended to the journal at once, in one write that outlives
 * this process, and a thread brings the journal into the database. Whether a request may go out before its reservation is
 * there is the lease's to say; whether any may, its standing's.
 */
export class DurableLedger implements Ledger {
  readonly changed = new Announcer<void>();
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #standing: LedgerStanding;
  readonly #journal: JournalFeed;
  readonly #writer: WriterLink;
  readonly #lease: LeaseKeeper;
  readonly #waiting = new WaitingReservations();
  readonly #questions: LedgerQuestions;
  readonly #compaction: CompactionRounds;
  /** What is set aside and not ended, by id. */
  readonly #open = new Map<string, ChargeReserved>();
  readonly #timers = new Set<() => void>();
  #cancelRetry: (() => void) | null = null;
  #damagedLines = 0;
  #firstWord: (() => void) | null = null;

  constructor({ settings, workerFile, keepRowsDays }: LedgerOptions, { clock, logger }: LedgerDeps) {
    this.#folder = dirname(settings.file);
    this.#clock = clock;
    this.#logger = logger;
    this.#standing = new LedgerStanding({ nowMs: clock.now() });
    this.#journal = new JournalFeed(settings, {
      failed: (error) => {
        this.#inTrouble('journal', failureOf(error, null), error);
      },
    });
    this.#writer = new WriterLink(
      { settings, workerFile },
      {
        clock,
        hear: (message) => {
          this.#hear(message);
        },
        died: (cause) => {
          this.#inTrouble('writer', 'failed', new Error(cause));
        },
      },
    );
    this.#lease = new LeaseKeeper({
      clock,
      ask: (amount) => {
        this.#writer.post({ kind: 'lease', amount });
      },
    });
    this.#questions = new LedgerQuestions({ ask: (name, ask) => this.#ask(name, ask) });
    this.#compaction = new CompactionRounds(
      { keepRowsDays },
      { clock, logger, ask: (name, ask) => this.#ask(name, ask), isOpen: () => this.state.kind === 'open' },
    );
  }

  get state(): LedgerState {
    return this.#standing.state;
  }

  /** Starts the thread. Resolves when it is open or has said why not. */
  async start(): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#firstWord = resolve;
    });
    this.#writer.startOrRetry();
    const cancel = this.#clock.after(openLimitMs, () => this.#firstWord?.());
    this.#timers.add(this.#clock.every(leaseIdleMs, () => this.#lease.giveBackIfIdle()));
    this.#timers.add(this.#compaction.start());
    await heard;
    cancel();
  }

  async reserve(charge: ChargeReserved): Promise<void> {
    if (this.state.kind === 'closed') throw this.#closedError();
    const leased = this.#lease.fits(charge.worst);
    if (!this.#journal.write([{ kind: 'reserve', charge, leased }])) throw this.#closedError();
    const { seq } = this.#journal;
    this.#open.set(charge.id, charge);
    this.#lease.reserved(charge.worst);
    if (leased) {
      this.#lease.take(seq, charge.worst);
      this.#writer.wake(reserveWithinMs);
      return;
    }
    this.#writer.wake(0);
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

  release(id: string, wallMs: number): void {
    this.#open.delete(id);
    this.#append({ kind: 'release', id, atMs: wallMs });
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
    if (this.#standing.isClosing) return;
    // From here on nothing is set aside; what is settled all the same stands in the journal for the next start.
    const sentence = this.#standing.close(this.#clock.now());
    this.changed.announce();
    for (const cancel of this.#timers) cancel();
    this.#cancelRetry?.();
    this.#refuse(this.#journal.seq, sentence);
    this.#journal.close();
    await this.#writer.close();
  }

  #append(entry: JournalEntry): void {
    if (this.#journal.append(entry)) this.#writer.wake(otherWithinMs);
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
        this.#lease.granted(message.amount);
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
    this.#lease.forget();
    this.#standing.well('writer');
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
    this.#standing.committed(seq);
    this.#writer.woke();
    this.#lease.committed(seq);
    this.#journal.committed(seq);
    this.#waiting.committed(seq);
    // What came since the thread looked.
    if (this.#journal.seq > seq) this.#writer.wake(reserveWithinMs);
    if (this.#journal.isHolding || !this.#standing.openIfWell()) return;
    const { dropped } = this.#journal;
    if (dropped > 0) this.#logger.warn({ dropped }, 'finished requests could not be kept while the ledger was closed');
    this.changed.announce();
    this.#firstWord?.();
  }

  #inTrouble(part: LedgerPart, failure: FailureKind | 'corrupt', error: unknown): void {
    const kind = failure === 'corrupt' ? 'failed' : failure;
    const sentence = closedSentence(kind, causeOf(error), this.#folder);
    if (this.#standing.isNewTrouble(part)) this.#logger.error({ err: error, where: part }, 'the ledger is closed');
    this.#lease.forget();
    this.#writer.woke();
    if (this.#standing.ill(part, sentence, this.#clock.now())) this.changed.announce();
    this.#refuse(this.#journal.seq, sentence);
    this.#firstWord?.();
    this.#retryLater();
  }

  /** Those who wait may send nothing, and so nothing is billed. */
  #refuse(seq: number, sentence: string): void {
    const wallMs = this.#clock.now();
    for (const id of this.#waiting.refuse(seq, sentence)) this.release(id, wallMs);
  }

  #retryLater(): void {
    if (this.#cancelRetry !== null || this.#standing.isClosing) return;
    this.#cancelRetry = this.#clock.after(backoffDelayMs(this.#standing.countFailure(), 0.5, retryBackoff), () => {
      this.#cancelRetry = null;
      this.#retry();
    });
  }

  #retry(): void {
    if (this.#standing.isIll('journal')) {
      this.#journal.drain(() => {
        this.#standing.well('journal');
        this.#standing.mustReach(this.#journal.seq);
        this.#writer.woke();
        this.#writer.wake(0);
      });
    }
    if (this.#standing.isIll('writer')) this.#writer.startOrRetry();
  }

  async #ask<Name extends QuestionName>(name: Name, ask: Questions[Name]['ask']): Promise<Questions[Name]['answer']> {
    const asked = this.#writer.ask(name, ask);
    if (asked === null) throw this.#closedError();
    try {
      return await asked;
    } catch (error) {
      if (this.state.kind === 'closed') throw this.#closedError();
      throw new AppError('internal', 'The ledger could not be read. The log has the details.', { cause: error });
    }
  }

  #closedError(): AppError {
    return new AppError('ledger_closed', this.#standing.sentence);
  }
}
