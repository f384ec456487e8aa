import { randomBytes } from 'node:crypto';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Upstream } from '../../inference/upstream.ts';
import type { FinishReason } from '../../inference/usage.ts';
import type { WireResponse } from '../../inference/wire-response.ts';

/** What an engine answered to a probe. */
export interface ProbeAnswer {
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly text: string;
  /** Tokens of the answer, counted by its events where it was streamed. */
  readonly tokens: number;
  readonly finish: FinishReason | null;
  /** To the first token where it was streamed, else to the end. */
  readonly ttftMs: number;
  readonly tokensPerSecond: number | null;
}

export type ProbeResult =
  | { readonly kind: 'answered'; readonly answer: ProbeAnswer }
  | { readonly kind: 'too-long'; readonly windowTokens: number | null };

export interface ProbeRequest {
  readonly model: string;
  readonly prompt: string;
  /** Null: no limit is asked for, and the answer is heard until `enoughTokens` of it have come. */
  readonly maxTokens: number | null;
  readonly enoughTokens: number;
  /** Asks for llama.cpp's timings with every token. */
  readonly timings: boolean;
}

const longestBytes = 1024 * 1024;

/**
 * Sends one chat request straight to an engine and reads its answer.
 *
 * @throws AppError when the engine fails, answers with anything else, or the signal gives the probe up
 */
export async function ask(
  upstream: Upstream,
  request: ProbeRequest,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<ProbeResult> {
  const stream = request.maxTokens === null;
  const sentMs = clock.monotonic();
  const body = {
    model: request.model,
    messages: [{ role: 'user', content: request.prompt }],
    temperature: 0,
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : { max_tokens: request.maxTokens }),
    ...(request.timings && stream ? { timings_per_token: true } : {}),
  };
  const response = await upstream.generate(
    {
      trace: randomBytes(8).toString('hex'),
      operation: 'chat',
      model: request.model,
      stream,
      dialect: 'openai',
      body: Buffer.from(JSON.stringify(body), 'utf8'),
    },
    signal,
  );
  const answer = new AnswerReader(sentMs, clock);
  if (response.status === 200) {
    await read(response, (text) => answer.take(text, stream) >= request.enoughTokens && stream);
    return { kind: 'answered', answer: answer.result(stream) };
  }
  let text = '';
  await read(response, (piece) => {
    text += piece;
    return false;
  });
  return refusalOf(response.status, text);
}

function refusalOf(status: number, text: string): ProbeResult {
  const error = objectAt(parse(text), 'error');
  const told = ['type', 'code', 'message'].map((key) => JSON.stringify(error?.[key] ?? '')).join(' ');
  if (status >= 400 && status < 500 && /exceed_context|context_length|context (?:size|length|window)/i.test(told)) {
    return { kind: 'too-long', windowTokens: countAt(error, 'n_ctx') };
  }
  throw new AppError('engine_failed', `The engine answered a check with status ${status}.`, { context: { status } });
}

/** Hands the payload over piece by piece until the end, or until `enough` says so. */
function read({ body }: WireResponse, enough: (text: string) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const decoder = new TextDecoder();
    let bytes = 0;
    let over = false;
    const finish = (): void => {
      over = true;
      resolve();
    };
    body.pipe({
      raw: () => true,
      payload: (buffer, start, end) => {
        if (over) return;
        bytes += end - start;
        try {
          const text = decoder.decode(buffer.subarray(start, end), { stream: true });
          if (!enough(text) && bytes < longestBytes) return;
          finish();
        } catch (error) {
          over = true;
          reject(toAppError(error));
        }
        body.destroy();
      },
      end: finish,
      fail: reject,
    });
  });
}

/** Puts an answer together from its pieces. */
class AnswerReader {
  readonly #sentMs: number;
  readonly #clock: Clock;
  #rest = '';
  #text = '';
  #tokens = 0;
  #firstMs: number | null = null;
  #lastMs = 0;
  #promptTokens: number | null = null;
  #cachedTokens: number | null = null;
  #completionTokens: number | null = null;
  #finish: FinishReason | null = null;

  constructor(sentMs: number, clock: Clock) {
    this.#sentMs = sentMs;
    this.#clock = clock;
  }

  /** Takes a piece of the payload; returns how many tokens have come. */
  take(piece: string, stream: boolean): number {
    this.#rest += piece;
    if (!stream) return 0;
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: {')) this.#event(parse(line.slice(6)));
    return this.#tokens;
  }

  result(stream: boolean): ProbeAnswer {
    if (!stream) this.#event(parse(this.#rest));
    const after = this.#tokens - 1;
    const elapsedMs = this.#firstMs === null ? 0 : this.#lastMs - this.#firstMs;
    return {
      promptTokens: this.#promptTokens,
      cachedTokens: this.#cachedTokens,
      text: this.#text,
      tokens: this.#completionTokens ?? this.#tokens,
      finish: this.#finish,
      ttftMs: (this.#firstMs ?? this.#clock.monotonic()) - this.#sentMs,
      tokensPerSecond: after >= 16 && elapsedMs > 0 ? (after * 1_000) / elapsedMs : null,
    };
  }

  #event(event: Record<string, unknown> | null): void {
    const error = objectAt(event, 'error');
    if (error) throw new AppError('engine_failed', 'The engine broke off its answer to a check.');
    const choices = event?.['choices'];
    const choice: unknown = Array.isArray(choices) ? choices[0] : null;
    if (typeof choice === 'object' && choice !== null) this.#choice({ ...choice });
    this.#usage(objectAt(event, 'usage'));
    this.#timings(objectAt(event, 'timings'));
  }

  #choice(choice: Record<string, unknown>): void {
    const part = objectAt(choice, 'delta') ?? objectAt(choice, 'message');
    for (const key of ['content', 'reasoning_content', 'reasoning']) {
      const text = part?.[key];
      if (typeof text !== 'string' || text === '') continue;
      this.#text += text;
      this.#tokens += 1;
      this.#lastMs = this.#clock.monotonic();
      this.#firstMs ??= this.#lastMs;
    }
    const reason = choice['finish_reason'];
    if (reason === 'stop' || reason === 'length') this.#finish = reason;
    else if (reason === 'tool_calls') this.#finish = 'tool';
  }

  #usage(usage: Record<string, unknown> | null): void {
    this.#promptTokens = countAt(usage, 'prompt_tokens') ?? this.#promptTokens;
    this.#completionTokens = countAt(usage, 'completion_tokens') ?? this.#completionTokens;
    this.#cachedTokens = countAt(objectAt(usage, 'prompt_tokens_details'), 'cached_tokens') ?? this.#cachedTokens;
  }

  #timings(timings: Record<string, unknown> | null): void {
    const cached = countAt(timings, 'cache_n');
    const read = countAt(timings, 'prompt_n');
    if (cached === null || read === null) return;
    this.#cachedTokens = cached;
    this.#promptTokens ??= cached + read;
  }
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

function objectAt(from: Record<string, unknown> | null, key: string): Record<string, unknown> | null {
  const value = from?.[key];
  return typeof value === 'object' && value !== null ? { ...value } : null;
}

function countAt(from: Record<string, unknown> | null, key: string): number | null {
  const value = from?.[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}
