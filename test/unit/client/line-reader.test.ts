import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventReader, LineReader, type ServerSentEvent } from '../../../electron/client/line-reader.ts';

function eventsOf(pieces: readonly string[]): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  const reader = new EventReader((event) => events.push(event));
  for (const piece of pieces) reader.push(piece);
  return events;
}

/** The text cut at the given places. */
function cut(text: string, places: readonly number[]): string[] {
  const marks = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length];
  return marks.slice(1).map((mark, index) => text.slice(marks[index], mark));
}

describe('lines', () => {
  it('are the same however the text arrives, whatever ends them', () => {
    const text = 'one\r\ntwo\n\nthree with : and ü\n';
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 8 }), (places) => {
        const lines: string[] = [];
        const reader = new LineReader((line) => lines.push(line));
        for (const piece of cut(text, places)) reader.push(piece);
        expect(lines).toEqual(['one', 'two', '', 'three with : and ü']);
      }),
    );
  });

  it('without an end are refused rather than kept', () => {
    const reader = new LineReader(() => undefined);
    expect(() => {
      for (let piece = 0; piece < 20; piece += 1) reader.push('x'.repeat(1024 * 1024));
    }).toThrow(RangeError);
  });
});

describe('server-sent events', () => {
  it('are the same however the text arrives', () => {
    const text =
      ':\n\nid: 7\ndata: {"a":1}\n\nid: 8\nevent: change\ndata: two\ndata:lines\nretry: 5\n\n: beat\n\ndata: three\n\n';
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 8 }), (places) => {
        expect(eventsOf(cut(text, places))).toEqual([
          { id: '7', data: '{"a":1}' },
          { id: '8', data: 'two\nlines' },
          { id: '8', data: 'three' },
        ]);
      }),
    );
  });

  it('that are not complete are not told', () => {
    expect(eventsOf(['id: 1\ndata: x\n'])).toEqual([]);
    expect(eventsOf(['\n\n:\n\nid: 1\n\n'])).toEqual([]);
  });
});
