import { assertNever } from '../../base/errors.ts';
import { compactionSteps } from './compaction.ts';
import { exportPage } from './export-query.ts';
import { causeOf, failureOf } from './failure.ts';
import type { FromWorker, QuestionName, Questions, ToWorker, WorkerSettings } from './messages.ts';
import { remembered, spentByHour, spentPage } from './spent-queries.ts';
import { freeBytesAt, openForReading, setAside, Store } from './store.ts';
import { usageSteps } from './usage-query.ts';

export interface LedgerWriterDeps {
  readonly say: (message: FromWorker) => void;
  /** Wall time, for what is booked at the start. */
  readonly now: () => number;
  /** Runs the task later; the result cancels it. */
  readonly after: (delayMs: number, task: () => void) => () => void;
  /** Resolves after everything else that waits had its turn. */
  readonly turn: () => Promise<void>;
}

type AnyQuestion = Extract<ToWorker, { kind: 'ask' }>;

/** Set beside what budgets are made up from: when a ledger was lost, so that nobody takes its silence for no spending. */
const lostName = 'lostAt';

/**
 * The one writer of the ledger, on a thread of its own. It follows the journal into the database, and answers questions
 * in small steps in between, so that no reservation waits for them. A failure is told once; then it waits to be told to
 * try again.
 */
export class LedgerWriter {
  readonly #settings: WorkerSettings;
  readonly #deps: LedgerWriterDeps;
  #store: Store | null = null;
  #isCompacting = false;
  #setAsideTo: string | null = null;
  #due: { readonly atMs: number; readonly cancel: () => void } | null = null;

  constructor(settings: WorkerSettings, deps: LedgerWriterDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  start(): void {
    this.#attempt();
  }

  hear(message: ToWorker): void {
    switch (message.kind) {
      case 'wake':
        this.#wake(message.withinMs);
        return;
      case 'lease':
        this.#guarded((store) => {
          store.book.grant(message.amount);
          this.#deps.say({ kind: 'leased', amount: message.amount });
        });
        return;
      case 'retry':
        this.#attempt();
        return;
      case 'ask':
        void this.#answer(message);
        return;
      case 'close':
        this.#close();
        return;
      default:
        assertNever(message);
    }
  }

  /** Commits within that time; an earlier appointment stands. */
  #wake(withinMs: number): void {
    const atMs = this.#deps.now() + withinMs;
    if (this.#due !== null && this.#due.atMs <= atMs) return;
    this.#due?.cancel();
    if (withinMs <= 0) {
      this.#due = null;
      this.#commit();
      return;
    }
    this.#due = {
      atMs,
      cancel: this.#deps.after(withinMs, () => {
        this.#due = null;
        this.#commit();
      }),
    };
  }

  #commit(): void {
    this.#guarded((store) => {
      // Told after each piece: reservations wait for it.
      let isMore = store.step();
      do {
        this.#deps.say({ kind: 'committed', seq: store.position, damagedLines: store.damagedLines });
        isMore = isMore && store.step();
      } while (isMore);
      store.tidy();
    });
  }

  #attempt(): void {
    if (this.#store !== null) {
      this.#commit();
      return;
    }
    try {
      this.#open();
    } catch (error) {
      this.#failed(error);
    }
  }

  #open(): void {
    const store = new Store(this.#settings);
    try {
      const aside = this.#setAsideTo;
      if (aside !== null) store.book.remember(lostName, String(this.#deps.now()));
      const forfeited = store.takeOver(this.#deps.now());
      this.#store = store;
      this.#setAsideTo = null;
      const { position, damagedLines } = store;
      this.#deps.say({ kind: 'opened', forfeited, setAside: aside });
      this.#deps.say({ kind: 'committed', seq: position, damagedLines });
    } catch (error) {
      store.close();
      throw error;
    }
  }

  #guarded(work: (store: Store) => void): void {
    const store = this.#store;
    if (store === null) return;
    try {
      work(store);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The connection is given up whatever failed: its next start finds everything that was not taken over. */
  #failed(error: unknown): void {
    const failure = failureOf(error, freeBytesAt(this.#settings.file));
    try {
      this.#store?.close();
    } catch {
      // Nothing that was committed depends on it.
    }
    this.#store = null;
    if (failure !== 'corrupt') {
      this.#deps.say({ kind: 'failed', failure, cause: causeOf(error) });
      return;
    }
    try {
      this.#setAsideTo = setAside(this.#settings.file, this.#deps.now());
    } catch (cause) {
      this.#deps.say({ kind: 'failed', failure: 'unwritable', cause: causeOf(cause) });
      return;
    }
    try {
      this.#open();
    } catch (cause) {
      const next = failureOf(cause, freeBytesAt(this.#settings.file));
      this.#deps.say({ kind: 'failed', failure: next === 'corrupt' ? 'failed' : next, cause: causeOf(cause) });
    }
  }

  async #answer(question: AnyQuestion): Promise<void> {
    // What was written before the question is part of the answer.
    this.#commit();
    const { id } = question;
    try {
      const answer = await this.#answerTo(question);
      this.#deps.say({ kind: 'answer', id, answer });
    } catch (error) {
      this.#deps.say({ kind: 'refused', id, sentence: causeOf(error) });
    }
  }

  async #answerTo(question: AnyQuestion): Promise<Questions[QuestionName]['answer']> {
    const store = this.#store;
    if (store === null) throw new Error('the ledger is closed');
    switch (question.name) {
      case 'spent':
        return spentPage(store.database, question.ask.sinceMs, question.ask.after);
      case 'hourly':
        return spentByHour(store.database, question.ask.hours, question.ask.nowMs);
      case 'remembered':
        return remembered(store.database, question.ask.name);
      case 'export':
        return exportPage(store.database, question.ask);
      case 'usage': {
        const reader = openForReading(this.#settings.file);
        try {
          return await this.#run(usageSteps(reader, question.ask, this.#settings.node));
        } finally {
          reader.close();
        }
      }
      case 'compact':
        if (this.#isCompacting) return { rows: 0, sums: 0 };
        this.#isCompacting = true;
        try {
          return await this.#run(compactionSteps(store.database, question.ask));
        } finally {
          this.#isCompacting = false;
        }
      default:
        return assertNever(question);
    }
  }

  async #run<Answer>(steps: Generator<undefined, Answer>): Promise<Answer> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await this.#deps.turn();
    }
  }

  #close(): void {
    this.#due?.cancel();
    this.#commit();
    this.#guarded((store) => {
      // Whatever went out is in the database now.
      store.book.grant(0);
      store.tidy();
    });
    try {
      this.#store?.close();
    } catch {
      // The next start finds the rest in the journal.
    }
    this.#store = null;
  }
}
