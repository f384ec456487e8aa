import type { ChatChunk } from '../client/control-client.ts';

/** What one streamed answer came to. `null` means that it was not told or cannot be measured. */
export interface ChatFigures {
  readonly model: string | null;
  readonly finishReason: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly ttftMs: number | null;
  /** Decode speed: tokens after the first ÷ time after the first. */
  readonly tokensPerSecond: number | null;
  readonly durationMs: number;
}

/** Measures an answer as it streams by. Times are monotonic milliseconds, given with each event. */
export class ChatMeter {
  readonly #startMs: number;
  #firstMs: number | null = null;
  #lastMs: number | null = null;
  #model: string | null = null;
  #finishReason: string | null = null;
  #promptTokens: number | null = null;
  #completionTokens: number | null = null;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Takes one event in; its text, empty where it has none. */
  read(chunk: ChatChunk, nowMs: number): string {
    const choice = chunk.choices[0];
    const text = choice?.delta?.content ?? '';
    if (text !== '') {
      this.#firstMs ??= nowMs;
      this.#lastMs = nowMs;
    }
    this.#model = chunk.model ?? this.#model;
    this.#finishReason = choice?.finish_reason ?? this.#finishReason;
    this.#promptTokens = chunk.usage?.prompt_tokens ?? this.#promptTokens;
    this.#completionTokens = chunk.usage?.completion_tokens ?? this.#completionTokens;
    return text;
  }

  figures(nowMs: number): ChatFigures {
    return {
      model: this.#model,
      finishReason: this.#finishReason,
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      ttftMs: this.#firstMs === null ? null : this.#firstMs - this.#startMs,
      tokensPerSecond: this.#speed(),
      durationMs: nowMs - this.#startMs,
    };
  }

  #speed(): number | null {
    if (this.#completionTokens === null || this.#firstMs === null || this.#lastMs === null) return null;
    const elapsedMs = this.#lastMs - this.#firstMs;
    return elapsedMs <= 0 || this.#completionTokens < 2 ? null : ((this.#completionTokens - 1) * 1000) / elapsedMs;
  }
}
