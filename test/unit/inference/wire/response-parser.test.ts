import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseParser } from '../../../../electron/agent/inference/wire/response-parser.ts';

interface Parsed {
  status: number | undefined;
  headers: [string, string][];
  framing: unknown;
  payload: string;
  done: boolean;
  trailers: boolean;
  error: string | null;
  /** Bytes consumed. */
  consumed: number;
}

/** Parses `text` cut at the given places, then ends the connection when `ended`. */
function parse(text: string, cuts: readonly number[] = [], ended = false, method = 'POST'): Parsed {
  const bytes = Buffer.from(text, 'latin1');
  let payload = '';
  const parser = new ResponseParser(method, (piece, start, end) => (payload += piece.toString('latin1', start, end)));
  let error: string | null = null;
  let consumed = 0;
  try {
    const ends = [...new Set([...cuts.filter((cut) => cut > 0 && cut < bytes.length), bytes.length])].sort(
      (a, b) => a - b,
    );
    let from = 0;
    for (const end of ends) {
      const piece = bytes.subarray(from, end);
      let at = 0;
      while (at < piece.length && !parser.done) at = parser.push(piece, at);
      consumed += at;
      from = end;
    }
    if (ended) parser.finish();
  } catch (thrown) {
    error = String(thrown);
  }
  return {
    status: parser.head?.status,
    headers: [...(parser.head?.headers ?? [])],
    framing: parser.framing,
    payload,
    done: parser.done,
    trailers: parser.done && parser.hasTrailers,
    error,
    consumed,
  };
}

const ok = 'HTTP/1.1 200 OK\r\n';
const chunkedHead = `${ok}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`;

const samples: Record<string, string> = {
  length: `${ok}Content-Length: 11\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello world`,
  empty: `${ok}Content-Length: 0\r\n\r\n`,
  chunked: `${chunkedHead}5\r\nhello\r\n1;a="b\t"\r\n \r\n000A \r\n0123456789\r\n0\r\n\r\n`,
  trailers: `${chunkedHead}a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0;last\r\nX-Sum: 1\r\nY: 2\r\n\r\n`,
  interim: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`,
  noContent: 'HTTP/1.1 204 No Content\r\n\r\n',
  noReason: 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n!',
  proto: `${ok}__proto__: x\r\nConstructor: y\r\nContent-Length: 0\r\n\r\n`,
};

describe('ResponseParser', () => {
  it('reads a body of known length, joining repeated headers', () => {
    const parsed = parse(samples['length'] ?? '');
    expect(parsed).toMatchObject({ status: 200, payload: 'hello world', done: true, error: null });
    expect(parsed.headers).toContainEqual(['x-a', '1, 2']);
    expect(parsed.framing).toEqual({ kind: 'length', lengthBytes: 11 });
  });

  it('reads chunks with extensions, zeros before the size, and trailers', () => {
    expect(parse(samples['chunked'] ?? '')).toMatchObject({ payload: 'hello 0123456789', done: true, trailers: false });
    expect(parse(samples['trailers'] ?? '')).toMatchObject({
      payload: '\r\n\r\n\r\n\r\n\r\n',
      done: true,
      trailers: true,
    });
  });

  it('skips interim answers', () => {
    expect(parse(samples['interim'] ?? '')).toMatchObject({ status: 200, payload: 'ok', done: true });
  });

  it('reads a body that the end of the connection ends', () => {
    expect(parse(`${ok}\r\nabc`)).toMatchObject({ payload: 'abc', done: false, framing: { kind: 'close' } });
    expect(parse(`${ok}\r\nabc`, [], true)).toMatchObject({ payload: 'abc', done: true, error: null });
  });

  it('knows that answers to HEAD and of status 204 and 304 have no body', () => {
    expect(parse(samples['length']?.slice(0, -11) ?? '', [], false, 'HEAD')).toMatchObject({ done: true });
    expect(parse('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n')).toMatchObject({ done: true });
  });

  it('keeps header names such as __proto__ as data', () => {
    expect(parse(samples['proto'] ?? '').headers).toContainEqual(['__proto__', 'x']);
  });

  it('stops at the end of the response and leaves the next bytes alone', () => {
    const text = samples['chunked'] ?? '';
    expect(parse(`${text}HTTP/1.1 200 OK\r\n`)).toMatchObject({ done: true, consumed: text.length });
  });

  it.each(Object.entries(samples))('gives the same result at every split point: %s', (_name, text) => {
    const whole = parse(text);
    expect(whole).toMatchObject({ done: true, error: null });
    for (let cut = 1; cut < text.length; cut += 1) expect(parse(text, [cut])).toEqual(whole);
    const everywhere = Array.from({ length: text.length }, (_, at) => at);
    expect(parse(text, everywhere)).toEqual(whole);
  });

  it.each([
    ['no status line', 'hello\r\n\r\n'],
    ['another version', 'HTTP/2 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['HTML', '<html>\r\n\r\n'],
    ['a folded header', `${ok}A: 1\r\n b\r\n\r\n`],
    ['a space before the colon', `${ok}A : 1\r\n\r\n`],
    ['a bare LF in a header', `${ok}A: 1\nB: 2\r\n\r\n`],
    ['a NUL in a header', `${ok}A: 1\0\r\n\r\n`],
    ['length and chunks', `${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['two lengths', `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ['a length below zero', `${ok}Content-Length: -1\r\n\r\n`],
    ['a length in hex', `${ok}Content-Length: 0x1\r\n\r\n`],
    ['another transfer coding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a switch of protocols', 'HTTP/1.1 101 Switching\r\n\r\n'],
    ['a chunk without a size', `${chunkedHead}\r\nx`],
    ['a chunk size below zero', `${chunkedHead}-1\r\nx`],
    ['a chunk size that is no number', `${chunkedHead}5x\r\nhello\r\n`],
    ['a huge chunk', `${chunkedHead}ffffffff\r\n`],
    ['a chunk size of many zeros', `${chunkedHead}${'0'.repeat(17)}\r\n`],
    ['a bare LF after a size', `${chunkedHead}5\nhello\r\n`],
    ['a chunk longer than its size', `${chunkedHead}5\r\nhello!\r\n`],
    ['a bare LF in an extension', `${chunkedHead}5;a\nhello\r\n`],
    ['an endless extension', `${chunkedHead}5;${'a'.repeat(5000)}`],
    ['endless trailers', `${chunkedHead}0\r\n${'A: b\r\n'.repeat(4000)}`],
    ['a bare LF in trailers', `${chunkedHead}0\r\nA: b\n\r\n`],
    ['an endless head', `${ok}A: ${'a'.repeat(70_000)}`],
    ['endless interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(4000)],
    ['too many headers', `${ok}${'A: b\r\n'.repeat(300)}\r\n`],
  ])('refuses %s, however it is cut', (_name, text) => {
    expect(parse(text).error).toContain('WireFormatError');
    const thirds = [Math.floor(text.length / 3), Math.floor((2 * text.length) / 3), text.length - 1];
    expect(parse(text, thirds).error).toContain('WireFormatError');
  });

  it.each([
    ['a length', `${ok}Content-Length: 5\r\n\r\nhell`],
    ['chunks', `${chunkedHead}5\r\nhello\r\n`],
    ['a head', ok],
  ])('refuses the end of the connection in the middle of %s', (_name, text) => {
    expect(parse(text, [], true).error).toContain('before the answer was complete');
  });

  it('gives back any payload in any chunks at any cuts', () => {
    const piece = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(600), { maxLength: 12 }), (pieces, cuts) => {
        const body = pieces.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
        const parsed = parse(`${chunkedHead}${body}0\r\n\r\n`, cuts);
        expect(parsed).toMatchObject({ payload: pieces.join(''), done: true, error: null });
      }),
    );
  });

  it('never throws anything but its own error, nor gives payload beyond its input, on random bytes', () => {
    const fragments = fc.constantFrom(
      '\r\n',
      '0',
      '5',
      ';',
      'a',
      '\n',
      'HTTP/1.1 200 OK\r\n',
      chunkedHead,
      '\0',
      ':',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 40 }), fc.array(fc.nat(400), { maxLength: 8 }), (parts, cuts) => {
        const text = parts.join('');
        const parsed = parse(text, cuts, true);
        const whole = parse(text, [], true);
        expect(parsed.error === null || parsed.error.startsWith('WireFormatError')).toBe(true);
        expect(parsed.error).toBe(whole.error);
        expect(parsed.payload.length).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('tells where the last complete chunk of a read ended', () => {
    const parser = new ResponseParser('POST', () => undefined);
    const head = Buffer.from(chunkedHead);
    expect(parser.push(head)).toBe(head.length);
    parser.push(Buffer.from('2\r\nab\r\n3\r\nc'));
    expect(parser.boundary).toBe(7);
    parser.push(Buffer.from('de\r'));
    expect(parser.boundary).toBe(0);
    parser.push(Buffer.from('\n'));
    expect(parser.boundary).toBe(1);
  });
});
