import type { Clock } from '../../electron/agent/base/clock.ts';

interface Event {
  readonly dueMs: number;
  readonly order: number;
  readonly task: () => void;
}

/** Time of a simulation: it jumps from one event to the next, and lets promises settle in between. */
export class SimulatedClock implements Clock {
  readonly #events = new Set<Event>();
  #nowMs = 0;
  #order = 0;

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): () => void {
    this.#order += 1;
    const event: Event = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, task };
    this.#events.add(event);
    return () => {
      this.#events.delete(event);
    };
  }

  every(intervalMs: number, task: () => void): () => void {
    let cancel = (): void => undefined;
    const again = (): void => {
      cancel = this.after(intervalMs, again);
      task();
    };
    cancel = this.after(intervalMs, again);
    return () => {
      cancel();
    };
  }

  /** Runs what falls due until `untilMs`, or until nothing is left. */
  async run(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      await settled();
      const next = this.#earliest();
      if (next === null || next.dueMs > untilMs) break;
      this.#nowMs = next.dueMs;
      this.#events.delete(next);
      next.task();
    }
    if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #earliest(): Event | null {
    let best: Event | null = null;
    for (const event of this.#events) {
      if (best === null || event.dueMs < best.dueMs || (event.dueMs === best.dueMs && event.order < best.order)) {
        best = event;
      }
    }
    return best;
  }
}

/** Lets every promise that can settle do so. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface FakeSlotsOptions {
  readonly slots: number;
  /** Reading a prompt, tokens per second, all slots together. */
  readonly prefillRate: number;
  /** One pass over the weights, milliseconds: it makes a token for every slot that writes. */
  readonly passMs: number;
  /** Prompt tokens that are read between two passes. */
  readonly chunk: number;
}

export interface Job {
  /** Prompt tokens that are not cached. */
  readonly promptTokens: number;
  readonly answerTokens: number;
  first(): void;
  done(told: JobFigures): void;
}

/** By the engine's own clock, from when it had a slot. */
export interface JobFigures {
  readonly promptMs: number;
  readonly answerMs: number;
}

interface Slot {
  readonly job: Job;
  readonly startedMs: number;
  unread: number;
  written: number;
  firstMs: number;
}

/**
 * An engine that batches as llama-server does: every pass reads some of the prompts and writes a token for each slot
 * that has read its own. Whoever finds no slot waits inside it, first come, first served and without bound.
 */
export class FakeSlots {
  readonly #options: FakeSlotsOptions;
  readonly #clock: SimulatedClock;
  readonly #waiting: Job[] = [];
  readonly #slots = new Set<Slot>();
  #passing = false;

  constructor(options: FakeSlotsOptions, clock: SimulatedClock) {
    this.#options = options;
    this.#clock = clock;
  }

  get inside(): number {
    return this.#slots.size + this.#waiting.length;
  }

  submit(job: Job): void {
    this.#waiting.push(job);
    this.#fill();
    if (!this.#passing) this.#pass();
  }

  #fill(): void {
    while (this.#slots.size < this.#options.slots) {
      const job = this.#waiting.shift();
      if (!job) return;
      this.#slots.add({
        job,
        startedMs: this.#clock.monotonic(),
        unread: job.promptTokens,
        written: 0,
        firstMs: 0,
      });
    }
  }

  #pass(): void {
    this.#passing = this.#slots.size > 0;
    if (!this.#passing) return;
    let room = this.#options.chunk;
    const writing: Slot[] = [];
    for (const slot of this.#slots) {
      if (slot.unread === 0) {
        writing.push(slot);
        continue;
      }
      const read = Math.min(room, slot.unread);
      slot.unread -= read;
      room -= read;
      // The pass that reads the last of a prompt writes the first token too.
      if (slot.unread === 0) writing.push(slot);
    }
    const read = this.#options.chunk - room;
    this.#clock.after(this.#options.passMs + (read * 1_000) / this.#options.prefillRate, () => {
      for (const slot of writing) this.#write(slot);
      this.#fill();
      this.#pass();
    });
  }

  #write(slot: Slot): void {
    const nowMs = this.#clock.monotonic();
    slot.written += 1;
    if (slot.written === 1) {
      slot.firstMs = nowMs;
      slot.job.first();
    }
    if (slot.written < slot.job.answerTokens) return;
    this.#slots.delete(slot);
    slot.job.done({ promptMs: slot.firstMs - slot.startedMs, answerMs: nowMs - slot.firstMs });
  }
}
