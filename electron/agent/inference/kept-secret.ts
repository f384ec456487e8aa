import type { WireBody, WireResponse, WireSink } from './wire-response.ts';

/** Longest body of an error that is looked through; more of it says nothing to anyone. */
const errorLimitBytes = 64 * 1024;
/** So much of the key at a piece's end is taken for it before the rest has come; less gives nothing away. */
const tellingBytes = 8;
const asterisk = 0x2a;

/**
 * The answer without the key that it was asked with: some servers repeat it in their errors, and those go to callers and
 * into logs. An error is looked through as a whole; a stream as it flows, over the borders of its reads.
 */
export async function withoutKey(response: WireResponse, key: string): Promise<WireResponse> {
  const { status, headers, body } = response;
  if (status < 400) return { status, headers, body: new MaskedBody(body, Buffer.from(key)) };
  return { status, headers, body: new HeldBody(await errorBytes(body, key)) };
}

/** The body of an error, as far as it is short and came, without the key. Never rejects. */
export async function errorBytes(body: WireBody, key: string): Promise<Buffer> {
  const secret = Buffer.from(key);
  const { bytes, cut } = await collected(body);
  mask(bytes, 0, bytes.length, secret);
  // What was cut off may have been the rest of a key.
  return cut ? bytes.subarray(0, Math.max(0, bytes.length - secret.length)) : bytes;
}

/** A body that is here already. */
export function heldBody(bytes: Buffer): WireBody {
  return new HeldBody(bytes);
}

function mask(bytes: Buffer, start: number, end: number, key: Buffer): void {
  for (let at = bytes.indexOf(key, start); at !== -1 && at + key.length <= end; at = bytes.indexOf(key, at)) {
    bytes.fill(asterisk, at, at + key.length);
  }
}

function collected(body: WireBody): Promise<{ readonly bytes: Buffer; readonly cut: boolean }> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const settle = (cut: boolean): void => {
      resolve({ bytes: Buffer.concat(pieces).subarray(0, errorLimitBytes), cut });
    };
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        pieces.push(bytes.subarray(start, end));
        length += end - start;
        if (length < errorLimitBytes) return;
        body.destroy();
        settle(true);
      },
      end: () => settle(false),
      // Its status says what matters; what came of the sentence is told.
      fail: () => settle(true),
    });
  });
}

/** The payload is part of the very bytes that `raw` gets after it, so masking the one masks the other. */
class MaskedBody implements WireBody {
  readonly #inner: WireBody;
  readonly #key: Buffer;
  /** Bytes of the key that the payload so far ends with. */
  #begun = 0;

  constructor(inner: WireBody, key: Buffer) {
    this.#inner = inner;
    this.#key = key;
  }

  get framing(): WireBody['framing'] {
    return this.#inner.framing;
  }

  pipe(sink: WireSink): void {
    this.#inner.pipe({
      raw: (bytes) => sink.raw(bytes),
      payload: (bytes, start, end) => {
        this.#mask(bytes, start, end);
        sink.payload(bytes, start, end);
      },
      end: () => sink.end(),
      fail: (error, intact) => sink.fail(error, intact),
    });
  }

  resume(): void {
    this.#inner.resume();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  #mask(bytes: Buffer, start: number, end: number): void {
    const key = this.#key;
    const rest = this.#begun === 0 ? 0 : commonLength(bytes, start, end, key, this.#begun);
    const matched = this.#begun + rest;
    if (matched === key.length || (matched >= tellingBytes && rest > 0)) bytes.fill(asterisk, start, start + rest);
    if (rest > 0 && start + rest === end && matched < key.length) {
      this.#begun = matched;
      return;
    }
    mask(bytes, start, end, key);
    this.#begun = beginningAt(bytes, start, end, key);
    if (this.#begun >= tellingBytes) bytes.fill(asterisk, end - this.#begun, end);
  }
}

/** How many bytes from `start` on go on with the key from its byte `from` on. */
function commonLength(bytes: Buffer, start: number, end: number, key: Buffer, from: number): number {
  let length = 0;
  while (start + length < end && from + length < key.length && bytes[start + length] === key[from + length]) {
    length += 1;
  }
  return length;
}

/** How many bytes of the key's beginning the piece ends with; 0 to all but one. */
function beginningAt(bytes: Buffer, start: number, end: number, key: Buffer): number {
  for (let at = Math.max(start, end - key.length + 1); at < end; at += 1) {
    if (bytes[at] === key[0] && commonLength(bytes, at, end, key, 0) === end - at) return end - at;
  }
  return 0;
}

class HeldBody implements WireBody {
  readonly framing: WireBody['framing'];
  readonly #bytes: Buffer;
  #over = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.framing = { kind: 'length', lengthBytes: bytes.length };
  }

  pipe(sink: WireSink): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#bytes.length > 0) {
      sink.payload(this.#bytes, 0, this.#bytes.length);
      sink.raw(this.#bytes);
    }
    sink.end();
  }

  resume(): void {
    // Nothing is held back.
  }

  destroy(): void {
    this.#over = true;
  }
}
