import type { Clock } from '../base/clock.ts';
import { MinuteWindow } from './access/minute-window.ts';

/**
 * How many of the requests that are turned away before anything of them is read leave a trace: those after the first of
 * each minute are counted only. Anybody can send such requests, and would push the traces of real ones out otherwise.
 */
export class TurnedAway {
  readonly #options: { readonly perMinute: number };
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #window = new MinuteWindow();

  constructor(options: { readonly perMinute: number }, deps: { readonly clock: Pick<Clock, 'monotonic'> }) {
    this.#options = options;
    this.#clock = deps.clock;
  }

  /** Whether one more leaves a trace; it is counted if so. */
  leavesTrace(): boolean {
    const { perMinute } = this.#options;
    const nowS = this.#clock.monotonic() / 1_000;
    if (this.#window.waitS(1, perMinute, nowS) > 0) return false;
    this.#window.book(1, perMinute, nowS);
    return true;
  }
}
