import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, TextLines } from '../../../../electron/agent/gateway/dialects/lines.ts';

function lines(pieces: readonly Buffer[], limitBytes?: number): { lines: string[]; errors: string[] } {
  const told: string[] = [];
  const errors: string[] = [];
  const splitter = new LineSplitter(
    {
      line: (bytes, start, end) => told.push(bytes.toString('utf8', start, end)),
      broken: (error) => errors.push(error.code),
    },
    limitBytes,
  );
  for (const piece of pieces) splitter.push(piece, 0, piece.length);
  splitter.end();
  return { lines: told, errors };
}

function texts(pieces: readonly Buffer[], limitBytes?: number): string[] {
  const told: string[] = [];
  const parser = new TextLines(
    { line: (text) => told.push(text), broken: (error) => told.push(`broken ${error.code}`) },
    limitBytes,
  );
  for (const piece of pieces) parser.push(piece, 0, piece.length);
  parser.end();
  return told;
}

/** Cuts of `bytes`, some of them empty. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const points = [...at.map((point) => point % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  return points.slice(1).map((point, index) => bytes.subarray(points[index] ?? 0, point));
}

describe('LineSplitter', () => {
  it('ends lines with LF, CR and both, also where a piece ends between the two', () => {
    expect(lines([Buffer.from('a\nb\rc\r\nd')]).lines).toEqual(['a', 'b', 'c', 'd']);
    expect(lines([Buffer.from('a\r'), Buffer.from('\nb')]).lines).toEqual(['a', 'b']);
    expect(lines([Buffer.from('a\r'), Buffer.from(''), Buffer.from('\n\nb')]).lines).toEqual(['a', '', 'b']);
    expect(lines([Buffer.from('a\n\r\n\rb')]).lines).toEqual(['a', '', '', 'b']);
  });

  it('reads only its part of the bytes', () => {
    const told: string[] = [];
    const splitter = new LineSplitter({
      line: (bytes, start, end) => told.push(bytes.toString('utf8', start, end)),
      broken: () => told.push('broken'),
    });
    const bytes = Buffer.from('x\nab\ncd\rx\n');
    splitter.push(bytes, 2, 6);
    splitter.push(bytes, 6, 8);
    splitter.end();
    expect(told).toEqual(['ab', 'cd']);
  });

  it('leaves out a byte order mark, and only before the first line', () => {
    const mark = Buffer.from([0xef, 0xbb, 0xbf]);
    expect(lines([mark, Buffer.from('a\n'), mark, Buffer.from('b\n')]).lines).toEqual(['a', '\uFEFFb']);
    expect(lines([Buffer.from([0xef]), Buffer.from([0xbb]), Buffer.from([0xbf, 0x61, 0x0a])]).lines).toEqual(['a']);
  });

  it('B53 a 10 MB line: tells so once, keeps nothing and tells nothing else', () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    const told = lines([...Array.from({ length: 160 }, () => piece), Buffer.from('\nnext\n')]);
    expect(told).toEqual({ lines: [], errors: ['upstream_failed'] });
    expect(lines([Buffer.from('12345\n1234\n')], 4)).toEqual({ lines: [], errors: ['upstream_failed'] });
    expect(lines([Buffer.from('1234\n1234')], 4)).toEqual({ lines: ['1234', '1234'], errors: [] });
  });

  it('gives the same lines wherever the bytes are split (fuzz)', () => {
    const text = fc.array(fc.oneof(fc.constantFrom('\n', '\r', '\r\n', '\uFEFF', 'ä', '😀', 'data: '), fc.string()));
    fc.assert(
      fc.property(text, fc.array(fc.nat(500), { maxLength: 12 }), (pieces, points) => {
        const bytes = Buffer.from(pieces.join(''));
        expect(lines(cut(bytes, points))).toEqual(lines([bytes]));
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same lines at every single split point and byte by byte', () => {
    const bytes = Buffer.from('\uFEFFä😀\r\n\r\n\nx\ry\n\r\nend');
    const whole = lines([bytes]);
    expect(whole.lines).toEqual(['ä😀', '', '', 'x', 'y', '', 'end']);
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(lines([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
    expect(lines([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
  });
});

describe('TextLines', () => {
  it('tells lines that are not blank, the last one without its end too', () => {
    expect(texts([Buffer.from('{"a":1}\r\n\r\n  \n{"b":'), Buffer.from('2}')])).toEqual(['{"a":1}', '{"b":2}']);
  });

  it('B53 a line over the limit: tells so', () => {
    expect(texts([Buffer.from('{"a":1}\n{"b":22222}\n{"c":3}\n')], 8)).toEqual(['{"a":1}', 'broken upstream_failed']);
  });

  it('reads what JSON.stringify wrote, however it is split (fuzz)', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.array(fc.nat(2000)), (values, points) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
        expect(texts(cut(bytes, points)).map((line) => JSON.stringify(JSON.parse(line)))).toEqual(
          values.map((value) => JSON.stringify(value)),
        );
      }),
    );
  });
});
