import type { Clock } from '../../base/clock.ts';

export interface RetryBudgetOptions {
  /** Share of the recent requests that may be sent a second time. */
  readonly share: number;
  /** Second tries within the window that are allowed whatever the share. */
  readonly floor: number;
  readonly windowMs: number;
  /** Tries of one request, the first included. */
  readonly tries: number;
}

export const defaultRetryBudget: RetryBudgetOptions = { share: 0.1, floor: 10, windowMs: 10_000, tries: 3 };

const bucketCount = 10;

/**
 * One budget for all second tries, whoever fails: an outage must not double or triple the load on what is left. Counts
 * requests and tries over a sliding window.
 */
export class RetryBudget {
  readonly #options: RetryBudgetOptions;
  readonly #clock: Clock;
  readonly #requests = new Float64Array(bucketCount);
  readonly #retries = new Float64Array(bucketCount);
  #newest = 0;

  constructor(options: RetryBudgetOptions, deps: { readonly clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
  }

  /** A request's first try. */
  begin(): void {
    this.#move();
    this.#add(this.#requests);
  }

  /**
   * Whether a request may be tried again that has been tried `tries` times; counts the try if so. After a try that was
   * declined unread (`wasDeclined`) the next one is the first that makes any work, and is not counted.
   */
  retry(tries: number, wasDeclined = false): boolean {
    if (tries >= this.#options.tries) return false;
    if (wasDeclined) return true;
    this.#move();
    const allowed = Math.max(this.#options.floor, this.#options.share * sum(this.#requests));
    if (sum(this.#retries) + 1 > allowed) return false;
    this.#add(this.#retries);
    return true;
  }

  #add(counts: Float64Array): void {
    const at = this.#newest % bucketCount;
    counts[at] = (counts[at] ?? 0) + 1;
  }

  #move(): void {
    const bucket = Math.floor((this.#clock.monotonic() * bucketCount) / this.#options.windowMs);
    const steps = Math.min(bucket - this.#newest, bucketCount);
    for (let step = 0; step < steps; step += 1) {
      this.#requests[(bucket - step) % bucketCount] = 0;
      this.#retries[(bucket - step) % bucketCount] = 0;
    }
    this.#newest = Math.max(bucket, this.#newest);
  }
}

function sum(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
