import type { Clock } from '../../base/clock.ts';
import type { WireResponse, WireSink } from '../../inference/wire-response.ts';

/** A model at an engine, in one word. */
export function spotKey(engineId: string, modelId: string): string {
  return `${engineId}\n${modelId}`;
}

interface Use {
  inFlight: number;
  /** Wall-clock time of the latest begin or end. */
  lastMs: number;
}

/** Which models are being asked, and since when not: what decides whether one rests. */
export class Uses {
  readonly #clock: Clock;
  readonly #uses = new Map<string, Use>();
  #total = 0;

  constructor(deps: { clock: Clock }) {
    this.#clock = deps.clock;
  }

  /** Requests under way, to all models. */
  get total(): number {
    return this.#total;
  }

  inFlight(key: string): number {
    return this.#uses.get(key)?.inFlight ?? 0;
  }

  /** Milliseconds since the epoch; null when it was never asked. */
  lastMs(key: string): number | null {
    return this.#uses.get(key)?.lastMs ?? null;
  }

  /** Counts a request until its answer is complete, has failed or is given up. */
  async count(key: string, request: () => Promise<WireResponse>): Promise<WireResponse> {
    const done = this.#begin(key);
    try {
      const response = await request();
      return { ...response, body: countedBody(response.body, done) };
    } catch (error) {
      done();
      throw error;
    }
  }

  /** Forgets models that no longer exist; `known` are the keys of those that do. */
  forget(known: ReadonlySet<string>): void {
    for (const [key, { inFlight }] of this.#uses) if (inFlight === 0 && !known.has(key)) this.#uses.delete(key);
  }

  #begin(key: string): () => void {
    const use = this.#uses.get(key) ?? { inFlight: 0, lastMs: 0 };
    this.#uses.set(key, use);
    use.inFlight += 1;
    use.lastMs = this.#clock.now();
    this.#total += 1;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      use.inFlight -= 1;
      use.lastMs = this.#clock.now();
      this.#total -= 1;
    };
  }
}

/** The same body, which tells its end; nothing is copied on the way of a token. */
function countedBody(body: WireResponse['body'], done: () => void): WireResponse['body'] {
  return {
    framing: body.framing,
    pipe: (sink: WireSink) =>
      body.pipe({
        raw: (bytes) => sink.raw(bytes),
        payload: (bytes, start, end) => sink.payload(bytes, start, end),
        end: () => {
          done();
          sink.end();
        },
        fail: (error, intact) => {
          done();
          sink.fail(error, intact);
        },
      }),
    resume: () => body.resume(),
    destroy: () => {
      done();
      body.destroy();
    },
  };
}
