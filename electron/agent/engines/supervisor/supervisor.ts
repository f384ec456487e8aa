import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { assertNever } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { Mailbox } from '../../base/mailbox.ts';
import { countMemoryKills, type CountMemoryKills } from './memory-kills.ts';
import {
  initialRecord,
  transition,
  type EngineRecord,
  type Moment,
  type SupervisorEffect,
  type SupervisorEvent,
  type TimerEvent,
} from './transition.ts';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines it wrote, oldest first. */
  readonly lastLines: readonly string[];
}

export interface RunningProcess {
  readonly pid: number;
  /** `gently` asks it to end, `now` kills it and everything it started. Does nothing once it is gone. */
  end(how: 'gently' | 'now'): void;
}

/** What the supervisor wants to hear of a process; each at most once. */
export interface ProcessListener {
  ready(): void;
  exited(exit: ProcessExit): void;
}

/** Starts an engine's process. */
export interface ProcessLauncher {
  /** Rejects with a sentence for the operator when it cannot be started. */
  launch(listener: ProcessListener): Promise<RunningProcess>;
  /** Kills all it has started, also what it is only starting, before it returns. */
  killNow(): void;
}

/** How often the count of kills for memory is read while a process runs, so that an older kill is not taken for its. */
const memoryKillsEveryMs = 60_000;

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly launcher: ProcessLauncher;
  /** 0 ≤ x < 1; spreads restarts. */
  readonly random: () => number;
  /** How long the process that starts now may take to become ready; null: for ever. Left out: for ever. */
  readonly loadDeadlineMs?: () => number | null;
  /** Left out: what this system counts. */
  readonly countMemoryKills?: CountMemoryKills;
}

/**
 * Keeps one engine's process in the state the operator wants. Decides nothing itself: {@link transition} does, and
 * this runs its effects, one event after another. Three judgements stay apart: that a process runs is the launcher's,
 * that it is ready is told by {@link ProcessListener.ready}, that it moves is told by {@link wedged}. Answers under
 * way are the engine's to finish before it calls {@link stop} or {@link restart}.
 */
export class Supervisor {
  readonly changed = new Announcer<EngineRecord>();
  readonly #deps: SupervisorDeps;
  readonly #countMemoryKills: CountMemoryKills;
  readonly #mailbox = new Mailbox();
  readonly #timers = new Set<() => void>();
  #record: EngineRecord;
  #process: RunningProcess | null = null;
  /** The system's count of kills for memory while the process still lived; null while none runs. */
  #memoryKills: { count: number | null; readonly stopReading: () => void } | null = null;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
    this.#countMemoryKills = deps.countMemoryKills ?? countMemoryKills;
    this.#record = initialRecord(this.#now());
  }

  get record(): EngineRecord {
    return this.#record;
  }

  /** Resolves when the start has been tried once. */
  start(): Promise<void> {
    return this.#post({ kind: 'start' });
  }

  restart(): Promise<void> {
    return this.#post({ kind: 'restart' });
  }

  /** Resolves when no process is left. */
  async stop(): Promise<void> {
    await this.#post({ kind: 'stop' });
    await this.#until((record) => record.state.kind !== 'stopping');
  }

  /** Kills its process before it returns, and starts none after it. For an agent that ends at once. */
  killNow(): void {
    this.#deps.launcher.killNow();
    void this.#post({ kind: 'stop' });
  }

  /**
   * The process lives and does not move: it is asked to end, killed after a while if it does not, and started again
   * after the backoff. Does nothing when another process runs by now. `reason` follows "The engine …", such as "made
   * no progress for 120 s".
   */
  wedged(pid: number, reason: string): Promise<void> {
    return this.#post({ kind: 'wedged', pid, reason });
  }

  #until(done: (record: EngineRecord) => boolean): Promise<void> {
    if (done(this.#record)) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.changed.subscribe((record) => {
        if (!done(record)) return;
        cancel();
        resolve();
      });
    });
  }

  #post(event: SupervisorEvent): Promise<void> {
    return this.#mailbox.post(() => this.#handle(event));
  }

  async #handle(event: SupervisorEvent): Promise<void> {
    const before = this.#record;
    const { record, effects } = transition(before, event, this.#now());
    this.#record = record;
    if (record.state.kind !== before.state.kind) {
      this.#deps.logger.info(
        { from: before.state.kind, to: record.state.kind, event: event.kind },
        'engine state changed',
      );
    }
    if (record !== before) this.changed.announce(record);
    for (const effect of effects) await this.#run(effect);
  }

  async #run(effect: SupervisorEffect): Promise<void> {
    switch (effect.kind) {
      case 'spawn':
        return this.#spawn();
      case 'end':
        if (this.#process?.pid === effect.pid) this.#process.end(effect.how);
        return;
      case 'set-timer':
        this.#setTimer(effect.event, effect.delayMs);
        return;
      case 'clear-timers':
        for (const cancel of this.#timers) cancel();
        this.#timers.clear();
        return;
      default:
        return assertNever(effect);
    }
  }

  async #spawn(): Promise<void> {
    // A process that dies at once may be heard of before its start is settled: what it says waits for that.
    const started = Promise.withResolvers<number>();
    const listener: ProcessListener = {
      ready: () => void started.promise.then((pid) => this.#post({ kind: 'ready', pid })),
      exited: (exit) => {
        const killedForMemory = this.#wasKilledForMemory();
        void started.promise.then((pid) => this.#post({ kind: 'exited', pid, ...exit, killedForMemory }));
      },
    };
    this.#readMemoryKills();
    try {
      this.#process = await this.#deps.launcher.launch(listener);
    } catch (error) {
      this.#wasKilledForMemory();
      const reason = error instanceof Error ? error.message : String(error);
      await this.#handle({ kind: 'spawn-failed', reason });
      return;
    }
    const { pid } = this.#process;
    // Handled here and not posted: no other event may come between the start and its outcome.
    await this.#handle({ kind: 'spawned', pid, loadDeadlineMs: this.#deps.loadDeadlineMs?.() ?? null });
    started.resolve(pid);
  }

  /** Keeps the count of kills for memory fresh for as long as the process lives. */
  #readMemoryKills(): void {
    this.#memoryKills?.stopReading();
    const reading = {
      count: this.#countMemoryKills(),
      stopReading: this.#deps.clock.every(memoryKillsEveryMs, () => {
        reading.count = this.#countMemoryKills();
      }),
    };
    this.#memoryKills = reading;
  }

  /** Ends the reading; true when a kill for memory came since the last one. */
  #wasKilledForMemory(): boolean {
    const before = this.#memoryKills;
    if (!before) return false;
    before.stopReading();
    this.#memoryKills = null;
    const now = this.#countMemoryKills();
    return before.count !== null && now !== null && now > before.count;
  }

  #setTimer(event: TimerEvent, delayMs: number): void {
    const cancel = this.#deps.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      void this.#post({ kind: event });
    });
    this.#timers.add(cancel);
  }

  #now(): Moment {
    const { clock, random } = this.#deps;
    return { wallMs: clock.now(), monotonicMs: clock.monotonic(), random: random() };
  }
}
