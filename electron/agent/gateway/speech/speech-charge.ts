import type { AppError } from '../../base/errors.ts';
import type { Reservation } from '../../inference/spending.ts';
import type { Usage } from '../../inference/usage.ts';
import { workBefore } from '../dispatch/work-before.ts';
import type { HeardSound } from './heard-sound.ts';
import type { SpeechBill } from './speech-bill.ts';

/**
 * The money of one text, told exactly once. Where characters are billed, it is all of them or nothing. Where sound is,
 * the provider's own count holds; without one, the text's average or the length of what was heard, whichever is more, is
 * booked as an estimate.
 */
export class SpeechCharge {
  readonly #reservation: Reservation;
  readonly #bill: SpeechBill;
  #isTaken = false;
  #over = false;
  #costUsd = 0;

  constructor(reservation: Reservation, bill: SpeechBill) {
    this.#reservation = reservation;
    this.#bill = bill;
  }

  /** Dollars. */
  get costUsd(): number {
    return this.#costUsd;
  }

  /** The provider has taken the text. */
  taken(): void {
    this.#isTaken = true;
    const { kind, expected } = this.#bill;
    if (kind === 'characters') this.#end(() => this.#reservation.settle(expected));
  }

  /** The sound is over, whole or not: a text is spoken to its end also where nobody listens any more. */
  heard(sound: Pick<HeardSound, 'tokens' | 'told'>): void {
    this.#end(() => {
      const { told } = sound;
      return told === null ? this.#reservation.estimate(this.#estimate(sound.tokens)) : this.#reservation.settle(told);
    });
  }

  /** Nothing was heard. Where it is not known that nothing was done, the text may have been spoken. */
  failed(error: AppError): void {
    this.#end(() => {
      if (this.#isTaken) return this.#reservation.estimate(this.#estimate(0));
      if (workBefore(error) !== 'none') return this.#reservation.forfeit();
      this.#reservation.release();
      return 0;
    });
  }

  #estimate(soundTokens: number): Usage {
    const { expected } = this.#bill;
    return { ...expected, completionTokens: Math.max(expected.completionTokens, soundTokens) };
  }

  #end(how: () => number): void {
    if (this.#over) return;
    this.#over = true;
    this.#costUsd = how();
  }
}
