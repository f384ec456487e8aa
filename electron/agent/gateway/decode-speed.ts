const bucketMs = 100;
const bucketCount = 50;
/** Below this much measured time a rate would be noise. */
const leastActiveMs = 10;

/**
 * Tokens per second of all local answers over the last 5 s. The time that counts is the time in which at least one
 * answer was being decoded, so that a short answer shows the speed it had and not its share of five seconds.
 */
export class DecodeSpeed {
  readonly #tokens = new Float64Array(bucketCount);
  readonly #activeMs = new Float64Array(bucketCount);
  /** Number of the newest bucket: its time ÷ 100 ms. */
  #newest = 0;
  #decoding = 0;
  #sinceMs = 0;

  /** An answer's first token came: from now on time counts. */
  begin(nowMs: number): void {
    this.#settle(nowMs);
    this.#decoding += 1;
  }

  /** Tokens after the first. */
  add(nowMs: number, tokens: number): void {
    this.#moveTo(nowMs);
    const at = this.#newest % bucketCount;
    this.#tokens[at] = (this.#tokens[at] ?? 0) + tokens;
  }

  /** The answer that began is over. */
  end(nowMs: number): void {
    this.#settle(nowMs);
    this.#decoding -= 1;
  }

  /** An answer that was not streamed: its tokens and the time that decoding them took, known only afterwards. */
  addWhole(nowMs: number, tokens: number, decodeMs: number): void {
    this.#settle(nowMs);
    this.add(nowMs, tokens);
    const at = this.#newest % bucketCount;
    this.#activeMs[at] = (this.#activeMs[at] ?? 0) + Math.min(decodeMs, bucketMs * bucketCount);
  }

  /** Tokens per second at `nowMs`; 0 when nothing was decoded in the last 5 s. */
  rate(nowMs: number): number {
    this.#settle(nowMs);
    let tokens = 0;
    let activeMs = 0;
    for (let at = 0; at < bucketCount; at += 1) {
      tokens += this.#tokens[at] ?? 0;
      activeMs += this.#activeMs[at] ?? 0;
    }
    return tokens === 0 ? 0 : (tokens * 1000) / Math.max(activeMs, leastActiveMs);
  }

  /** Books the time since the last call as active if something was being decoded. */
  #settle(nowMs: number): void {
    if (this.#decoding > 0) {
      let fromMs = Math.max(this.#sinceMs, nowMs - bucketMs * bucketCount);
      while (fromMs < nowMs) {
        const untilMs = Math.min(nowMs, (Math.floor(fromMs / bucketMs) + 1) * bucketMs);
        this.#moveTo(fromMs);
        const at = this.#newest % bucketCount;
        this.#activeMs[at] = (this.#activeMs[at] ?? 0) + (untilMs - fromMs);
        fromMs = untilMs;
      }
    }
    this.#moveTo(nowMs);
    this.#sinceMs = nowMs;
  }

  /** Makes the bucket of `nowMs` the newest, emptying those that time has passed over. */
  #moveTo(nowMs: number): void {
    const bucket = Math.floor(nowMs / bucketMs);
    if (bucket <= this.#newest) return;
    const steps = Math.min(bucket - this.#newest, bucketCount);
    for (let step = 0; step < steps; step += 1) {
      const at = (bucket - step) % bucketCount;
      this.#tokens[at] = 0;
      this.#activeMs[at] = 0;
    }
    this.#newest = bucket;
  }
}
