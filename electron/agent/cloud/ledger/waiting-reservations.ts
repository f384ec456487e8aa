import { AppError } from '../../base/errors.ts';

interface Waiting {
  readonly seq: number;
  readonly id: string;
  readonly resolve: () => void;
  readonly reject: (error: AppError) => void;
}

/** Reservations that are in the journal and may be told of once they are in the database too. */
export class WaitingReservations {
  #waiting: Waiting[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(seq: number, id: string): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ seq, id, resolve, reject }));
  }

  /** All entries up to `seq` are in the database. */
  committed(seq: number): void {
    const done = this.#waiting.filter((waiting) => waiting.seq <= seq);
    if (done.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.seq > seq);
    for (const { resolve } of done) resolve();
  }

  /** Nothing may be sent for any of them up to `seq`; answers with their ids. */
  refuse(seq: number, sentence: string): readonly string[] {
    const refused = this.#waiting.filter((waiting) => waiting.seq <= seq);
    this.#waiting = this.#waiting.filter((waiting) => waiting.seq > seq);
    for (const { reject } of refused) reject(new AppError('ledger_closed', sentence));
    return refused.map(({ id }) => id);
  }
}
