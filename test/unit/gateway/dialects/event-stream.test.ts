import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStreamParser } from '../../../../electron/agent/gateway/dialects/event-stream.ts';

interface Told {
  readonly events: [name: string, data: string][];
  readonly errors: string[];
}

function read(pieces: readonly (Buffer | string)[], limitBytes?: number): Told {
  const told: Told = { events: [], errors: [] };
  const parser = new EventStreamParser(
    { event: (data, name) => told.events.push([name, data]), broken: (error) => told.errors.push(error.code) },
    limitBytes,
  );
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    parser.push(bytes, 0, bytes.length);
  }
  parser.end();
  return told;
}

const data = (...pieces: (Buffer | string)[]): string[] => read(pieces).events.map(([, text]) => text);

describe('EventStreamParser', () => {
  it('reads names, data, comments and fields it does not know', () => {
    const text = ': hello\nevent: ping\nid: 7\nretry: 5\ndatax: no\nda: no\ndata: {"a":1}\n\ndata:{"b":2}\n\n';
    expect(read([text]).events).toEqual([
      ['ping', '{"a":1}'],
      ['', '{"b":2}'],
    ]);
  });

  it('joins lines of data, keeps all but one leading space, and tells empty data', () => {
    expect(data('data:  a\ndata:b\ndata\ndata: \n\n')).toEqual([' a\nb\n\n']);
    expect(data('data\n\n')).toEqual(['']);
    expect(data('event: x\n\nid: 1\n\n')).toEqual([]);
  });

  it('forgets a name whose event has no data', () => {
    expect(read(['event: a\n\ndata: 1\n\n']).events).toEqual([['', '1']]);
  });

  it('takes a comment between two lines of one event for nothing', () => {
    expect(data('data: a\n: ping\ndata: b\n\n')).toEqual(['a\nb']);
  });

  it('tells the last event where its blank line or line end is missing', () => {
    expect(data('data: 1\n\ndata: [DONE]\n')).toEqual(['1', '[DONE]']);
    expect(data('data: 1\n\ndata: [DONE]')).toEqual(['1', '[DONE]']);
  });

  it.each(['\n', '\r', '\r\n'])('reads the same with %j as the end of lines, at every split point', (newline) => {
    const bytes = Buffer.from(['\uFEFF: c', 'event: e', 'data: ä😀', 'data: x', '', 'data: y', '', ''].join(newline));
    const whole = read([bytes]);
    expect(whole).toEqual({
      events: [
        ['e', 'ä😀\nx'],
        ['', 'y'],
      ],
      errors: [],
    });
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
    expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
  });

  it('reads only its part of the bytes', () => {
    const events: string[] = [];
    const parser = new EventStreamParser({ event: (text) => events.push(text), broken: () => events.push('broken') });
    const bytes = Buffer.from('9\r\ndata: ab\n\r\n1\r\n\n\r\n');
    parser.push(bytes, 3, 12);
    parser.push(bytes, 17, 18);
    expect(events).toEqual(['ab']);
  });

  it('B52 a newline and "event:" inside a token stay in one event', () => {
    const token = JSON.stringify({ text: 'a\nevent: message_stop\ndata: [DONE]\n\n' });
    expect(read([`data: ${token}\n\n`]).events).toEqual([['', token]]);
  });

  it('B53 a 10 MB line: one clear failure, nothing after it', () => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    const pieces = ['data: 1\n\ndata: ', ...Array.from({ length: 160 }, () => piece), '\n\ndata: 2\n\n'];
    expect(read(pieces)).toEqual({ events: [['', '1']], errors: ['upstream_failed'] });
  });

  it('B53 endless lines of one event: one clear failure', () => {
    const line = `data: ${'x'.repeat(1000)}\n`;
    expect(read([line.repeat(20), '\n', 'data: 2\n\n'], 10_000)).toEqual({ events: [], errors: ['upstream_failed'] });
  });

  it('B53 HTML is no event', () => {
    expect(read(['<!doctype html>\n<html><body>data: x</body>\n\n</html>'])).toEqual({ events: [], errors: [] });
  });

  it('gives back what a writer wrote, however it is split (fuzz)', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll(/[\r\n]/g, '·'));
    const event = fc.tuple(word, fc.array(word, { minLength: 1, maxLength: 4 }), fc.constantFrom('\n', '\r', '\r\n'));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), fc.array(fc.nat(3000), { maxLength: 30 }), (events, points) => {
        const bytes = Buffer.from(
          events
            .map(([name, lines, newline]) =>
              [`event: ${name}`, ...lines.map((line) => `data: ${line}`), ': ping', '', ''].join(newline),
            )
            .join(''),
        );
        const cuts = [...points.map((point) => point % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
        const pieces = cuts.slice(1).map((point, index) => bytes.subarray(cuts[index] ?? 0, point));
        expect(read(pieces)).toEqual({ events: events.map(([name, lines]) => [name, lines.join('\n')]), errors: [] });
      }),
      { numRuns: 500 },
    );
  });

  it('never fails on any bytes (fuzz)', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
        const whole = read([Buffer.concat(pieces)]);
        expect(read(pieces.map((piece) => Buffer.from(piece)))).toEqual(whole);
      }),
    );
  });
});
