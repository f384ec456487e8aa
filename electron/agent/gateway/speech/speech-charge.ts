import type { AppError } from '../../base/errors.ts';
import type { Reservation } from '../../inference/spending.ts';
import { workBefore } from '../dispatch/work-before.ts';

/** The money of one text: all of it or nothing, and told exactly once. */
export class SpeechCharge {
  readonly #reservation: Reservation;
  readonly #characters: number;
  #over = false;
  #costUsd = 0;

  constructor(reservation: Reservation, characters: number) {
    this.#reservation = reservation;
    this.#characters = characters;
  }

  /** Dollars. */
  get costUsd(): number {
    return this.#costUsd;
  }

  /** The provider has taken the text. */
  spoken(): void {
    const characters = this.#characters;
    const usage = { promptTokens: 0, completionTokens: 0, cachedTokens: null, characters };
    this.#end(() => this.#reservation.settle(usage));
  }

  /** A text is billed whole or not at all: where it is not known that nothing was done, it may have been. */
  failed(error: AppError): void {
    this.#end(() => {
      if (workBefore(error) !== 'none') return this.#reservation.forfeit();
      this.#reservation.release();
      return 0;
    });
  }

  #end(how: () => number): void {
    if (this.#over) return;
    this.#over = true;
    this.#costUsd = how();
  }
}
