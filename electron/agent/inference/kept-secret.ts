import type { WireBody, WireResponse, WireSink } from './wire-response.ts';

/** Longest body of an error that is looked through; more of it says nothing to anyone. */
const errorLimitBytes = 64 * 1024;
const asterisk = 0x2a;

/**
 * The answer without the key that it was asked with: some servers repeat it in their errors, and those go to callers and
 * into logs. An error is looked through as a whole; of a stream each piece by itself, as it flows.
 */
export async function withoutKey(response: WireResponse, key: string): Promise<WireResponse> {
  const { status, headers, body } = response;
  if (status < 400) return { status, headers, body: new MaskedBody(body, Buffer.from(key)) };
  const bytes = await collected(body);
  mask(bytes, 0, bytes.length, Buffer.from(key));
  return { status, headers, body: new HeldBody(bytes) };
}

function mask(bytes: Buffer, start: number, end: number, key: Buffer): void {
  for (let at = bytes.indexOf(key, start); at !== -1 && at + key.length <= end; at = bytes.indexOf(key, at)) {
    bytes.fill(asterisk, at, at + key.length);
  }
}

function collected(body: WireBody): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const settle = (): void => {
      resolve(Buffer.concat(pieces).subarray(0, errorLimitBytes));
    };
    body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        pieces.push(bytes.subarray(start, end));
        length += end - start;
        if (length < errorLimitBytes) return;
        body.destroy();
        settle();
      },
      end: settle,
      fail: reject,
    });
  });
}

/** The payload is part of the very bytes that `raw` gets after it, so masking the one masks the other. */
class MaskedBody implements WireBody {
  readonly #inner: WireBody;
  readonly #key: Buffer;

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
        mask(bytes, start, end, this.#key);
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
}

/** A body that is here already. */
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
