import { parseToldError, type ToldError } from '../../inference/told-error.ts';

export interface ReadError {
  readonly told: ToldError | null;
  /** In the form that readers of the dialect know. */
  readonly body: Buffer;
  /** Seconds until it is to be asked again, where the body says so. */
  readonly retryAfterS: number | null;
}

/**
 * The error of a provider's body. Gemini wraps its own in a list and tells the time to wait inside; some tell `message`
 * without an `error` around it. Pure.
 */
export function readError(bytes: Buffer): ReadError {
  const text = bytes.toString('utf8');
  const retryAfterS = delayOf(text);
  const plain = unwrapped(text);
  if (plain === null) return { told: parseToldError(text), body: bytes, retryAfterS };
  return { told: parseToldError(plain), body: Buffer.from(plain), retryAfterS };
}

/** The error in the usual form; null where it has that already, or none. */
function unwrapped(text: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const isList = Array.isArray(value);
  const inner: unknown = isList ? (value as readonly unknown[])[0] : value;
  if (typeof inner !== 'object' || inner === null) return null;
  if ('error' in inner) return isList ? JSON.stringify(inner) : null;
  return 'message' in inner && typeof inner.message === 'string' ? JSON.stringify({ error: inner }) : null;
}

/** google.rpc.RetryInfo. */
function delayOf(text: string): number | null {
  const [, seconds] = /"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d+)?)s"/.exec(text) ?? [];
  return seconds === undefined ? null : Math.max(1, Math.ceil(Number(seconds)));
}
