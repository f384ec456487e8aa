import type { Clock } from '../../base/clock.ts';
import type { Nanodollars } from '../ledger-port.ts';
import { Lease } from './lease.ts';

/** After so long without a reservation the lease is given back, and a power cut costs nothing. */
export const leaseIdleMs = 60_000;

export interface LeaseKeeperDeps {
  readonly clock: Clock;
  /** Has a lease of that size written; 0 gives it back. */
  readonly ask: (amount: Nanodollars) => void;
}

/** Asks the writer for as large a lease as reservations need, and gives it back when there are none. */
export class LeaseKeeper {
  readonly #deps: LeaseKeeperDeps;
  readonly #lease = new Lease();
  #asked: Nanodollars = 0;
  #lastReserveMs = 0;

  constructor(deps: LeaseKeeperDeps) {
    this.#deps = deps;
  }

  /** Whether money of a request may go out before its row is in the database. */
  fits(worst: Nanodollars): boolean {
    return this.#lease.fits(worst);
  }

  /** It goes out under the lease, as entry `seq` of the journal. */
  take(seq: number, worst: Nanodollars): void {
    this.#lease.take(seq, worst);
  }

  /** Something was reserved, under the lease or not: the next ones will be of its size. */
  reserved(worst: Nanodollars): void {
    this.#lastReserveMs = this.#deps.clock.monotonic();
    const wanted = this.#lease.wanted(worst);
    if (wanted === null || wanted <= this.#asked) return;
    this.#asked = wanted;
    this.#deps.ask(wanted);
  }

  /** All entries up to `seq` are in the database. */
  committed(seq: number): void {
    this.#lease.committed(seq);
  }

  /** The writer wrote one of that size. An earlier wish that was taken back since is none. */
  granted(amount: Nanodollars): void {
    if (amount === this.#asked) this.#lease.grant(amount);
  }

  /** Nothing is known of what is on disk any more. */
  forget(): void {
    this.#lease.grant(0);
    this.#asked = 0;
  }

  /** Who spends nothing for a while loses nothing to a power cut. */
  giveBackIfIdle(): void {
    const isQuiet = this.#deps.clock.monotonic() - this.#lastReserveMs >= leaseIdleMs;
    if (!isQuiet || !this.#lease.isIdle || this.#lease.granted === 0) return;
    this.forget();
    this.#deps.ask(0);
  }
}
