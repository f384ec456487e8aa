import type { Outage } from '../../contract/control.ts';
import type { EngineSnapshot } from '../../contract/snapshot.ts';
import type { Clock } from '../base/clock.ts';
import type { Startable } from '../base/lifecycle.ts';
import type { Logger } from '../base/logger.ts';
import { AvailabilityFile } from './availability-file.ts';
import { extend, figuresOf, type AvailabilityFigures, type Span } from './availability-spans.ts';
import { standingOf, standingOfNode, type Standing } from './availability-standing.ts';

export interface AvailabilityOptions {
  /** Absolute; its folder must be there. */
  readonly file: string;
  /** How often it is kept; a killed agent loses no more than this. Default: a minute. */
  readonly writeEveryMs?: number;
}

export interface AvailabilityDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface AvailabilityInput {
  readonly engines: readonly EngineSnapshot[];
  /** Whether anything answers a request now. */
  readonly nodeReady: boolean;
}

/** Share of the time that the node should be ready. */
export const availabilityGoal = 0.99;

const defaultWriteEveryMs = 60_000;
/** A gap longer than this between two observations was no time of ours: the machine slept, or its clock was set. */
const longestGapMs = 30_000;
const mostOutages = 200;
/** Who was never seen longer than this goes first when there are more engines than fit. */
const mostEngines = 32;
const notRunning = 'The agent did not run: it ended without being told to.';

/** One thing whose readiness is measured, and how it stood when it was last looked at. */
class Subject {
  readonly spans: Span[] = [];
  wasReady = false;
  #before: Standing | null = null;

  /** Where it is down: the end of the outage so far. */
  get downUntil(): number | null {
    return this.#before?.kind === 'down' ? (this.spans.at(-1)?.to ?? null) : null;
  }

  /** What was seen last held until now. */
  observe(standing: Standing, span: { readonly from: number; readonly to: number } | null): void {
    if (span && this.#before && this.#before.kind !== 'left-out') {
      extend(this.spans, { ...span, cause: this.#before.kind === 'down' ? this.#before.cause : null });
    }
    this.#before = standing;
    if (standing.kind === 'ready') this.wasReady = true;
  }
}

/**
 * Measures how much of the time the node and each engine were ready, over thirty days and across restarts, and keeps
 * each outage with its cause. Only time in which something was meant to run is measured: what the operator stopped, the
 * agent itself included, is left out. An agent that was killed counts as an outage until it runs again.
 */
export class Availability implements Startable {
  readonly #deps: AvailabilityDeps;
  readonly #file: AvailabilityFile;
  readonly #writeEveryMs: number;
  readonly #node = new Subject();
  readonly #engines = new Map<string, Subject>();
  /** The latest observation on both clocks. */
  #last: { readonly wallMs: number; readonly monotonicMs: number } | null = null;
  #cancel: (() => void) | null = null;

  constructor(options: AvailabilityOptions, deps: AvailabilityDeps) {
    this.#deps = deps;
    this.#file = new AvailabilityFile(options, deps);
    this.#writeEveryMs = options.writeEveryMs ?? defaultWriteEveryMs;
  }

  /** Reads what earlier runs measured, and begins to keep this one's once a minute. */
  start(): Promise<void> {
    if (this.#cancel) return Promise.resolve();
    const record = this.#file.read();
    if (record) {
      this.#node.spans.push(...record.node);
      for (const [id, spans] of record.engines) this.#subject(id).spans.push(...spans);
      if (!record.stopped) this.#bookAbsence(record.at);
    }
    this.#cancel = this.#deps.clock.every(this.#writeEveryMs, () => this.#write(false));
    return Promise.resolve();
  }

  /** Keeps everything; the time until the next start is left out of every figure. */
  stop(): Promise<void> {
    if (!this.#cancel) return Promise.resolve();
    this.#cancel();
    this.#cancel = null;
    this.#write(true);
    return Promise.resolve();
  }

  /** Tells how things stand now; call at least every few seconds. What is told holds until the next call. */
  observe({ engines, nodeReady }: AvailabilityInput): void {
    const { clock } = this.#deps;
    const now = { wallMs: clock.now(), monotonicMs: clock.monotonic() };
    const span = this.#spanUntil(now);
    const standings = engines.map((engine) => {
      const subject = this.#subject(engine.id);
      const standing = standingOf(engine, subject.wasReady);
      subject.observe(standing, span);
      return standing;
    });
    this.#node.observe(standingOfNode(nodeReady, standings), span);
    this.#last = now;
  }

  /** Of the node: shares 0–1; null while too little has been measured. */
  figures(): AvailabilityFigures {
    return figuresOf(this.#node.spans, this.#deps.clock.now());
  }

  /** Of one engine. */
  figuresOf(engineId: string): AvailabilityFigures {
    return figuresOf(this.#engines.get(engineId)?.spans ?? [], this.#deps.clock.now());
  }

  /** Newest first, at most 200. One that lasts has no end yet. */
  outages(): Outage[] {
    const subjects: [string | null, Subject][] = [[null, this.#node], ...this.#engines];
    return subjects
      .flatMap(([engineId, { spans, downUntil }]) => spans.map((span) => ({ engineId, downUntil, ...span })))
      .flatMap(({ engineId, from, to, cause, downUntil }) =>
        cause === null ? [] : [{ engineId, from, cause, to: to === downUntil ? null : to }],
      )
      .sort((a, b) => b.from - a.from)
      .slice(0, mostOutages)
      .map(({ engineId, from, to, cause }) => ({ engineId, from: iso(from), to: to === null ? null : iso(to), cause }));
  }

  /**
   * The time since the last observation; null where it was no time of ours. Measured by the monotonic clock and placed
   * by the wall clock, so that setting the clock makes neither an outage nor a day of readiness.
   */
  #spanUntil(now: { wallMs: number; monotonicMs: number }): { from: number; to: number } | null {
    const last = this.#last;
    if (!last) return null;
    const lengthMs = now.monotonicMs - last.monotonicMs;
    const drifted = Math.abs(now.wallMs - last.wallMs - lengthMs) > clockSlackMs;
    if (now.wallMs <= last.wallMs || lengthMs > longestGapMs || drifted) return null;
    return { from: last.wallMs, to: now.wallMs };
  }

  /** The agent was killed: nothing that had been ready or wanted was, until now. */
  #bookAbsence(at: number): void {
    const to = this.#deps.clock.now();
    if (to <= at) return;
    const subjects = [this.#node, ...this.#engines.values()];
    for (const { spans } of subjects) {
      const last = spans.at(-1);
      // An engine that was left out when the agent ended would have been left out since.
      if (last && at - last.to < longestGapMs) extend(spans, { from: last.to, to, cause: notRunning });
    }
  }

  #subject(id: string): Subject {
    let subject = this.#engines.get(id);
    if (!subject) {
      subject = new Subject();
      this.#engines.set(id, subject);
      const [oldest] = this.#engines.keys();
      if (this.#engines.size > mostEngines && oldest !== undefined) this.#engines.delete(oldest);
    }
    return subject;
  }

  #write(stopped: boolean): void {
    const engines = new Map([...this.#engines].map(([id, { spans }]) => [id, spans]));
    this.#file.write({ at: this.#deps.clock.now(), stopped, node: this.#node.spans, engines });
  }
}

/** The two clocks are read one after the other, and the wall clock is nudged all the time. */
const clockSlackMs = 2_000;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
