import type { AppError } from '../../base/errors.ts';
import type { Reservation } from '../../inference/spending.ts';

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

  /** A status, or a connection that never stood, says that nothing was done; else it is not known. */
  failed({ context }: AppError): void {
    const undone = typeof context['status'] === 'number' || context['connected'] === false;
    this.#end(() => {
      if (!undone) return this.#reservation.forfeit();
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
