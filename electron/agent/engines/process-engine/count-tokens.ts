import type { Clock } from '../../base/clock.ts';
import type { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import { askSmall, isRecord } from './small-request.ts';

/** Callers ask for a count before they ask for an answer: a late one is of no use. */
const limitMs = 2_000;

export interface CountAccess {
  readonly http: HttpUpstream;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * How many tokens the prompt of an OpenAI chat request has: the server writes the prompt by the model's template, and
 * cuts it into tokens. Reads no prompt into the model. Null where the server has no such routes or does not answer.
 */
export async function countPromptTokens(access: CountAccess, body: Buffer, clock: Clock): Promise<number | null> {
  const ask = async (path: string, asked: Buffer) => {
    const headers = { ...access.headers, 'Content-Type': 'application/json' };
    const answer = await askSmall(access.http, { method: 'POST', path, headers, body: asked }, { clock, limitMs });
    return answer?.status === 200 && isRecord(answer.json) ? answer.json : null;
  };
  const applied = await ask('/apply-template', body);
  // The embedded engine counts while it applies the template: it cuts control tokens in messages into their letters.
  const counted = applied?.['n_tokens'];
  if (isCount(counted)) return counted;
  const prompt = applied?.['prompt'];
  if (typeof prompt !== 'string') return null;
  const cut = await ask(
    '/tokenize',
    Buffer.from(JSON.stringify({ content: prompt, add_special: true, parse_special: true })),
  );
  const tokens = cut?.['tokens'];
  return Array.isArray(tokens) ? tokens.length : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
