import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../../electron/agent/cloud/ledger/entries.ts';
import { decodeLines, encodeLine } from '../../../../electron/agent/cloud/ledger/journal-line.ts';
import { aCharge, aRow, aSettlement, numbered } from './examples.ts';

const entries: readonly JournalEntry[] = [
  { kind: 'reserve', charge: aCharge({ key: 'Zoë "the\nlaptop"' }), leased: true },
  { kind: 'settle', charge: aSettlement(), of: aCharge() },
  { kind: 'settle', charge: aSettlement({ wallMs: 7 }), of: aCharge({ wallMs: 5 }) },
  { kind: 'request', row: aRow({ persona: 'père\u2028' }) },
  { kind: 'release', id: 't2#0', atMs: 5 },
  { kind: 'remember', name: 'latestMs', value: '17' },
  { kind: 'probe' },
];
const text = Buffer.from(
  numbered(entries)
    .map(({ seq, entry }) => encodeLine(seq, entry))
    .join(''),
);

describe('a line of the journal', () => {
  it('comes back as it was written', () => {
    expect(decodeLines(text)).toEqual({ entries: numbered(entries), damaged: 0, readBytes: text.length });
  });

  it('comes back whatever names it has in it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))), (pairs) => {
        const remembered = numbered(pairs.map(([name, value]) => ({ kind: 'remember', name, value }) as const));
        const bytes = Buffer.from(remembered.map(({ seq, entry }) => encodeLine(seq, entry)).join(''));
        // JSON and UTF-8 together: what is no text, such as half a pair, is escaped and comes back too.
        expect(decodeLines(bytes).entries).toEqual(remembered);
      }),
    );
  });

  it('F18 is left for later where it is torn off, at every byte', () => {
    let whole = 0;
    for (let length = 0; length <= text.length; length += 1) {
      const part = text.subarray(0, length);
      if (part.at(-1) === 10) whole += 1;
      const found = decodeLines(part);
      expect(found.entries).toEqual(numbered(entries).slice(0, whole));
      expect(found.damaged).toBe(0);
      expect(found.readBytes).toBe(part.lastIndexOf(10) + 1);
    }
    expect(whole).toBe(entries.length);
  });

  it('is never read wrong where a byte is damaged, and takes no more than its neighbour with it', () => {
    for (let at = 0; at < text.length; at += 1) {
      const bad = Buffer.from(text);
      bad[at] = (bad[at] ?? 0) ^ 0x15;
      const found = decodeLines(bad);
      const known = numbered(entries).map((entry) => JSON.stringify(entry));
      expect(found.entries.every((entry) => known.includes(JSON.stringify(entry)))).toBe(true);
      expect(found.entries.length).toBeGreaterThanOrEqual(entries.length - 2);
      expect(found.entries.length).toBeLessThan(entries.length);
    }
  });

  it.each(['\n', 'nonsense\n', '00000000 1 {}\n', `${'0'.repeat(200)}\n`])('counts %j as damaged', (line) => {
    expect(decodeLines(Buffer.from(line))).toEqual({ entries: [], damaged: 1, readBytes: line.length });
  });
});
