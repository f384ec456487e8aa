import type { Clock } from '../../base/clock.ts';
import type { Upstream } from '../../inference/upstream.ts';
import { ask, type ProbeResult } from './ask.ts';
import type { AgainProbe, CheckedModel, Evidence, LongProbe, ShortProbe } from './evidence.ts';
import { planLong, promptOf, shortWords } from './plan.ts';
import { isTruncated } from './rules.ts';

/** Tokens of an answer without a limit that are heard; an output cap below this shows itself. */
const enoughTokens = 64;

export interface ProberOptions {
  /** Keeps the prompts apart from those of earlier checks, which the engine may have cached. */
  readonly nonce: number;
  /** No probe is waited for longer, whatever was expected of it. */
  readonly patienceMs: number;
}

export type Probed = Pick<Evidence, 'short' | 'long' | 'again'>;

/**
 * The probes of one check: at most three requests, each sent once. It goes on where it was when it is run again after
 * it was given up.
 */
export class Prober {
  readonly #model: CheckedModel;
  readonly #nonce: number;
  readonly #patienceMs: number;
  readonly #clock: Clock;
  #short: ShortProbe | null = null;
  #long: LongProbe | null = null;
  #longPrompt: string | null = null;
  #again: AgainProbe | null = null;

  constructor(model: CheckedModel, options: ProberOptions, deps: { readonly clock: Clock }) {
    this.#model = model;
    this.#nonce = options.nonce;
    this.#patienceMs = options.patienceMs;
    this.#clock = deps.clock;
  }

  get probed(): Probed {
    return { short: this.#short, long: this.#long, again: this.#again };
  }

  /** Sends the next probe. False when there is none left. Throws an AppError when the engine fails. */
  async next(upstream: Upstream, signal: AbortSignal): Promise<boolean> {
    if (this.#again) return false;
    if (!this.#short) this.#short = await this.#probeShort(upstream, signal);
    else if (!this.#long) this.#long = await this.#probeLong(upstream, this.#short, signal);
    else this.#again = await this.#probeAgain(upstream, { short: this.#short, long: this.#long }, signal);
    return true;
  }

  async #probeShort(upstream: Upstream, signal: AbortSignal): Promise<ShortProbe> {
    const result = await this.#ask(upstream, promptOf(shortWords, this.#nonce), 1, signal);
    if (result.kind === 'too-long') return { words: shortWords, promptTokens: null, tookMs: 0 };
    const { promptTokens, ttftMs } = result.answer;
    return { words: shortWords, promptTokens, tookMs: ttftMs };
  }

  async #probeLong(upstream: Upstream, short: ShortProbe, signal: AbortSignal): Promise<LongProbe> {
    const plan = planLong(this.#model, short);
    if (plan.kind === 'skip') return { kind: 'skipped', why: plan.why };
    const { expectedTokens } = plan;
    const prompt = promptOf(plan.words, this.#nonce);
    const result = await this.#ask(upstream, prompt, 1, signal);
    if (result.kind === 'too-long') return { kind: 'refused', expectedTokens, windowTokens: result.windowTokens };
    const { promptTokens, ttftMs } = result.answer;
    const long: LongProbe = { kind: 'answered', expectedTokens, promptTokens, tookMs: ttftMs };
    // A prompt that fills the window leaves no room for an answer and may be shifted out of the cache.
    const { contextLength } = this.#model;
    const roomy = contextLength === null || expectedTokens + 2 * enoughTokens < contextLength;
    if (roomy && !isTruncated(long)) this.#longPrompt = prompt;
    return long;
  }

  async #probeAgain(
    upstream: Upstream,
    before: { readonly short: ShortProbe; readonly long: LongProbe },
    signal: AbortSignal,
  ): Promise<AgainProbe> {
    const prompt = this.#longPrompt ?? promptOf(shortWords, this.#nonce);
    const { long } = before;
    const firstTookMs = this.#longPrompt !== null && long.kind === 'answered' ? long.tookMs : null;
    const result = await this.#ask(upstream, prompt, null, signal);
    const nothing = {
      promptTokens: null,
      cachedTokens: null,
      text: '',
      tokens: 0,
      tokensPerSecond: null,
      finish: null,
    };
    if (result.kind === 'too-long') return { ...nothing, firstTookMs: null, ttftMs: 0 };
    // Another prompt was read in between. Not every model can go back to the part that both have in common.
    const replaced = long.kind === 'answered' && this.#longPrompt === null;
    const { answer } = result;
    const cachedTokens = replaced ? null : answer.cachedTokens;
    return { ...answer, promptTokens: answer.promptTokens ?? before.short.promptTokens, cachedTokens, firstTookMs };
  }

  async #ask(upstream: Upstream, prompt: string, maxTokens: number | null, signal: AbortSignal): Promise<ProbeResult> {
    const { engineKind, modelId: model } = this.#model;
    const patience = new AbortController();
    const giveUp = (): void => patience.abort(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    const cancel = this.#clock.after(this.#patienceMs, giveUp);
    try {
      const timings = engineKind === 'llama-server';
      return await ask(
        upstream,
        { model, prompt, maxTokens, enoughTokens, timings },
        { clock: this.#clock, signal: patience.signal },
      );
    } finally {
      cancel();
      signal.removeEventListener('abort', giveUp);
    }
  }
}
