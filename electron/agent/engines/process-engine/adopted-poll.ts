import { readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import type { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import type { AdoptedState, Poll } from './adopted-state.ts';
import { askSmall } from './small-request.ts';

const pollLimitMs = 5_000;

export interface AdoptedAccess {
  readonly http: HttpUpstream;
  readonly headers: Readonly<Record<string, string>>;
}

/** Looks once at a server that somebody else runs. Never rejects. `known`: what is known of it at that moment. */
export async function pollServer(access: AdoptedAccess, known: () => AdoptedState, clock: Clock): Promise<Poll> {
  const began = clock.monotonic();
  const answer = await ask('/props', access, clock);
  if (answer) {
    return {
      kind: 'answer',
      status: answer.status,
      json: answer.json,
      aliases: await aliasesOf(access, known(), clock),
    };
  }
  return { kind: clock.monotonic() - began >= pollLimitMs ? 'silence' : 'refused' };
}

/** What the server calls its model; asked while it is new only. */
async function aliasesOf(access: AdoptedAccess, known: AdoptedState, clock: Clock): Promise<unknown> {
  if (known.kind === 'up') return known.aliases;
  return (await ask('/v1/models', access, clock))?.json;
}

function ask(path: string, { http, headers }: AdoptedAccess, clock: Clock): ReturnType<typeof askSmall> {
  return askSmall(http, { method: 'GET', path, headers, body: null }, { clock, limitMs: pollLimitMs });
}

/** The header for a key that stands in a file, in its first line that could be one; none where there is none. */
export async function authorizationIn(keyFile: string | null): Promise<Readonly<Record<string, string>>> {
  if (keyFile === null) return {};
  try {
    const key = (await readFile(keyFile, 'utf8')).split('\n').find((line) => /^[\x21-\x7e]+$/.test(line.trim()));
    return key === undefined ? {} : { Authorization: `Bearer ${key.trim()}` };
  } catch {
    return {};
  }
}
