import type { AnswerMeasurement } from '../../inference/measurement.ts';
import type { ServedModel, UpstreamDescription } from '../../inference/upstream.ts';
import { RecentMap } from './recent-map.ts';

/** What was measured of a model on an upstream before this process began; null where nothing was. */
export interface KnownSpeeds {
  readonly prefillTokensPerSecond: number | null;
  readonly tokensPerSecond: number | null;
  /** How long loading it took last, milliseconds. */
  readonly loadMs?: number | null;
}

/** How fast a model is expected to be. */
export interface Speeds {
  readonly prefillTokensPerSecond: number;
  /** How far the time for reading is off, as a share of it: the mean deviation. Others who are read for slow it down. */
  readonly prefillSpread: number;
  readonly tokensPerSecond: number;
  /** Until the first token whatever the prompt's length: the way there, and what cannot be told apart. */
  readonly startMs: number;
  readonly loadMs: number;
  /** Nothing was measured there yet: how fast it reads is no more than a guess. */
  readonly readsByGuess: boolean;
  /** The same of how long loading takes. */
  readonly loadsByGuess: boolean;
  /** Length of a typical answer, tokens. */
  readonly answerTokens: number;
}

export interface ModelSpeedsDeps {
  readonly knownSpeeds: (upstreamId: string, model: string) => KnownSpeeds | null;
}

interface Learnt {
  /** Milliseconds for a token: times can be averaged, speeds can't. */
  readonly prefillMs: number | null;
  readonly prefillSpread: number;
  readonly decodeMs: number | null;
  readonly startMs: number | null;
  readonly loadMs: number | null;
  readonly answerTokens: number | null;
}

const nothing: Learnt = {
  prefillMs: null,
  prefillSpread: 0,
  decodeMs: null,
  startMs: null,
  loadMs: null,
  answerTokens: null,
};
const newestWeight = 0.25;
/** Answers vary by themselves; a few short ones must not make the next long one look quick. */
const answerWeight = 0.1;
const typicalAnswerTokens = 256;
const pairLimit = 512;
const callerLimit = 1_024;
/** Answers with fewer tokens say little about the decode speed, and prompts with fewer to read about that of reading. */
const leastDecoded = 8;
const leastRead = 32;
/**
 * An engine that does not tell what came from its cache counts the whole prompt over the time for a part of it: more than
 * this many times what was known is not believed then.
 */
const believableGain = 2;
const mostSpread = 2;

/**
 * Learns how fast each model is on each upstream. Where nothing was measured, it takes what was measured earlier, and
 * where that is not known either, a cautious guess by the model's size.
 */
export class ModelSpeeds {
  readonly #deps: ModelSpeedsDeps;
  readonly #pairs = new RecentMap<string, Learnt>(pairLimit);
  /** Length of each caller's typical answer: one program sorts mails in ten tokens, another writes essays. */
  readonly #answers = new RecentMap<string, number>(callerLimit);

  constructor(deps: ModelSpeedsDeps) {
    this.#deps = deps;
  }

  of(
    upstream: Pick<UpstreamDescription, 'id' | 'route'>,
    model: Pick<ServedModel, 'id' | 'sizeBytes'>,
    caller: string,
  ): Speeds {
    const learnt = this.#learnt(upstream.id, model.id);
    const guess = guessedSpeeds(upstream.route, model.sizeBytes);
    return {
      prefillTokensPerSecond: perSecond(learnt.prefillMs) ?? guess.prefillTokensPerSecond,
      prefillSpread: learnt.prefillSpread,
      tokensPerSecond: perSecond(learnt.decodeMs) ?? guess.tokensPerSecond,
      startMs: upstream.route === 'local' ? 0 : (learnt.startMs ?? guess.startMs),
      loadMs: learnt.loadMs ?? guess.loadMs,
      readsByGuess: isFresh(learnt),
      loadsByGuess: isFresh(learnt) && learnt.loadMs === null,
      answerTokens: this.#answers.get(callerKey(model.id, caller)) ?? learnt.answerTokens ?? typicalAnswerTokens,
    };
  }

  observe(measurement: AnswerMeasurement, caller: string | null): void {
    const { upstreamId, model, operation, completionTokens, tokensPerSecond } = measurement;
    if (caller !== null && completionTokens !== null && operation !== 'embedding') {
      const key = callerKey(model, caller);
      this.#answers.set(key, mean(this.#answers.get(key) ?? null, completionTokens, answerWeight) ?? completionTokens);
    }
    const known = this.#learnt(upstreamId, model);
    const decoded = completionTokens ?? 0;
    this.#pairs.set(keyOf(upstreamId, model), {
      ...known,
      ...prefillAfter(known, measurement),
      decodeMs: decoded >= leastDecoded ? mean(known.decodeMs, perSecond(tokensPerSecond)) : known.decodeMs,
      startMs: mean(known.startMs, startOf(measurement)),
      answerTokens:
        operation === 'embedding' ? known.answerTokens : mean(known.answerTokens, completionTokens, answerWeight),
    });
  }

  /** A model was loaded in so long. */
  observeLoad(upstreamId: string, model: string, loadMs: number): void {
    const known = this.#learnt(upstreamId, model);
    this.#pairs.set(keyOf(upstreamId, model), { ...known, loadMs: mean(known.loadMs, positive(loadMs), 0.5) });
  }

  #learnt(upstreamId: string, model: string): Learnt {
    const learnt = this.#pairs.get(keyOf(upstreamId, model));
    if (learnt) return learnt;
    const known = this.#deps.knownSpeeds(upstreamId, model);
    if (known === null) return nothing;
    const { prefillTokensPerSecond, tokensPerSecond, loadMs = null } = known;
    return {
      ...nothing,
      prefillMs: perSecond(prefillTokensPerSecond),
      decodeMs: perSecond(tokensPerSecond),
      loadMs: positive(loadMs),
    };
  }
}

/**
 * A cautious guess for a machine without a graphics card: every token reads all weights, at 16 GB/s; reading a prompt
 * takes 40 times less of a token, as measured on small desktop processors. A provider is quick, but far away.
 */
function guessedSpeeds(
  route: UpstreamDescription['route'],
  sizeBytes: number,
): Pick<Speeds, 'prefillTokensPerSecond' | 'tokensPerSecond' | 'startMs' | 'loadMs'> {
  if (route === 'cloud') return { prefillTokensPerSecond: 5_000, tokensPerSecond: 40, startMs: 800, loadMs: 0 };
  // A size that is not told is taken for that of an 8B model in 4 bits.
  const bytes = sizeBytes > 0 ? sizeBytes : 4.7e9;
  const tokensPerSecond = Math.min(100, Math.max(0.5, 16e9 / bytes));
  return {
    tokensPerSecond,
    prefillTokensPerSecond: Math.min(2_000, tokensPerSecond * 40),
    startMs: route === 'peer' ? 20 : 0,
    loadMs: 1_000 + bytes / 5e5,
  };
}

/** No answer has told anything of it; some engines never tell how fast they read. */
function isFresh({ prefillMs, decodeMs, startMs }: Learnt): boolean {
  return prefillMs === null && decodeMs === null && startMs === null;
}

function prefillAfter(known: Learnt, measurement: AnswerMeasurement): Pick<Learnt, 'prefillMs' | 'prefillSpread'> {
  const { promptTokens, cachedTokens } = measurement;
  const { prefillMs, prefillSpread } = known;
  const tokenMs = perSecond(measurement.prefillTokensPerSecond);
  if (tokenMs === null || promptTokens === null || promptTokens - (cachedTokens ?? 0) < leastRead) return known;
  if (prefillMs === null) return { prefillMs: tokenMs, prefillSpread };
  if (cachedTokens === null && tokenMs * believableGain < prefillMs) return known;
  const off = Math.min(mostSpread, Math.abs(tokenMs / prefillMs - 1));
  return {
    prefillMs: prefillMs + newestWeight * (tokenMs - prefillMs),
    prefillSpread: prefillSpread + newestWeight * (off - prefillSpread),
  };
}

/** Time to the first token where nothing tells how much of it was reading: that of a provider, mostly. */
function startOf({ ttftMs, prefillTokensPerSecond }: AnswerMeasurement): number | null {
  return prefillTokensPerSecond === null ? ttftMs : null;
}

function mean(known: number | null, next: number | null, weight = newestWeight): number | null {
  if (next === null || known === null) return next ?? known;
  return known + weight * (next - known);
}

/** Tokens per second as milliseconds for a token, and the other way round; null for what is no speed. */
function perSecond(figure: number | null): number | null {
  const sound = positive(figure);
  return sound === null ? null : 1_000 / sound;
}

function positive(figure: number | null): number | null {
  return figure !== null && Number.isFinite(figure) && figure > 0 ? figure : null;
}

function callerKey(model: string, caller: string): string {
  return `${model}\n${caller}`;
}

function keyOf(upstreamId: string, model: string): string {
  return `${upstreamId}\n${model}`;
}
