import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../../electron/agent/engines/supervisor/line-splitter.ts';

function split(pieces: readonly Buffer[], longestLine = 1_000): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter({ longestLine }, (line) => lines.push(line));
  for (const piece of pieces) splitter.push(piece);
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const text = Buffer.from('one\r\nzwölf 🐎\n\nlast');
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = edges.slice(1).map((edge, index) => text.subarray(edges[index], edge));
        expect(split(pieces)).toEqual(['one', 'zwölf 🐎', '', 'last']);
      }),
    );
  });

  it('cuts a line that is too long and goes on with the next one', () => {
    expect(split([Buffer.from('x'.repeat(50)), Buffer.from('y'.repeat(50)), Buffer.from('\nnext\n')], 10)).toEqual([
      'x'.repeat(10),
      'next',
    ]);
  });
});
