import type { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { InferenceRequest } from '../../inference/request.ts';
import type { Upstream, UpstreamDescription } from '../../inference/upstream.ts';
import type { BodyFraming, WireBody, WireResponse, WireSink } from '../../inference/wire-response.ts';
import {
  defaultProgressDeadlines,
  firstByteDeadlineMs,
  progressVerdict,
  usedUp,
  type ProgressDeadlines,
  type RequestUnderWay,
} from './progress.ts';

/** How often requests under way are looked at. Deadlines are kept to this much. */
const lookEveryMs = 5_000;

export interface ProgressWatchOptions {
  /** Those left out are {@link defaultProgressDeadlines}. A wire's own deadlines must be longer than these. */
  readonly deadlines?: Partial<ProgressDeadlines>;
}

export interface ProgressWatchDeps {
  readonly clock: Clock;
  /**
   * A number that changes while the engine reads prompts or writes tokens, such as the sum of both; null when it does
   * not answer or does not tell, which by itself is held against nobody. Asked only while a request is silent, one
   * call at a time.
   */
  readonly progressOf?: (() => Promise<number | null>) | undefined;
  /** `reason` follows "The engine …", such as "made no progress for 120 s". For `Supervisor.wedged`. */
  readonly onWedged: (reason: string) => void;
}

/**
 * Judges whether one process makes progress on the requests under way, which neither its existence nor its health
 * route tells: a wedged engine is healthy, and one that reads a long prompt may not answer at all. Wrap the upstream
 * with {@link watch}; the rest happens by itself. Has no timer while nothing is under way, and costs one flag a read.
 */
export class ProgressWatch {
  readonly #deadlines: ProgressDeadlines;
  readonly #deps: ProgressWatchDeps;
  readonly #underWay = new Set<WatchedRequest>();
  #stopLooking: (() => void) | null = null;
  #progressMs: number | null = null;
  /** What the engine last told; null when it told nothing. */
  #told: number | null = null;
  #asking = false;
  #givenUp = 0;

  constructor(options: ProgressWatchOptions, deps: ProgressWatchDeps) {
    this.#deadlines = { ...defaultProgressDeadlines, ...options.deadlines };
    this.#deps = deps;
  }

  /** The same upstream, its requests watched from now on. */
  watch(upstream: Upstream): Upstream {
    return new WatchedUpstream(upstream, (request) => this.#begin(request));
  }

  /** Forgets all requests under way: the process is gone or about to go. Later ones are watched again. */
  stop(): void {
    this.#underWay.clear();
    this.#forget();
  }

  #begin(request: InferenceRequest): WatchedRequest {
    const { clock } = this.#deps;
    const watched = new WatchedRequest(
      clock.monotonic(),
      formOf(request),
      firstByteDeadlineMs(request, this.#deadlines),
      (how) => this.#end(watched, how),
    );
    this.#underWay.add(watched);
    this.#stopLooking ??= clock.every(lookEveryMs, () => this.#look());
    return watched;
  }

  #end(watched: WatchedRequest, how: 'answered' | 'given-up'): void {
    if (!this.#underWay.has(watched)) return;
    const nowMs = this.#deps.clock.monotonic();
    if (how === 'answered' || watched.takeHeard()) this.#moved(nowMs);
    else this.#givenUp += usedUp(watched, { progressMs: this.#progressMs, tells: this.#tells }, this.#deadlines, nowMs);
    this.#underWay.delete(watched);
    if (this.#underWay.size > 0) return;
    this.#stopLooking?.();
    this.#stopLooking = null;
    this.#told = null;
  }

  get #tells(): boolean {
    return this.#told !== null;
  }

  #look(): void {
    const nowMs = this.#deps.clock.monotonic();
    let heard = false;
    for (const watched of this.#underWay) heard = watched.takeHeard() || heard;
    if (heard) {
      this.#moved(nowMs);
      return;
    }
    const facts = {
      requests: [...this.#underWay],
      progressMs: this.#progressMs,
      tells: this.#tells,
      givenUp: this.#givenUp,
    };
    const verdict = progressVerdict(facts, this.#deadlines, nowMs);
    if (verdict.kind === 'wedged') {
      this.#forget();
      // The requests stay with their process: they fail when it goes, and until then none is held against the next.
      this.#underWay.clear();
      this.#deps.onWedged(`made no progress for ${Math.round(verdict.quietMs / 1000)} s`);
      return;
    }
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const { progressOf, clock } = this.#deps;
    if (!progressOf || this.#asking) return;
    this.#asking = true;
    try {
      const told = await progressOf().catch(() => null);
      if (this.#stopLooking === null) return;
      if (told !== null && this.#told !== null && told !== this.#told) this.#moved(clock.monotonic());
      this.#told = told;
    } finally {
      this.#asking = false;
    }
  }

  #moved(nowMs: number): void {
    this.#progressMs = nowMs;
    this.#givenUp = 0;
  }

  #forget(): void {
    this.#stopLooking?.();
    this.#stopLooking = null;
    this.#progressMs = null;
    this.#told = null;
    this.#givenUp = 0;
  }
}

class WatchedUpstream implements Upstream {
  readonly #upstream: Upstream;
  readonly #begin: (request: InferenceRequest) => WatchedRequest;

  constructor(upstream: Upstream, begin: (request: InferenceRequest) => WatchedRequest) {
    this.#upstream = upstream;
    this.#begin = begin;
  }

  describe(): UpstreamDescription {
    return this.#upstream.describe();
  }

  async countTokens(model: string, body: Buffer, signal: AbortSignal): Promise<number | null> {
    return (await this.#upstream.countTokens?.(model, body, signal)) ?? null;
  }

  async generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse> {
    const watched = this.#begin(request);
    try {
      const response = await this.#upstream.generate(request, signal);
      const body = watched.answer(response.body);
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      watched.over('given-up');
      throw error;
    }
  }
}

/** `gathered`: streamed, and silent for as long as a whole answer may be. */
type AnswerForm = 'stream' | 'whole' | 'gathered';

function formOf({ stream, gathered }: InferenceRequest): AnswerForm {
  if (gathered === true) return 'gathered';
  return stream ? 'stream' : 'whole';
}

/** One request, its answer's body and the sink of that body: all three, so that a token costs no object. */
class WatchedRequest implements RequestUnderWay, WireBody, WireSink {
  readonly startedMs: number;
  readonly firstByteMs: number;
  /** Tells the watch that it is over; more than once does no harm. */
  readonly over: (how: 'answered' | 'given-up') => void;
  readonly #form: AnswerForm;
  #body: WireBody | null = null;
  #sink: WireSink | null = null;
  #heard = false;
  #any = false;
  #paused = false;

  constructor(startedMs: number, form: AnswerForm, firstByteMs: number, over: (how: 'answered' | 'given-up') => void) {
    this.startedMs = startedMs;
    this.#form = form;
    this.firstByteMs = firstByteMs;
    this.over = over;
  }

  get phase(): RequestUnderWay['phase'] {
    // A head without a reader, or a reader that cannot take more: the engine waits for us.
    if (this.#paused || (this.#body !== null && this.#sink === null)) return 'ours';
    if (this.#form === 'gathered') return 'whole';
    if (this.#any) return 'streaming';
    return this.#form === 'stream' ? 'prompt' : 'whole';
  }

  /** Whether bytes came since this was last asked. */
  takeHeard(): boolean {
    const heard = this.#heard;
    this.#heard = false;
    return heard;
  }

  /** The answer's head is there. It is no sign of progress: some engines send it before they read the prompt. */
  answer(body: WireBody): WireBody {
    this.#body = body;
    return this;
  }

  get framing(): BodyFraming {
    return this.#body?.framing ?? { kind: 'none' };
  }

  pipe(sink: WireSink): void {
    this.#sink = sink;
    this.#body?.pipe(this);
  }

  resume(): void {
    this.#paused = false;
    this.#body?.resume();
  }

  destroy(): void {
    this.over('given-up');
    this.#body?.destroy();
  }

  raw(bytes: Buffer): boolean {
    this.#heard = true;
    this.#any = true;
    const goOn = this.#sink?.raw(bytes) ?? true;
    this.#paused = !goOn;
    return goOn;
  }

  payload(bytes: Buffer, start: number, end: number): void {
    this.#sink?.payload(bytes, start, end);
  }

  end(): void {
    this.over('answered');
    this.#sink?.end();
  }

  fail(error: AppError, intact: boolean): void {
    this.over('given-up');
    this.#sink?.fail(error, intact);
  }
}
