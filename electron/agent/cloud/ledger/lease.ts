import type { Nanodollars } from '../ledger-port.ts';

const leastLease: Nanodollars = 500_000_000;
const reservationsALease = 8;

/**
 * How much money may be out without a row in the database, reckoned from what is on disk for certain. A power cut can
 * take the end of the journal, so that what is lost with it has to be known beforehand: never more than the lease.
 */
export class Lease {
  /** On disk: this much may be out. */
  #granted: Nanodollars = 0;
  #out: { readonly seq: number; readonly worst: Nanodollars }[] = [];
  #outTotal: Nanodollars = 0;

  get granted(): Nanodollars {
    return this.#granted;
  }

  /** Out, and not in the database yet as far as is known. */
  get outTotal(): Nanodollars {
    return this.#outTotal;
  }

  /** Whether money of a request may go out before its row is in the database. */
  fits(worst: Nanodollars): boolean {
    return this.#outTotal + worst <= this.#granted;
  }

  /** It goes out, as entry `seq` of the journal. */
  take(seq: number, worst: Nanodollars): void {
    this.#out.push({ seq, worst });
    this.#outTotal += worst;
  }

  /** All entries up to `seq` are in the database. */
  committed(seq: number): void {
    let done = 0;
    for (const { seq: taken, worst } of this.#out) {
      if (taken > seq) break;
      this.#outTotal -= worst;
      done += 1;
    }
    if (done > 0) this.#out = this.#out.slice(done);
  }

  /** A lease of this size is on disk. */
  grant(amount: Nanodollars): void {
    this.#granted = amount;
  }

  /** How large a lease should be after a reservation of this size; null where the present one does. */
  wanted(worst: Nanodollars): Nanodollars | null {
    const wanted = Math.max(leastLease, worst * reservationsALease);
    return wanted > this.#granted ? wanted : null;
  }

  /** Whether nothing is out, so that it can be given back. */
  get isIdle(): boolean {
    return this.#outTotal === 0;
  }
}
