/** What the matrix of dialects is made of; the table in docs/dialects.md is written from the same lists. */

/** The ways in which callers ask, each driven by the client library that its users have. */
export const askers = ['openai chat', 'openai responses', 'anthropic messages', 'ollama chat'] as const;
export type Asker = (typeof askers)[number];

/** The dialects in which upstreams are asked. */
export const answerers = ['openai', 'anthropic', 'ollama'] as const;
export type Answerer = (typeof answerers)[number];

export const modes = ['stream', 'plain'] as const;
export type Mode = (typeof modes)[number];

export const features = ['text', 'tool call', 'image', 'JSON schema', 'error', 'cut stream', 'abort'] as const;
export type Feature = (typeof features)[number];

/** Whether the upstream's own bytes reach the caller. */
export function passes(asker: Asker, answerer: Answerer): boolean {
  return asker !== 'openai responses' && asker.startsWith(answerer);
}
