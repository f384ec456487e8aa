import type { Clock } from '../../base/clock.ts';
import type { ServerAccess } from './server-process.ts';
import { askSmall } from './small-request.ts';
import type { EngineLoad } from '../../inference/upstream.ts';
import { busySlotsOf, loadOf, readProps, tokensOf, workOf, type ServerProps } from './server-props.ts';

type Access = Pick<ServerAccess, 'http' | 'headers'>;

const askLimitMs = 5_000;
const embedLimitMs = 60_000;
/** It answers these two between two batches only: a late answer is of no use, and the next look comes soon. */
const loadLimitMs = 1_000;

/** What the server tells of itself; null while it does not answer, or is no llama.cpp server. */
export async function askProps(access: Access, clock: Clock): Promise<ServerProps | null> {
  const answer = await askSmall(
    access.http,
    { method: 'GET', path: '/props', headers: access.headers, body: null },
    { clock, limitMs: askLimitMs },
  );
  return answer?.status === 200 ? readProps(answer.json) : null;
}

/** Whether it makes a vector of one word; null when it did not answer in time. */
export async function embeds(access: Access, clock: Clock): Promise<boolean | null> {
  const answer = await askSmall(
    access.http,
    {
      method: 'POST',
      path: '/v1/embeddings',
      headers: { ...access.headers, 'Content-Type': 'application/json' },
      body: Buffer.from('{"input":"a"}'),
    },
    { clock, limitMs: embedLimitMs },
  );
  return answer === null ? null : answer.status === 200;
}

/** What it does at this moment, whoever asked for it; null where it does not tell. */
export async function askLoad(access: Access, clock: Clock): Promise<EngineLoad | null> {
  const ask = (path: string) =>
    askSmall(
      access.http,
      { method: 'GET', path, headers: access.headers, body: null },
      { clock, limitMs: loadLimitMs },
    );
  const metrics = await ask('/metrics');
  if (metrics === null) return null;
  const told = metrics.status === 200 ? loadOf(metrics.text) : null;
  if (told !== null) return told;
  const slots = await ask('/slots');
  const busy = slots?.status === 200 ? busySlotsOf(slots.json) : null;
  return busy === null ? null : { busy, deferred: 0 };
}

/** A figure that changes while it works; null when it does not tell. */
export async function askProgress(access: Access, clock: Clock): Promise<number | null> {
  const ask = (path: string) =>
    askSmall(access.http, { method: 'GET', path, headers: access.headers, body: null }, { clock, limitMs: askLimitMs });
  const metrics = await ask('/metrics');
  if (metrics === null) return null;
  const tokens = metrics.status === 200 ? tokensOf(metrics.text) : null;
  if (tokens !== null) return tokens;
  const slots = await ask('/slots');
  return slots?.status === 200 ? workOf(slots.json) : null;
}
