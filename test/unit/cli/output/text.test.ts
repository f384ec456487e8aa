import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellWidth, cut, fill, safeBlock, safeJson, safeLine, wrap } from '../../../../electron/cli/output/text.ts';

const obeyed = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;
const hostile = fc.string({
  unit: fc.constantFrom(
    'a',
    ' ',
    '\u001b',
    '[',
    '3',
    '1',
    'm',
    ']',
    '\u0007',
    '\u009b',
    '\u202e',
    '\u2066',
    '\n',
    '\r',
    '\t',
    '\0',
    '\u2028',
    '語',
    '\u{1f9d1}\u200d\u{1f33e}',
  ),
  maxLength: 40,
});

describe('safeLine', () => {
  it.each([
    ['a colour', '\u001b[31mred\u001b[0m'],
    ['a title change', '\u001b]0;owned\u0007'],
    ['an unfinished sequence', 'x\u001b]52;c;'],
    ['an eight-bit sequence start', '\u009b2J'],
    ['a line that overwrites', 'safe\rowned'],
    ['a reordering mark', 'invoice\u202egpj.exe'],
    ['an isolate', '\u2067abc\u2069'],
    ['a line separator', 'a\u2028b'],
  ])('B71 leaves nothing for a terminal to obey: %s', (_name, text) => {
    expect(safeLine(text)).not.toMatch(obeyed);
  });

  it('B71 holds for any mixture', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(safeLine(text)).not.toMatch(obeyed);
      }),
    );
  });

  it('shows what it disarmed, and leaves other scripts alone', () => {
    expect(safeLine('a\u202eb\u0000c')).toBe('a\\u202eb\\x00c');
    expect(safeLine('größer 語 \u{1f33e} عربي')).toBe('größer 語 \u{1f33e} عربي');
  });
});

describe('safeBlock', () => {
  it('keeps lines and tabs', () => {
    expect(safeBlock('a\n\tb')).toBe('a\n\tb');
  });

  it('B71 disarms a sequence that is cut in two', () => {
    expect(safeBlock('\u001b') + safeBlock('[2J')).toBe('\\x1b[2J');
  });
});

describe('safeJson', () => {
  it('B71 says the same without a byte that a terminal would obey', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = safeJson({ text });
        expect(json).not.toMatch(obeyed);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

describe('cells', () => {
  it('counts what a terminal shows', () => {
    expect(cellWidth('abc')).toBe(3);
    expect(cellWidth('語')).toBe(2);
    expect(cellWidth('\u{1f9d1}\u200d\u{1f33e}')).toBe(2);
    expect(cellWidth('e\u0301')).toBe(1);
  });

  it('cuts to the width, never through a character', () => {
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('語語語', 4)).toBe('語…');
    expect(cut('abc', 3)).toBe('abc');
    expect(cut('abc', 0)).toBe('');
    fc.assert(
      fc.property(hostile.map(safeLine), fc.nat(20), (text, width) => {
        expect(cellWidth(cut(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('fills by cells', () => {
    expect(fill('語', 4)).toBe('語  ');
    expect(fill('7', 3, 'right')).toBe('  7');
  });

  it('wraps at blanks and cuts a word that is too long', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghij k', 5)).toEqual(['abcd…', 'k']);
    expect(wrap('', 5)).toEqual([]);
  });
});
