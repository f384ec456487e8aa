import { AppError, type ErrorCode } from '../../base/errors.ts';
import type { WireResponse } from '../../inference/wire-response.ts';

const errorLimitBytes = 64 * 1024;
const longestMessage = 500;

/**
 * Looks at an answer's head before it is passed on: only a success in JSON or as an event stream goes through. The rest
 * becomes an error of ours, so that no upstream's HTML, redirect or stack trace reaches a caller.
 *
 * @throws AppError with the upstream's own sentence where it gave one
 */
export async function judgeAnswer(response: WireResponse): Promise<void> {
  const { status, headers, body } = response;
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  const known = type === 'application/json' || type === 'text/event-stream';
  const encoded = headers.has('content-encoding');
  if (status >= 200 && status < 300) {
    if (known && !encoded) return;
    body.destroy();
    throw new AppError('upstream_failed', 'The engine answered with something that is not JSON. Send it again.', {
      context: { status, type: type ?? '' },
    });
  }
  if (type !== 'application/json' || encoded) {
    body.destroy();
    throw errorFor(status, null);
  }
  throw errorFor(status, parseError(await readAll(response)));
}

interface UpstreamError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
}

function errorFor(status: number, told: UpstreamError | null): AppError {
  // What an upstream says of our key is for us, and may repeat the key.
  const sayable = status === 401 || status === 403 ? undefined : told?.message;
  const message = sayable ?? `The engine answered with status ${status}. Send the request again.`;
  return new AppError(codeFor(status, told), message, { context: { status, param: told?.param ?? null } });
}

function codeFor(status: number, told: UpstreamError | null): ErrorCode {
  if (told?.type === 'exceed_context_size_error' || told?.type === 'context_length_exceeded') {
    return 'context_length_exceeded';
  }
  if (told?.type === 'unsupported_capability' || status === 501) return 'unsupported_capability';
  if (status === 429 || status === 503) return 'too_busy';
  // Our key for the engine was refused, or a route of it is missing: nothing that the caller could mend.
  if (status === 401 || status === 403 || status === 404 || status === 405) return 'engine_failed';
  return status >= 400 && status < 500 ? 'invalid_request' : 'engine_failed';
}

function parseError(text: string): UpstreamError | null {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || !('error' in body)) return null;
    const { error } = body;
    if (typeof error === 'string') return { message: error.slice(0, longestMessage), type: '', param: null };
    if (typeof error !== 'object' || error === null) return null;
    const fields: Record<string, unknown> = { ...error };
    const { message, type, code, param } = fields;
    if (typeof message !== 'string' || message === '') return null;
    const kind = typeof code === 'string' ? code : type;
    return {
      message: message.slice(0, longestMessage),
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
