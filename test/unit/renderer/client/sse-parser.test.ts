import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader, readText } from '../../../../renderer/client/line-reader.ts';
import { SseParser } from '../../../../renderer/client/sse-parser.ts';
import { OpenAnswer } from '../fake-answers.ts';

const stream =
  ':\n\nid: 4\nevent: change\ndata: {"a":1}\n\ndata: one\r\ndata: two\r\n\r\nretry: 3\n\ndata\n\ndata: no end\n';
const messages = [
  { event: 'change', data: '{"a":1}' },
  { event: 'message', data: 'one\ntwo' },
  { event: 'message', data: '' },
];

describe('SseParser', () => {
  it('reads messages however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const parser = new SseParser();
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const read = places.flatMap((place, index) => parser.push(stream.slice(place, places[index + 1] ?? place)));
        expect(read).toEqual(messages);
      }),
    );
  });

  it('a message past its bound is refused, in one line or many', () => {
    const long = 'x'.repeat(1024 * 1024);
    expect(() => {
      const parser = new SseParser();
      for (let i = 0; i < 18; i += 1) parser.push(long);
    }).toThrow(RangeError);
    expect(() => {
      const parser = new SseParser();
      for (let i = 0; i < 18; i += 1) parser.push(`data: ${long}\n`);
    }).toThrow(RangeError);
  });
});

describe('LineReader', () => {
  it('takes LF, CR and CRLF, also when CRLF is cut in two', () => {
    const reader = new LineReader({ maxLineChars: 100 });
    expect(reader.push('a\r')).toEqual(['a']);
    expect(reader.push('')).toEqual([]);
    expect(reader.push('\nb\rc\n')).toEqual(['b', 'c']);
  });
});

describe('readText', () => {
  it('joins the bytes of a character that arrive apart', async () => {
    const answer = new OpenAnswer();
    const bytes = new TextEncoder().encode('🐎');
    for (const byte of bytes) answer.writeBytes(Uint8Array.of(byte));
    answer.end();
    let text = '';
    if (answer.response.body === null) throw new Error('no body');
    await readText(answer.response.body, (part) => {
      text += part;
    });
    expect(text).toBe('🐎');
  });

  it('lets go of the stream when its reader throws', async () => {
    const answer = new OpenAnswer();
    answer.write('boom');
    if (answer.response.body === null) throw new Error('no body');
    await expect(
      readText(answer.response.body, () => {
        throw new Error('enough');
      }),
    ).rejects.toThrow('enough');
    expect(answer.cancelled).toBe(true);
  });
});
