import type { FakeAnthropicBehaviour, FakeBill } from './fake-anthropic-behaviour.ts';

/** The fields of a request that its bill depends on. */
export interface BilledRequest {
  readonly body: string;
  readonly model: string;
  readonly maxTokens: number;
  /** Of the answer that `set` gives. */
  readonly outputTokens: number;
}

/** What a whole answer is billed as; the number, from 1, makes each bill of the provider's own count another one. */
export function billOf(
  b: FakeAnthropicBehaviour,
  { body, model, maxTokens, outputTokens }: BilledRequest,
  number: number,
): FakeBill {
  const shared = { number, model, label: /label-[\w-]+/.exec(body)?.[0] ?? null, whole: true };
  const bytes = Buffer.byteLength(body);
  switch (b.billing) {
    case 'set':
      return {
        ...shared,
        inputTokens: b.inputTokens,
        cacheReadTokens: b.cacheRead,
        cacheWriteTokens: b.cacheWritten,
        outputTokens,
      };
    case 'own': {
      const prompt = 1 + (mixed(number) % bytes);
      const cacheReadTokens = mixed(number + 1e6) % Math.ceil(prompt / 2);
      const cacheWriteTokens = mixed(number + 2e6) % Math.ceil(prompt / 2);
      return {
        ...shared,
        inputTokens: prompt - cacheReadTokens - cacheWriteTokens,
        cacheReadTokens,
        cacheWriteTokens,
        outputTokens: 1 + (mixed(number + 3e6) % maxTokens),
      };
    }
    case 'most':
      return { ...shared, inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: bytes, outputTokens: maxTokens };
  }
}

/** A number that looks drawn by lot, the same one each time. */
function mixed(number: number): number {
  let hash = Math.imul(number ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
