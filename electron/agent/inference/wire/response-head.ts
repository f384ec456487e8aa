import type { BodyFraming } from '../wire-response.ts';

/** The bytes of an upstream are not a valid HTTP/1.1 response. */
export class WireFormatError extends Error {
  override readonly name = 'WireFormatError';
}

export interface ResponseHead {
  readonly status: number;
  readonly minorVersion: 0 | 1;
  /** Names in lower case; repeated headers joined by ", ". A Map, so that `__proto__` is a name like any other. */
  readonly headers: ReadonlyMap<string, string>;
}

const headerCountLimit = 200;
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r\n\0]*)?$/;
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Control characters except the tab, written as escapes.
const forbiddenInValue = new RegExp('[\\u0000-\\u0008\\u000a-\\u001f\\u007f]');

/**
 * Parses a head, its closing blank line included.
 *
 * @throws WireFormatError
 */
export function parseHead(text: string): ResponseHead {
  const lines = text.slice(0, -4).split('\r\n');
  const match = statusLine.exec(lines[0] ?? '');
  if (!match) throw new WireFormatError('the answer does not begin with an HTTP/1.1 status line');
  if (lines.length - 1 > headerCountLimit) throw new WireFormatError('the answer has too many headers');
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    // A folded line begins with a space, which is no character of a name, so it is refused here too.
    if (!headerName.test(name)) throw new WireFormatError('the answer has a malformed header line');
    const value = line.slice(colon + 1).trim();
    if (forbiddenInValue.test(value)) throw new WireFormatError('a header has a forbidden character');
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(match[2]), minorVersion: match[1] === '0' ? 0 : 1, headers };
}

/**
 * How the body of the response ends. Two ways at once are refused: that is how requests are smuggled.
 *
 * @throws WireFormatError
 */
export function framingOf(head: ResponseHead, headOnly: boolean): BodyFraming {
  const coding = head.headers.get('transfer-encoding');
  const length = head.headers.get('content-length');
  if (coding !== undefined && length !== undefined) {
    throw new WireFormatError('the answer has both a length and a transfer coding');
  }
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || head.minorVersion === 0)) {
    throw new WireFormatError('the answer has a transfer coding other than chunked');
  }
  const lengthBytes = length === undefined ? null : parseLength(length);
  if (headOnly || head.status === 204 || head.status === 304) return { kind: 'none' };
  if (coding !== undefined) return { kind: 'chunked' };
  return lengthBytes === null ? { kind: 'close' } : { kind: 'length', lengthBytes };
}

/** Whether the connection may carry another request after this response. */
export function keepsAlive(head: ResponseHead, framing: BodyFraming): boolean {
  if (framing.kind === 'close' || head.minorVersion === 0) return false;
  const connection = head.headers.get('connection');
  return !connection
    ?.toLowerCase()
    .split(/\s*,\s*/)
    .includes('close');
}

function parseLength(text: string): number {
  const [first, ...others] = text.split(/\s*,\s*/);
  if (first === undefined || !/^\d{1,15}$/.test(first) || others.some((other) => other !== first)) {
    throw new WireFormatError('the length of the answer is not a number');
  }
  return Number(first);
}
