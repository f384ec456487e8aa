import { AppError, type ErrorCode } from '../../base/errors.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import { isObject, type Json } from '../dialects/json.ts';
import { sayable } from '../sayable.ts';

const errorLimitBytes = 64 * 1024;
const longestRetryAfterS = 86_400;

export type AnswerKind = 'json' | 'text/event-stream' | 'application/x-ndjson';

/** What an answer's body is by its Content-Type; null for what no engine answers with. */
export function kindOf({ headers }: WireResponse): AnswerKind | null {
  const type = headers.get('content-type');
  // The whole value first: it is what nearly every answer has.
  if (type === 'text/event-stream' || type === 'application/x-ndjson') return type;
  const plain = (type ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (plain === 'application/json') return 'json';
  return plain === 'text/event-stream' || plain === 'application/x-ndjson' ? plain : null;
}

/**
 * Looks at an answer's head before it is passed on: only a success in JSON or as a stream goes through. The rest becomes
 * an error of ours, so that no upstream's HTML, redirect or stack trace reaches a caller.
 *
 * @throws AppError with the upstream's own sentence where it gave one; `status` in its context, `retryAfterS` where it
 *   was told, and `outOfMoney` where the account is empty. `nowMs` is the wall clock's, for dates that are told
 */
export async function judgeAnswer(response: WireResponse, nowMs: number): Promise<void> {
  const { status, headers, body } = response;
  const kind = kindOf(response);
  const encoded = headers.has('content-encoding');
  if (status < 200 || status >= 300) return judgeFailure(response, kind === 'json' && !encoded, nowMs);
  if (kind !== null && !encoded) return;
  body.destroy();
  const type = headers.get('content-type') ?? '';
  throw new AppError('upstream_failed', 'The engine answered with something that is not JSON. Send it again.', {
    context: { status, type },
  });
}

async function judgeFailure(response: WireResponse, readable: boolean, nowMs: number): Promise<never> {
  const retryAfterS = readRetryAfter(response.headers, nowMs);
  if (!readable) {
    response.body.destroy();
    throw errorFor(response.status, null, { retryAfterS, nowMs });
  }
  throw errorFor(response.status, parseError(await readAll(response)), { retryAfterS, nowMs });
}

/** An error that a stream told before anything of it was passed on: as if it had been the answer's own status. */
export function streamedFailure(error: Json, nowMs: number): AppError {
  const code = isObject(error) ? error['code'] : null;
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : 500;
  return errorFor(status, parseError(JSON.stringify({ error })), { retryAfterS: null, nowMs });
}

interface UpstreamError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
}

interface Back {
  readonly retryAfterS: number | null;
  readonly nowMs: number;
}

function errorFor(status: number, told: UpstreamError | null, { retryAfterS, nowMs }: Back): AppError {
  const param = told?.param ?? null;
  if (isOutOfMoney(status, told)) {
    const untilS = regainedIn(told?.message ?? '', nowMs) ?? retryAfterS;
    const message = 'The provider says that its account is used up. The operator of this node has to look after it.';
    const context = { status, outOfMoney: true, ...(untilS === null ? {} : { retryAfterS: untilS }) };
    return new AppError('upstream_failed', message, { context });
  }
  // What an upstream says of our key is for us, and may repeat the key.
  const theirs = status === 401 || status === 403 ? undefined : told?.message;
  const message = theirs ?? `The engine answered with status ${status}. Send the request again.`;
  const context = { status, param, ...(retryAfterS === null ? {} : { retryAfterS }) };
  return new AppError(codeFor(status, told), message, { context });
}

function codeFor(status: number, told: UpstreamError | null): ErrorCode {
  const type = told?.type ?? '';
  const message = told?.message ?? '';
  if (type === 'exceed_context_size_error' || type === 'context_length_exceeded') return 'context_length_exceeded';
  if (status === 400 && /prompt is too long|exceeds the (?:available )?context/i.test(message)) {
    return 'context_length_exceeded';
  }
  if (type === 'unsupported_capability' || status === 501) return 'unsupported_capability';
  if (status === 400 && /does not support \w+/i.test(message)) return 'unsupported_capability';
  if (status === 429 || status === 503 || status === 529) return 'too_busy';
  // Our key for the engine was refused, or a route of it is missing: nothing that the caller could mend.
  if (status === 401 || status === 403 || status === 404 || status === 405) return 'engine_failed';
  // It gave up on receiving the request.
  if (status === 408) return 'upstream_failed';
  return status >= 400 && status < 500 ? 'invalid_request' : 'engine_failed';
}

/** 402; Anthropic says it with a 400, OpenAI with a 429. */
function isOutOfMoney(status: number, told: UpstreamError | null): boolean {
  if (status === 402) return true;
  if (status !== 400 && status !== 429) return false;
  if (told?.type === 'insufficient_quota' || told?.type === 'billing_error') return true;
  return /reached your specified (?:API )?usage limits|credit balance is too low/i.test(told?.message ?? '');
}

/** Seconds until the date in "You will regain access on 2026-12-01 at 00:00 UTC"; null where there is none. */
function regainedIn(message: string, nowMs: number): number | null {
  const [, day, time] = /regain access on (\d{4}-\d{2}-\d{2}) at (\d{2}:\d{2}) UTC/.exec(message) ?? [];
  if (day === undefined || time === undefined) return null;
  const seconds = (Date.parse(`${day}T${time}:00Z`) - nowMs) / 1_000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
}

/** Whole seconds of a Retry-After, be it a number or a date (RFC 9110 §10.2.3); null without one. */
function readRetryAfter(headers: ReadonlyMap<string, string>, nowMs: number): number | null {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return null;
  const seconds = /^\d{1,9}(?:\.\d+)?$/.test(value) ? Number(value) : (Date.parse(value) - nowMs) / 1_000;
  if (!Number.isFinite(seconds)) return null;
  return Math.min(longestRetryAfterS, Math.max(1, Math.ceil(seconds)));
}

/** The three dialects' shapes: `{"error":{…}}`, the same with a type beside it, and `{"error":"…"}`. */
function parseError(text: string): UpstreamError | null {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || !('error' in body)) return null;
    const { error } = body;
    if (typeof error === 'string') return { message: sayable(error), type: '', param: null };
    if (typeof error !== 'object' || error === null) return null;
    const fields: Record<string, unknown> = { ...error };
    const { message, type, code, param } = fields;
    if (typeof message !== 'string' || message === '') return null;
    const kind = typeof code === 'string' ? code : type;
    return {
      message: sayable(message),
      type: typeof kind === 'string' ? kind : '',
      param: typeof param === 'string' ? param : null,
    };
  } catch {
    return null;
  }
}

/** The body as text, as far as it is short; what is longer or breaks off is given up. */
function readAll(response: WireResponse): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const finish = (): void => {
      resolve(Buffer.concat(pieces).toString('utf8'));
    };
    response.body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        length += end - start;
        if (length <= errorLimitBytes) pieces.push(bytes.subarray(start, end));
        else {
          response.body.destroy();
          finish();
        }
      },
      end: finish,
      fail: finish,
    });
  });
}
