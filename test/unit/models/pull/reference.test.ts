import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import {
  displayName,
  originOf,
  parseDigest,
  parseReference,
  referenceKey,
} from '../../../../electron/agent/models/pull/reference.ts';

const hub = { kind: 'hugging-face', repo: 'org/Horse-GGUF', revision: 'main', file: null, quantization: null } as const;

describe('parseReference', () => {
  it.each([
    ['llama3.1:8b', { kind: 'ollama', name: 'llama3.1:8b' }],
    ['llama3.1', { kind: 'ollama', name: 'llama3.1:latest' }],
    ['library/llama3.1:8b-instruct-q5_K_M', { kind: 'ollama', name: 'llama3.1:8b-instruct-q5_K_M' }],
    ['registry.ollama.ai/library/qwen3', { kind: 'ollama', name: 'qwen3:latest' }],
    ['someone/horse:7b', { kind: 'ollama', name: 'someone/horse:7b' }],
    ['hf.co/org/Horse-GGUF', hub],
    ['huggingface.co/org/Horse-GGUF:q4_k_m', { ...hub, quantization: 'q4_k_m' }],
    ['https://huggingface.co/org/Horse-GGUF', hub],
    ['https://hf.co/org/Horse-GGUF/tree/main', hub],
    [
      'https://huggingface.co/org/Horse-GGUF/resolve/main/a/Horse-Q8_0.gguf?download=true',
      { ...hub, file: 'a/Horse-Q8_0.gguf' },
    ],
    [
      'https://huggingface.co/org/Horse-GGUF/blob/refs%2Fpr%2F1/Horse%20Q8_0.gguf',
      { ...hub, revision: 'refs/pr/1', file: 'Horse Q8_0.gguf' },
    ],
    ['hf.co/org/Horse-GGUF/Horse-Q8_0.gguf', { ...hub, file: 'Horse-Q8_0.gguf' }],
    ['https://example.com/a/horse.gguf?token=x#part', { kind: 'url', url: 'https://example.com/a/horse.gguf?token=x' }],
    ['http://127.0.0.1:9/horse.GGUF', { kind: 'url', url: 'http://127.0.0.1:9/horse.GGUF' }],
    ['/models/horse.gguf', { kind: 'file', path: '/models/horse.gguf' }],
    ['file:///models/a%20horse.gguf', { kind: 'file', path: '/models/a horse.gguf' }],
  ])('%s', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
  });

  it.each([
    '',
    '../../x',
    'a/../../x',
    '..',
    '.hidden',
    'C:\\x',
    'a\\b',
    'name\u0000.gguf',
    '/models/x\u0000.gguf',
    'x'.repeat(4_097),
    'x'.repeat(200),
    'name:tag:more',
    'name:',
    'name:../x',
    'localhost:5000/library/x',
    'evil.example/library/x:latest',
    'hf.co/org',
    'hf.co/../x',
    'hf.co/org/..%2f..:Q4',
    'https://huggingface.co/org/repo/resolve/main/..%2F..%2Fx.gguf',
    'https://huggingface.co/org/repo/resolve/main/readme.md',
    'https://huggingface.co/org/repo/resolve/main/%zz.gguf',
    'http://example.com/x.gguf',
    'https://example.com/x.zip',
    'https://user:secret@example.com/x.gguf',
    'https://',
    'ftp://example.com/x.gguf',
    '/etc/passwd',
    'file://otherhost/x.gguf',
    'name with spaces',
    'наме',
  ])('B39 B62 refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(AppError);
  });

  it('B39 whatever is typed: a reference made of safe parts, or a refusal', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 300 }),
          fc.string().map((text) => `hf.co/a/${text}`),
        ),
        (text) => {
          let reference;
          try {
            reference = parseReference(text);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
            return;
          }
          if (reference.kind === 'ollama') expect(reference.name).toMatch(/^[\w.-]+(?:\/[\w.-]+)?:[\w.-]+$/);
          if (reference.kind === 'hugging-face') {
            expect(`${reference.repo}/${reference.file ?? ''}`.split('/')).not.toContain('..');
          }
        },
      ),
    );
  });
});

describe('B40 a digest that is none', () => {
  const digits = 'a5'.repeat(32);
  it.each([
    '',
    digits,
    `sha256:${digits}0`,
    `sha256:${digits.slice(1)}`,
    `sha256:${'g'.repeat(64)}`,
    `sha256-${digits}`,
    `md5:${digits}`,
    `sha256:${digits}\n`,
    ` sha256:${digits}`,
  ])('B40 %j', (text) => {
    expect(() => parseDigest(text)).toThrow('sha256: and 64 hex digits');
  });
  it('takes a right one in either case', () => {
    expect(parseDigest(`SHA256:${digits.toUpperCase()}`)).toBe(digits);
  });
});

it('one thing has one key, an origin that pulls it again, and a name for people', () => {
  const same = [
    parseReference('hf.co/org/Horse-GGUF:q4_k_m'),
    parseReference('https://huggingface.co/org/Horse-GGUF:Q4_K_M'),
  ];
  expect(new Set(same.map(referenceKey)).size).toBe(1);
  for (const text of [
    'llama3.1:8b',
    'hf.co/org/Horse-GGUF:Q4_K_M',
    'hf.co/org/a/resolve/main/b/c.gguf',
    'https://example.com/x.gguf',
    '/models/x.gguf',
  ]) {
    const reference = parseReference(text);
    expect(referenceKey(parseReference(originOf(reference)))).toBe(referenceKey(reference));
    expect(displayName(reference)).not.toBe('');
  }
  expect(originOf(parseReference('https://example.com/x.gguf?token=secret'))).toBe('https://example.com/x.gguf');
});
