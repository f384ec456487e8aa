import { KeySpelling } from './key-spelling.ts';
import type { WireBody, WireResponse, WireSink } from './wire-response.ts';

/** Longest body of an error that is looked through; more of it says nothing to anyone. */
const errorLimitBytes = 64 * 1024;
/** So much of the key at a piece's end is taken for it before the rest has come; less gives nothing away. */
const tellingCharacters = 8;
const asterisk = 0x2a;

/**
 * The answer without the key that it was asked with, however it is spelled: some servers repeat it in their errors, and
 * those go to callers and into logs. An error is looked through as a whole; a stream as it flows, over the borders of its
 * reads.
 */
export async function withoutKey(response: WireResponse, key: string): Promise<WireResponse> {
  const { status, body } = response;
  const headers = headersWithout(response.headers, key);
  if (status < 400) return { status, headers, body: new MaskedBody(body, new KeySpelling(key)) };
  return { status, headers, body: new HeldBody(await errorBytes(body, key)) };
}

/** The body of an error, as far as it is short and came, without the key. Never rejects. */
export async function errorBytes(body: WireBody, key: string): Promise<Buffer> {
  const { bytes, cut } = await collected(body);
  const begun = new KeySpelling(key).mask(bytes, 0, bytes.length);
  // What was cut off may have been the rest of a key.
  return cut && begun !== null ? bytes.subarray(0, begun.at) : bytes;
}

/** A body that is here already. */
export function heldBody(bytes: Buffer): WireBody {
  return new HeldBody(bytes);
}

/** The same where no header holds the key, as nearly all do. */
function headersWithout(headers: ReadonlyMap<string, string>, key: string): ReadonlyMap<string, string> {
  let kept = headers;
  for (const [name, value] of headers) {
    if (value.length < key.length) continue;
    const bytes = Buffer.from(value, 'latin1');
    new KeySpelling(key).mask(bytes, 0, bytes.length);
    const masked = bytes.toString('latin1');
    if (masked !== value) kept = new Map(kept).set(name, masked);
  }
  return kept;
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
  readonly #key: KeySpelling;
  /** The payload's end so far, as it came, where that may be the beginning of the key. */
  #begun: Buffer | null = null;

  constructor(inner: WireBody, key: KeySpelling) {
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
    const before = this.#begun;
    if (before === null) {
      this.#begun = this.#maskPiece(bytes, start, end);
      return;
    }
    const joined = Buffer.concat([before, bytes.subarray(start, end)]);
    this.#begun = this.#maskPiece(joined, 0, joined.length);
    joined.copy(bytes, start, before.length);
  }

  /** Returns what the piece ends with that may be the beginning of the key, as it was; most end with none. */
  #maskPiece(bytes: Buffer, start: number, end: number): Buffer | null {
    const begun = this.#key.mask(bytes, start, end);
    if (begun === null) return null;
    const kept = Buffer.from(bytes.subarray(begun.at, end));
    if (begun.characters >= tellingCharacters) bytes.fill(asterisk, begun.at, end);
    return kept;
  }
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
