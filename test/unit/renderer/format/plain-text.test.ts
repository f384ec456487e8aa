import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainLine, plainText } from '../../../../renderer/format/plain-text.ts';

const esc = '\u001b';

describe('plainText', () => {
  it.each([
    [`${esc}[31mred${esc}[0m`, 'red'],
    [`${esc}[2J${esc}[1;1Hgone`, 'gone'],
    [`${esc}]0;title\u0007text`, 'text'],
    [`${esc}]8;;https://example.org${esc}\\link${esc}]8;;${esc}\\`, 'link'],
    ['\u009b31mred', 'red'],
    [`${esc}(Bplain`, 'plain'],
  ])('B71 terminal sequences are gone: %j', (text, shown) => {
    expect(plainText(text)).toBe(shown);
  });

  it('B71 marks that reorder or hide text are seen', () => {
    expect(plainText('model\u202egnp.exe')).toBe('model\ufffdgnp.exe');
    expect(plainText('a\u2066b\u2069c\u200bd\ufeffe')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde');
    expect(plainText('tag\u{e0041}')).toBe('tag\ufffd');
  });

  it('B71 markup stays the text that it is', () => {
    expect(plainText('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
  });

  it('keeps lines, tabs and every script', () => {
    expect(plainText('a\tb\r\nc\rd\n')).toBe('a\tb\nc\nd\n');
    expect(plainText('Grüße, مرحبا, 你好, 🐎')).toBe('Grüße, مرحبا, 你好, 🐎');
  });

  it('B71 never lets a control or direction character through, whatever the text', () => {
    const nasty = fc.constantFrom(
      esc,
      '\u009b',
      '\u202e',
      '\u2067',
      '[',
      ']',
      '31m',
      '\u0007',
      '\\',
      '\u0000',
      'x',
      '\r',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 12 }),
        (parts) => {
          expect(plainText(parts.join(''))).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069](?<![\n\t])/u);
        },
      ),
    );
  });

  it('plainLine is one line', () => {
    expect(plainLine('one \n two\r\nthree')).toBe('one two three');
  });
});
