import type { ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { WireResponse } from '../../inference/wire-response.ts';

/** Slows an upstream down to what its caller takes, and gives up a caller that takes nothing at all. */
export class CallerPace {
  readonly #stalledMs: number;
  readonly #clock: Clock;
  readonly #source: WireResponse;
  readonly #target: ServerResponse;
  #cancelStall: (() => void) | null = null;

  /** `stalledMs`: a caller that takes nothing for this long is given up. */
  constructor(
    options: { readonly stalledMs: number },
    deps: { readonly clock: Clock; readonly source: WireResponse; readonly target: ServerResponse },
  ) {
    this.#stalledMs = options.stalledMs;
    this.#clock = deps.clock;
    this.#source = deps.source;
    this.#target = deps.target;
  }

  /** `goOn` is what a write said; false has the source wait until the caller has taken what is on its way. */
  flowing(goOn: boolean): boolean {
    if (goOn) return true;
    if (this.#cancelStall) return false;
    this.#cancelStall = this.#clock.after(this.#stalledMs, () => this.#target.destroy());
    // Without a socket the answer waits behind another one of the same connection, and Node queues it.
    (this.#target.socket ?? this.#target).once('drain', () => {
      this.stop();
      this.#source.body.resume();
    });
    return false;
  }

  /** The answer is over. */
  stop(): void {
    this.#cancelStall?.();
    this.#cancelStall = null;
  }
}
