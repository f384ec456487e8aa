import { expect, it } from 'vitest';
import { quotable } from '../../../electron/agent/base/quotable.ts';

it.each([
  ['plain', 'plain'],
  ['größer 模型', 'größer 模型'],
  ['a\nb\r\n\tc', 'a b c'],
  ['\u001b[31mred\u0007', '\ufffd[31mred\ufffd'],
  ['\u009b31m', '\ufffd31m'],
  ['a\u202egnp', 'a\ufffdgnp'],
  ['a\u2028b\u0000', 'a\ufffdb\ufffd'],
])('B71 %j becomes %j', (text, expected) => {
  expect(quotable(text, 100)).toBe(expected);
});

it('cuts what is too long, and leaves no half of a character', () => {
  expect(quotable('abcdef', 3)).toBe('abc…');
  expect(quotable('ab😀', 3)).toBe('ab\ufffd…');
  expect(quotable('abc', 3)).toBe('abc');
});
