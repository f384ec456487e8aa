import { AppError, type ErrorCode } from '../../base/errors.ts';
import {
  isBadKey,
  isBeyondCredit,
  isOutOfMoney,
  isWithoutHost,
  parseToldError,
  regainedInS,
  retryAfterSOf,
  type ToldError,
} from '../../inference/told-error.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import { isObject, type Json } from '../dialects/json.ts';
import { sayable } from '../sayable.ts';

const errorLimitBytes = 64 * 1024;

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
  const retryAfterS = retryAfterSOf(response.headers, nowMs);
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

interface Back {
  readonly retryAfterS: number | null;
  readonly nowMs: number;
}

function errorFor(status: number, told: ToldError | null, { retryAfterS, nowMs }: Back): AppError {
  const param = told?.param ?? null;
  if (isOutOfMoney(status, told)) {
    const untilS = regainedInS(told?.message ?? '', nowMs) ?? retryAfterS;
    const message = 'The provider says that its account is used up. The operator of this node has to look after it.';
    const context = { status, outOfMoney: true, ...(untilS === null ? {} : { retryAfterS: untilS }) };
    return new AppError('upstream_failed', message, { context });
  }
  // What an upstream says of our key is for us, and may repeat the key.
  const isKeyBad = isBadKey(status, told);
  const theirs = isKeyBad || status === 403 ? undefined : told?.message;
  const message =
    theirs ?? (isKeyBad ? keyRefused : `The engine answered with status ${status}. Send the request again.`);
  const context = { status, param, ...(retryAfterS === null ? {} : { retryAfterS }) };
  return new AppError(codeFor(status, told), message, { context });
}

/** To send it again does not help, and the caller's own key is not the one that was refused. */
const keyRefused =
  'What should answer refused the key that this node sent. The operator of this node has to look after it.';

/**
 * How an upstream says that this model cannot do it, where another may: llama-server, Ollama and vLLM `does not support
 * tools`; OpenAI `Function tools with reasoning_effort are not supported for …`; Anthropic `temperature is deprecated for
 * this model`; Gemini, which wants its thoughts back with its calls of tools, `missing a thought_signature`.
 */
const saysUnable =
  /does not support \w+|\b(?:is|are) (?:not supported|deprecated) (?:for|with|by|on) (?:this |the )?\S|missing a thought_signature/i;

function codeFor(status: number, told: ToldError | null): ErrorCode {
  const type = told?.type ?? '';
  const message = told?.message ?? '';
  if (type === 'exceed_context_size_error' || type === 'context_length_exceeded') return 'context_length_exceeded';
  if (status === 400 && /prompt is too long|exceeds the (?:available )?context/i.test(message)) {
    return 'context_length_exceeded';
  }
  if (type === 'unsupported_capability' || status === 501) return 'unsupported_capability';
  if (status === 400 && saysUnable.test(message)) return 'unsupported_capability';
  // Another provider may have what this one lacks.
  if (isWithoutHost(status, told) || isBeyondCredit(status, told)) return 'unsupported_capability';
  if (status === 429 || status === 503 || status === 529) return 'too_busy';
  // Our key for the engine was refused, or a route of it is missing: nothing that the caller could mend.
  if (isBadKey(status, told) || status === 403 || status === 404 || status === 405) return 'engine_failed';
  // It gave up on receiving the request.
  if (status === 408) return 'upstream_failed';
  return status >= 400 && status < 500 ? 'invalid_request' : 'engine_failed';
}

/** What the body says, fit to be passed on. */
function parseError(text: string): ToldError | null {
  const told = parseToldError(text);
  return told && { ...told, message: sayable(told.message) };
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
