/** Whole seconds; the one that has begun counts, so that no minute ever holds more than it may. */
const windowS = 61;
/** Most further windows that one amount is spread over. */
const mostAhead = 100;

interface Entry {
  readonly atS: number;
  amount: number;
}

/** A booking that can be taken back. */
export interface Booking {
  readonly atS: number;
  readonly amount: number;
}

/**
 * How much was used in the last minute, to the second. What is larger than a whole minute's allowance is spread over
 * the minutes after it, so that it holds up what follows for as long as it ought to. Times are seconds by any clock.
 */
export class MinuteWindow {
  /** Oldest first, one for each second, the spread ones in the future. */
  #entries: Entry[] = [];

  /** Seconds until `amount` fits under `limit`; 0 when it does now. One above the limit fits when nothing else is left. */
  waitS(amount: number, limit: number, nowS: number): number {
    this.#forget(nowS);
    const need = Math.min(amount, limit);
    let used = this.#sum();
    if (used + need <= limit) return 0;
    for (const { atS, amount: leaving } of this.#entries) {
      used -= leaving;
      if (used + need <= limit) return Math.max(1, Math.ceil(atS + windowS - nowS));
    }
    return windowS;
  }

  book(amount: number, limit: number, nowS: number): Booking {
    const first = Math.floor(nowS);
    let left = amount;
    for (let ahead = 0; left > 0; ahead += 1) {
      const part = ahead < mostAhead ? Math.min(left, limit) : left;
      this.#add(first + ahead * windowS, part);
      left -= part;
    }
    return { atS: first, amount };
  }

  /** Takes `amount` of a booking back, as far as it still counts; the latest part first. */
  refund({ atS }: Booking, amount: number, nowS: number): void {
    this.#forget(nowS);
    let left = amount;
    for (const entry of [...this.#entries].reverse()) {
      if (left <= 0 || entry.atS < atS) break;
      if ((entry.atS - atS) % windowS !== 0) continue;
      const part = Math.min(left, entry.amount);
      entry.amount -= part;
      left -= part;
    }
    this.#entries = this.#entries.filter((entry) => entry.amount > 0);
  }

  /** Lets a booking that is not spread count only until `untilS`; one that ends before that stays as it is. */
  shorten({ atS, amount }: Booking, untilS: number, nowS: number): void {
    this.#forget(nowS);
    const earlierS = Math.floor(untilS) - windowS;
    const entry = this.#entries.find((each) => each.atS === atS);
    if (entry === undefined || earlierS >= atS) return;
    entry.amount -= amount;
    this.#entries = this.#entries.filter((each) => each.amount > 0);
    this.#add(earlierS, amount);
  }

  isEmpty(nowS: number): boolean {
    this.#forget(nowS);
    return this.#entries.length === 0;
  }

  #add(atS: number, amount: number): void {
    const index = this.#entries.findIndex((entry) => entry.atS >= atS);
    const found = this.#entries[index];
    if (found?.atS === atS) found.amount += amount;
    else this.#entries.splice(index === -1 ? this.#entries.length : index, 0, { atS, amount });
  }

  #sum(): number {
    return this.#entries.reduce((sum, { amount }) => sum + amount, 0);
  }

  #forget(nowS: number): void {
    const kept = this.#entries.findIndex(({ atS }) => atS + windowS > nowS);
    if (kept === -1) this.#entries = [];
    else if (kept > 0) this.#entries.splice(0, kept);
  }
}
