import type { NodeSnapshot } from '../../contract/snapshot.ts';

const slotMs = 60_000;
const daySlots = 24 * 60;
/** Thirty days of minutes. */
const capacity = 30 * daySlots;

/**
 * Measures the share of time with an engine ready, minute by minute over the last thirty days of this run. A period
 * has a figure once it has been measured in full.
 */
export class Availability {
  /** Percent of each minute, the oldest overwritten. */
  readonly #slots = new Uint8Array(capacity);
  #filled = 0;
  #slotStartMs: number | null = null;
  #lastMs = 0;
  #wasReady = false;
  #readyMs = 0;

  /** Tells whether an engine is ready now; call at least once a minute with monotonic milliseconds. */
  observe(ready: boolean, nowMs: number): void {
    if (this.#slotStartMs === null) this.#slotStartMs = nowMs;
    else if (this.#wasReady) this.#addReady(this.#slotStartMs, nowMs);
    else this.#closeSlots(nowMs);
    this.#lastMs = nowMs;
    this.#wasReady = ready;
  }

  /** Shares 0–1; null for a period longer than what has been measured. */
  figures(): NodeSnapshot['node']['availability'] {
    return { day: this.#share(daySlots), week: this.#share(7 * daySlots), month: this.#share(capacity) };
  }

  #addReady(slotStartMs: number, nowMs: number): void {
    let fromMs = this.#lastMs;
    let endMs = slotStartMs + slotMs;
    while (endMs <= nowMs) {
      this.#readyMs += endMs - fromMs;
      this.#closeSlot();
      fromMs = endMs;
      endMs += slotMs;
    }
    this.#readyMs += nowMs - fromMs;
  }

  #closeSlots(nowMs: number): void {
    while (this.#slotStartMs !== null && this.#slotStartMs + slotMs <= nowMs) this.#closeSlot();
  }

  #closeSlot(): void {
    this.#slots[this.#filled % capacity] = Math.round((100 * this.#readyMs) / slotMs);
    this.#filled += 1;
    this.#readyMs = 0;
    this.#slotStartMs = (this.#slotStartMs ?? 0) + slotMs;
  }

  #share(slots: number): number | null {
    if (this.#filled < slots) return null;
    let sum = 0;
    for (let back = 1; back <= slots; back += 1) sum += this.#slots[(this.#filled - back) % capacity] ?? 0;
    return Math.round((sum / slots) * 10) / 1000;
  }
}
