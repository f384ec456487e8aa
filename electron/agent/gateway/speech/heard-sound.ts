import type { Usage } from '../../inference/usage.ts';
import { isObject } from '../dialects/json.ts';

/** What tells of the length of a sound that goes by. */
export interface HeardSoundOptions {
  /** As in `response_format`. */
  readonly format: string;
  /** It comes in events, the last of which may have the provider's own count. */
  readonly inEvents: boolean;
}

/**
 * Bytes of a second: 24,000 samples of two bytes; MP3 of 128 kbit/s, as OpenAI sends it. Formats whose rate follows the
 * sound tell nothing.
 */
const bytesPerSecond: Readonly<Record<string, number>> = { pcm: 48_000, wav: 48_000, mp3: 16_000 };
/** $0.015 a minute, which OpenAI gives as a rule, at $12 for a million tokens. */
const tokensPerSecond = 1_250 / 60;
/** The event with the count has some 150 bytes. */
const tailBytes = 4_096;
const doneEvent = 'speech.audio.done';

/** Listens to a sound on its way to the caller: how long it was, and what the provider said that it took. */
export class HeardSound {
  readonly #options: HeardSoundOptions;
  #bytes = 0;
  #tail = Buffer.alloc(0);

  constructor(options: HeardSoundOptions) {
    this.#options = options;
  }

  take(piece: Buffer): void {
    this.#bytes += piece.length;
    if (!this.#options.inEvents) return;
    const tail = Buffer.concat([this.#tail, piece.subarray(-tailBytes)]);
    this.#tail = tail.subarray(-tailBytes);
  }

  /** Tokens of sound by the length of what was heard; 0 where its format does not tell. */
  get tokens(): number {
    const { format, inEvents } = this.#options;
    const rate = inEvents ? undefined : bytesPerSecond[format];
    return rate === undefined ? 0 : Math.ceil((this.#bytes / rate) * tokensPerSecond);
  }

  /** The provider's own count; null where it told none. */
  get told(): Usage | null {
    const lines = this.#tail.toString('utf8').split('\n');
    const line = lines.findLast((each) => each.startsWith('data:') && each.includes(doneEvent));
    return line === undefined ? null : usageIn(line.slice('data:'.length));
  }
}

function usageIn(text: string): Usage | null {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return null;
  }
  const usage = isObject(event) && event['type'] === doneEvent ? event['usage'] : null;
  if (!isObject(usage)) return null;
  const { input_tokens: promptTokens, output_tokens: completionTokens } = usage;
  // A server that counts nothing tells zeros.
  if (!isCount(promptTokens) || !isCount(completionTokens) || completionTokens === 0) return null;
  return { promptTokens, completionTokens, cachedTokens: null };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
