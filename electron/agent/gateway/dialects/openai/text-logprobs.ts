import { isList, isObject, type Json, type JsonObject } from '../json.ts';

/**
 * Text completions have an older form for probabilities, four lists side by side, where chats have a list of entries
 * (`{token, logprob, bytes, top_logprobs}`), which is the neutral form here.
 */

/** Writes the older form; an answer's pieces follow each other, so it counts where each token begins. */
export class TextOffsets {
  #offset = 0;

  body(entries: Json): JsonObject {
    const tokens: string[] = [];
    const tokenLogprobs: (number | null)[] = [];
    const topLogprobs: JsonObject[] = [];
    const offsets: number[] = [];
    for (const entry of isList(entries) ? entries : []) {
      if (!isObject(entry)) continue;
      const token = textOf(entry['token']);
      tokens.push(token);
      tokenLogprobs.push(typeof entry['logprob'] === 'number' ? entry['logprob'] : null);
      topLogprobs.push(byToken(entry['top_logprobs']));
      offsets.push(this.#offset);
      this.#offset += token.length;
    }
    return { tokens, token_logprobs: tokenLogprobs, top_logprobs: topLogprobs, text_offset: offsets };
  }
}

/** The neutral form of a text completion's `logprobs`, which some engines send in the newer form; null for none. */
export function readTextLogprobs(value: Json | undefined): Json | null {
  if (!isObject(value)) return null;
  const { content, tokens, token_logprobs: logprobs, top_logprobs: tops } = value;
  if (isList(content)) return content;
  if (!isList(tokens)) return null;
  return tokens.map((token, index) => {
    const top: Json = isList(tops) ? (tops[index] ?? null) : null;
    const logprob: Json = isList(logprobs) ? (logprobs[index] ?? null) : null;
    return {
      token,
      logprob,
      bytes: [...Buffer.from(textOf(token))],
      top_logprobs: isObject(top)
        ? Object.entries(top).map(([text, value]) => ({ token: text, logprob: value, bytes: [...Buffer.from(text)] }))
        : [],
    };
  });
}

function byToken(tops: Json | undefined): JsonObject {
  const entries: [string, Json][] = [];
  for (const top of isList(tops) ? tops : []) {
    if (isObject(top)) entries.push([textOf(top['token']), top['logprob'] ?? null]);
  }
  return Object.fromEntries(entries);
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
