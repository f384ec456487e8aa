import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSecretName, judgeSecret } from '../../../../electron/agent/config/secrets/secret-value.ts';

describe('judgeSecret', () => {
  it('takes a key without the blanks and line ends around it', () => {
    expect(judgeSecret('  sk-test-0123456789\r\n')).toEqual({ kind: 'key', value: 'sk-test-0123456789' });
  });

  it.each([
    ['nothing', '   \n'],
    ['too short', 'sk-1234'],
    ['too long', 'k'.repeat(4_097)],
    ['two lines', 'sk-test-0123\nsk-test-4567'],
    ['a line of an .env file', 'OPENAI_API_KEY=sk-test-0123456789'],
    ['a header', 'Bearer sk-test-0123456789'],
    ['a typographic dash', 'sk–test–0123456789'],
    ['a null byte', 'sk-test-\u00000123456789'],
  ])('refuses %s without repeating it', (_what, given) => {
    const judged = judgeSecret(given);
    expect(judged.kind).toBe('refused');
    const sentence = judged.kind === 'refused' ? judged.sentence : '';
    expect(sentence).toMatch(/^[A-Z].+\.$/);
    expect(sentence).not.toContain('0123');
  });

  it('what it takes always fits into a header, and a refusal holds none of what was given', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12, maxLength: 60, unit: 'binary' }), (given) => {
        const judged = judgeSecret(given);
        if (judged.kind === 'key') expect(judged.value).toMatch(/^[\x21-\x7e]{8,4096}$/);
        else expect(judged.sentence).not.toContain(given);
      }),
    );
  });
});

it('names of providers are safe as names of files', () => {
  expect(['openai', 'my-server-2'].every(isSecretName)).toBe(true);
  expect(['', '..', '../x', 'a/b', 'A', '-a', 'a.b', '__proto__', 'a'.repeat(64)].some(isSecretName)).toBe(false);
});
