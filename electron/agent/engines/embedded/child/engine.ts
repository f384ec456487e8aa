import { AppError } from '../../../base/errors.ts';
import { Ring } from '../../../base/ring.ts';
import type { LlamaGrammar, Token } from 'node-llama-cpp';
import type { ChildSettings, LoadedModel } from '../protocol.ts';
import { cutVector } from './vector.ts';
import { withBeginning, type ChatFormat } from './chat-format.ts';
import { chatFormatOf } from './chat-prompt.ts';
import { refuse } from './fields.ts';
import { Generator, type Job, type Outcome, type TextSink } from './generator.ts';
import { toGrammarSchema } from './json-schema.ts';
import type { AnswerReaderOptions } from './answer-reader.ts';
import type {
  ChatRequest,
  CompletionRequest,
  EmbeddingRequest,
  GenerationRequest,
  OutputShape,
  TokenizeRequest,
} from './request.ts';
import { batchTokens, type Runtime } from './runtime.ts';
import { SlotQueue } from './slot-queue.ts';
import { bestSlot } from './best-slot.ts';

const mostWaiting = 512;
const keptAccounts = 100;

/** What has been generated since the start; durations in milliseconds. */
export interface Totals {
  promptTokens: number;
  promptMs: number;
  predictedTokens: number;
  predictedMs: number;
}

/** A request that was checked and is ready to run. */
export interface PreparedJob {
  readonly job: Job;
  /** Text that goes before the answer (a completion that asked for its prompt back). */
  readonly echo: string;
  /** How calls and thinking are told from the answer's text. */
  readonly reading: AnswerReaderOptions;
}

const textOnly: AnswerReaderOptions = { tools: null, thinking: 'none', begun: null, once: false };

/** The loaded model and its slots: prepares requests and runs them. */
export class EmbeddedModel {
  readonly loaded: LoadedModel;
  readonly totals: Totals = { promptTokens: 0, promptMs: 0, predictedTokens: 0, predictedMs: 0 };
  readonly #runtime: Runtime;
  readonly #format: ChatFormat;
  readonly #slots: SlotQueue<Generator>;
  readonly #vocabularySize: number;
  readonly #log: (line: string) => void;
  readonly #accounts = new Ring<string>(keptAccounts);

  constructor(
    options: { settings: ChildSettings },
    deps: { runtime: Runtime; log: (line: string) => void; onSlotsChange: () => void },
  ) {
    const { runtime } = deps;
    this.#runtime = runtime;
    this.#log = deps.log;
    this.#format = chatFormatOf(runtime.model);
    const generators = runtime.sequences.map((sequence) => new Generator({ sequence, largestStepTokens: batchTokens }));
    this.#slots = new SlotQueue(generators, { mostWaiting, onChange: deps.onSlotsChange });
    this.#vocabularySize = [...runtime.model.iterateAllTokens()].length;
    this.loaded = {
      id: options.settings.modelId,
      contextLength: runtime.context.contextSize,
      trainedContextLength: runtime.model.trainContextSize,
      slots: generators.length,
      threads: runtime.threads,
      hasChatTemplate: this.#format.hasTemplate,
      hasTools: this.#format.hasTools,
      engineVersion: runtime.version,
    };
  }

  get busy(): number {
    return this.#slots.busy;
  }

  get waiting(): number {
    return this.#slots.waiting;
  }

  /** Tokens read and written by all slots, those of answers under way included: grows while it moves. */
  get work(): number {
    return this.#runtime.sequences.reduce(
      (total, { tokenMeter }) => total + tokenMeter.usedInputTokens + tokenMeter.usedOutputTokens,
      0,
    );
  }

  async prepareChat(request: ChatRequest): Promise<PreparedJob> {
    const { tokens, stops, trimStart, reading, held } = this.#format.prompt(request);
    const shape: OutputShape = held === null ? request.shape : { kind: 'schema', schema: held };
    const job = await this.#job({ ...request, shape }, tokens, stops);
    return { job: { ...job, trimStart, controlsAsText: reading.tools !== null }, echo: '', reading };
  }

  /** How many tokens a chat's prompt has, and the text that they make. */
  writePrompt(request: ChatRequest): { text: string; tokens: number } {
    const { tokens } = this.#format.prompt(request);
    return { text: this.#runtime.model.detokenize(tokens, true), tokens: tokens.length };
  }

  async prepareCompletion(request: CompletionRequest): Promise<PreparedJob> {
    const { model } = this.#runtime;
    const tokens =
      typeof request.prompt === 'string'
        ? withBeginning(model, model.tokenize(request.prompt, false))
        : this.#knownTokens(request.prompt);
    if (tokens.length === 0) throw refuse('prompt must not be empty for this model.', 'prompt');
    const prompt = typeof request.prompt === 'string' ? request.prompt : model.detokenize(tokens);
    return { job: await this.#job(request, tokens, []), echo: request.echo ? prompt : '', reading: textOnly };
  }

  /** Waits for a slot, preferring the one whose cache fits the prompt best, and generates. */
  async run(job: Job, sink: TextSink, signal: AbortSignal): Promise<Outcome> {
    const slot = await this.#slots.acquire((free) => bestSlot(free, job), signal);
    try {
      const outcome = await slot.run(job, sink, signal);
      this.totals.promptTokens += outcome.timings.prompt_n;
      this.totals.promptMs += outcome.timings.prompt_ms;
      this.totals.predictedTokens += outcome.timings.predicted_n;
      this.totals.predictedMs += outcome.timings.predicted_ms;
      return outcome;
    } finally {
      this.#slots.release(slot);
      if (this.#slots.busy === 0) await this.#account();
    }
  }

  async embed(request: EmbeddingRequest, signal: AbortSignal): Promise<{ vectors: number[][]; promptTokens: number }> {
    const { model } = this.#runtime;
    const { dimensions = model.embeddingVectorSize } = request;
    if (dimensions > model.embeddingVectorSize) {
      const rule = `dimensions must be at most ${model.embeddingVectorSize}, the length of this model's vectors.`;
      throw refuse(rule, 'dimensions');
    }
    const inputs = request.inputs.map((input) =>
      typeof input === 'string' ? model.tokenize(input, false) : this.#knownTokens(input),
    );
    const most = this.loaded.contextLength - 2;
    for (const input of inputs) if (input.length > most) throw tooLong(input.length, most);
    if (inputs.some((input) => input.length === 0)) throw refuse('input must not be empty.', 'input');
    const context = await this.#runtime.embeddingContext();
    const vectors: number[][] = [];
    let promptTokens = 0;
    for (const input of inputs) {
      signal.throwIfAborted();
      promptTokens += context.calculateInputLength([...input]);
      const { vector } = await context.getEmbeddingFor([...input]);
      vectors.push(cutVector(vector, dimensions));
    }
    return { vectors, promptTokens };
  }

  tokenize(request: TokenizeRequest): number[] {
    const { model } = this.#runtime;
    const tokens = model.tokenize(request.content, request.parseSpecial);
    return request.addSpecial ? withBeginning(model, tokens) : tokens;
  }

  /** llama.cpp's own account of the answers since the last call, as its log prints it; at most the last hundred lines. */
  timings(): string[] {
    const lines = this.#accounts.toArray();
    this.#accounts.clear();
    return lines;
  }

  /** Takes llama.cpp's own account of what it has evaluated, so that the log can be held against our figures. */
  async #account(): Promise<void> {
    for (const line of await this.#runtime.timings()) {
      this.#accounts.push(line);
      if (line.includes('eval time')) this.#log(line);
    }
  }

  async #job(request: GenerationRequest, prompt: Token[], stops: readonly string[]): Promise<Job> {
    const most = this.loaded.contextLength - 2;
    if (prompt.length > most) throw tooLong(prompt.length, most);
    const room = this.loaded.contextLength - 1 - prompt.length;
    for (const token of request.sampling.logitBias.keys()) {
      if (token >= this.#vocabularySize)
        throw refuse('logit_bias names a token that this model does not have.', 'logit_bias');
    }
    return {
      prompt,
      maxTokens: Math.min(request.maxTokens ?? room, room),
      sampling: request.sampling,
      stops: [...request.stop, ...stops],
      grammar: await this.#grammar(request.shape),
      trimStart: false,
      controlsAsText: false,
      session: request.session,
    };
  }

  async #grammar(shape: OutputShape): Promise<LlamaGrammar | null> {
    const { llama } = this.#runtime;
    if (shape.kind === 'text') return null;
    if (shape.kind === 'json') return llama.getGrammarFor('json');
    const schema = toGrammarSchema(shape.schema);
    try {
      return await llama.createGrammarForJsonSchema(schema as Parameters<typeof llama.createGrammarForJsonSchema>[0]);
    } catch (error) {
      throw new AppError('invalid_request', 'This engine cannot hold an answer to that JSON schema. Simplify it.', {
        cause: error,
      });
    }
  }

  #knownTokens(ids: readonly number[]): Token[] {
    if (ids.some((id) => id >= this.#vocabularySize))
      throw refuse('The list names a token that this model does not have.');
    return ids.map((id) => id as Token);
  }
}

function tooLong(tokens: number, most: number): AppError {
  return new AppError(
    'context_length_exceeded',
    `The prompt has ${tokens} tokens, and this engine takes at most ${most} for a prompt with room for an answer. Shorten it, or raise the context size.`,
    { context: { prompt_tokens: tokens, context_tokens: most } },
  );
}
