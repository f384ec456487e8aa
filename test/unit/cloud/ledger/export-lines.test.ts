import { describe, expect, it } from 'vitest';
import {
  csvHead,
  csvLine,
  exportColumns,
  exportUsd,
  jsonLine,
} from '../../../../electron/agent/cloud/ledger/export-lines.ts';

function cellOf(key: string): string {
  return csvLine({ kind: 'request', key })
    .split(',')
    .slice(exportColumns.indexOf('key'), -1 * (exportColumns.length - 6))
    .join(',');
}

describe('an exported line', () => {
  it.each([
    ['laptop', 'laptop'],
    ['=1+1', "'=1+1"],
    ['+49', "'+49"],
    ['-x', "'-x"],
    ['@sum', "'@sum"],
    ['\ttab', "'\ttab"],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['=a\r', '"\'=a\r"'],
  ])('writes the name %j as %j', (name, cell) => {
    expect(cellOf(name)).toBe(cell);
  });

  it('quotes what has a comma', () => {
    expect(csvLine({ kind: 'request', key: 'a,b' })).toContain(',"a,b",');
  });

  it('leaves numbers numbers, below zero too', () => {
    expect(csvLine({ kind: 'charge', costUsd: -1.5, flagged: true })).toContain(',-1.5,');
  });

  it('has as many cells as the first line has names', () => {
    const cells = (line: string): number => line.trimEnd().split(',').length;
    expect(cells(csvLine({ kind: 'hour', tokensPerSecond: 1 }))).toBe(cells(csvHead));
    expect(csvHead.endsWith('\r\n')).toBe(true);
  });

  it('keeps a nanodollar', () => {
    expect(csvLine({ kind: 'charge', costUsd: exportUsd(30) })).toContain(',0.00000003,');
    expect(csvLine({ kind: 'charge', costUsd: 0 })).toContain(',0,');
    expect(exportUsd(1)).toBe(1e-9);
    expect(exportUsd(123_456_789_012)).toBe(123.456789012);
    expect(jsonLine({ kind: 'charge', costUsd: exportUsd(30) })).toBe('{"kind":"charge","costUsd":3e-8}\n');
  });
});
