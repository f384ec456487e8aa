import { randomInt } from 'node:crypto';
import {
  LlamaGrammarEvaluationState,
  TokenBias,
  type LlamaContextSequence,
  type LlamaGrammar,
  type LlamaModel,
  type SequenceEvaluateOptions,
  type Token,
} from 'node-llama-cpp';
import type { Sampling } from './request.ts';
import { StopFilter } from './stop-filter.ts';
import { TextStream } from './text-stream.ts';

/** What to generate, all checked: the prompt and the answer fit the sequence. */
export interface Job {
  readonly prompt: readonly Token[];
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly stops: readonly string[];
  readonly grammar: LlamaGrammar | null;
  /** White space at the head of the answer is left out. */
  readonly trimStart: boolean;
  /** Control tokens come out as text: some models announce a call by one. */
  readonly controlsAsText: boolean;
  /** Id of the conversation that it belongs to; null for none. */
  readonly session: string | null;
}

/** Counts and durations in the manner of llama-server. */
export interface Timings {
  /** Prompt tokens evaluated, those from the cache not counted. */
  readonly prompt_n: number;
  readonly prompt_ms: number;
  readonly predicted_n: number;
  readonly predicted_ms: number;
  /** Prompt tokens found in the cache. */
  readonly cache_n: number;
}

export interface Outcome {
  readonly finish: 'stop' | 'length' | 'aborted';
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly timings: Timings;
}

/**
 * Receives the answer's text; a promise asks to wait, because the reader is slow, and `enough` ends the answer there.
 */
export type TextSink = (text: string) => Promise<void> | 'enough' | undefined;

/** How long one uninterruptible step of reading a prompt should take, so that a caller who leaves frees the slot soon. */
const stepMs = 300;
const smallestStepTokens = 16;
const penaltyTokens = 64;
/** In OpenAI's dialect this bias bans a token. */
const forbiddingBias = -100;

/** Runs jobs on one sequence, one at a time, and keeps its cache for the next prompt that begins alike. */
export class Generator {
  readonly sequence: LlamaContextSequence;
  /** The conversation that it worked on last. */
  session: string | null = null;
  /** Tokens of the prompt that it read last, and when that was. */
  promptTokens = 0;
  usedMs = 0;
  readonly #model: LlamaModel;
  readonly #largestStep: number;
  #stepTokens: number;

  constructor(options: { sequence: LlamaContextSequence; largestStepTokens: number }) {
    this.sequence = options.sequence;
    this.#model = options.sequence.model;
    this.#largestStep = options.largestStepTokens;
    this.#stepTokens = Math.min(64, options.largestStepTokens);
  }

  /** How many tokens of this prompt the cache holds already. */
  cachedPrefix(prompt: readonly Token[]): number {
    return this.sequence.compareContextTokens([...prompt]).firstDifferentIndex;
  }

  async run(job: Job, sink: TextSink, signal: AbortSignal): Promise<Outcome> {
    const startMs = performance.now();
    this.session = job.session;
    this.promptTokens = job.prompt.length;
    this.usedMs = startMs;
    const cached = await this.#reuse(job.prompt);
    const rest = await this.#readPrompt(job.prompt.slice(cached), signal);
    const answer = new Answer(job, this.#model, sink);
    let firstMs = performance.now();
    const gone = (): boolean => signal.aborted;
    if (!gone() && job.maxTokens > 0) {
      const steps = this.sequence.evaluate(rest, this.#options(job, answer));
      for await (const token of steps) {
        if (answer.sampled === 0) firstMs = performance.now();
        if (gone() || (await answer.take(token))) break;
      }
    }
    const finish = gone() ? 'aborted' : await answer.close();
    return {
      finish,
      promptTokens: job.prompt.length,
      completionTokens: answer.tokens.length,
      timings: {
        prompt_n: job.prompt.length - cached,
        prompt_ms: firstMs - startMs,
        predicted_n: answer.sampled,
        predicted_ms: performance.now() - firstMs,
        cache_n: cached,
      },
    };
  }

  /** Drops what differs from the prompt; the answer is how many of its tokens need not be read again. */
  async #reuse(prompt: readonly Token[]): Promise<number> {
    const { sequence } = this;
    // The last token is always evaluated: its logits choose the first token of the answer.
    const keep = Math.min(this.cachedPrefix(prompt), prompt.length - 1);
    if (keep >= sequence.nextTokenIndex) return sequence.nextTokenIndex;
    // A recurrent model cannot go back; the library would read the prefix again in one go that nothing can stop.
    if (keep === 0 || (sequence.needsCheckpoints && sequence.getRestoreToPrefixIndexEvaluationSize(keep - 1) > 0)) {
      await sequence.clearHistory();
      return 0;
    }
    await sequence.eraseContextTokenRanges([{ start: keep, end: sequence.nextTokenIndex }]);
    return sequence.nextTokenIndex;
  }

  /** Reads all but the last step of the prompt; the answer is what is left to evaluate. */
  async #readPrompt(tokens: Token[], signal: AbortSignal): Promise<Token[]> {
    let rest = tokens;
    while (rest.length > this.#stepTokens && !signal.aborted) {
      const step = rest.slice(0, this.#stepTokens);
      const beganMs = performance.now();
      await this.sequence.evaluateWithoutGeneratingNewTokens(step);
      const tookMs = Math.max(performance.now() - beganMs, 1);
      this.#stepTokens = clamp(Math.floor((step.length * stepMs) / tookMs), smallestStepTokens, this.#largestStep);
      rest = rest.slice(step.length);
    }
    return rest;
  }

  #options(job: Job, answer: Answer): SequenceEvaluateOptions {
    const { sampling, grammar } = job;
    const { repeatPenalty, presencePenalty, frequencyPenalty, logitBias } = sampling;
    const penalized = repeatPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
    return {
      temperature: sampling.temperature,
      topP: sampling.topP,
      topK: sampling.topK,
      minP: sampling.minP,
      seed: sampling.seed ?? randomInt(0x1_0000_0000),
      yieldEogToken: true,
      ...(grammar && { grammarEvaluationState: new LlamaGrammarEvaluationState({ model: this.#model, grammar }) }),
      ...(penalized && {
        repeatPenalty: {
          punishTokens: () => [...job.prompt.slice(-penaltyTokens), ...answer.tokens].slice(-penaltyTokens),
          maxPunishTokens: penaltyTokens,
          penalty: repeatPenalty,
          presencePenalty,
          frequencyPenalty,
        },
      }),
      ...(logitBias.size > 0 && { tokenBias: this.#bias(logitBias) }),
    };
  }

  #bias(biases: ReadonlyMap<number, number>): TokenBias {
    const bias = TokenBias.for(this.#model);
    for (const [token, logit] of biases) bias.set(token as Token, { logit });
    return bias;
  }
}

/** Collects one answer: its tokens, the text they make, and what ended it. */
class Answer {
  /** Tokens of the answer, its end token not counted. */
  readonly tokens: Token[] = [];
  /** Tokens sampled, the end token counted. */
  sampled = 0;
  readonly #model: LlamaModel;
  readonly #maxTokens: number;
  /** The library biases no end token, so a caller who forbids one gets its wish here: the answer goes on after it. */
  readonly #forbiddenEnds: ReadonlySet<number>;
  readonly #filter: StopFilter;
  readonly #text: TextStream<Token>;
  readonly #trimEnd: boolean;
  readonly #sink: TextSink;
  #finish: 'stop' | 'length' = 'length';
  #spaces = '';
  #atStart: boolean;

  constructor(job: Job, model: LlamaModel, sink: TextSink) {
    this.#model = model;
    this.#maxTokens = job.maxTokens;
    this.#sink = sink;
    this.#atStart = job.trimStart;
    const biases = [...job.sampling.logitBias];
    this.#forbiddenEnds = new Set(biases.filter(([, bias]) => bias <= forbiddingBias).map(([token]) => token));
    const grammarStops = job.grammar?.stopGenerationTriggers.map((trigger) => trigger.toString()) ?? [];
    this.#filter = new StopFilter([...job.stops, ...grammarStops]);
    this.#trimEnd = job.grammar?.trimWhitespaceSuffix ?? false;
    const { controlsAsText } = job;
    this.#text = new TextStream(
      (tokens, before) => model.detokenize(tokens, controlsAsText, before),
      job.prompt.slice(-4),
    );
  }

  /** True when the answer is complete. */
  async take(token: Token): Promise<boolean> {
    this.sampled += 1;
    if (this.#model.isEogToken(token) && !this.#forbiddenEnds.has(token)) {
      this.#finish = 'stop';
      return true;
    }
    this.tokens.push(token);
    const { text, stop } = this.#filter.push(this.#text.push(token));
    const enough = await this.#send(text);
    if (stop !== null || enough) {
      this.#finish = 'stop';
      return true;
    }
    return this.tokens.length >= this.#maxTokens;
  }

  /** Sends what was held back, and says what ended the answer. */
  async close(): Promise<'stop' | 'length'> {
    const { text, stop } = this.#filter.push(this.#text.rest());
    await this.#send(stop === null ? text + this.#filter.rest() : text);
    return this.#finish;
  }

  /** True when its reader wants no more. */
  async #send(piece: string): Promise<boolean> {
    let text = this.#atStart ? piece.trimStart() : piece;
    if (text !== '') this.#atStart = false;
    if (this.#trimEnd) {
      // White space is held back until something follows it: at the end of a grammar's text it means nothing.
      const all = this.#spaces + text;
      text = all.trimEnd();
      this.#spaces = all.slice(text.length);
    }
    return text !== '' && (await this.#sink(text)) === 'enough';
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
