import { describe, expect, it } from 'vitest';
import { NearNames } from '../../../../electron/agent/cloud/naming/near-names.ts';

const models = new NearNames(
  [
    'anthropic/claude-opus-5-5',
    'anthropic/claude-opus-5',
    'anthropic/claude-haiku-4-5',
    'openrouter/anthropic/claude-haiku-4.5',
    'xai/grok-4.7',
  ].map((name) => ({ name, spellings: [name, name.slice(name.indexOf('/') + 1)] })),
);
const words = new NearNames(['anthropic', 'openai', 'xai', 'web'].map((name) => ({ name, spellings: [name] })));

describe('NearNames', () => {
  it.each([
    ['claude-opus-5-5', ['anthropic/claude-opus-5-5']],
    ['Claude Opus 5.5', ['anthropic/claude-opus-5-5']],
    ['anthropic/claude-opus-5.5', ['anthropic/claude-opus-5-5']],
    ['anthropic/claude-haiku-4-5', ['anthropic/claude-haiku-4-5', 'openrouter/anthropic/claude-haiku-4.5']],
    ['claude-opsu-5-5', []],
    ['', []],
  ])('takes %j for %j by capitals and signs', (written, names) => {
    expect(models.same(written)).toEqual(names);
  });

  it.each([
    ['anthropic/claude-opsu-5-5', ['anthropic/claude-opus-5-5']],
    ['claude-opus-55', ['anthropic/claude-opus-5-5']],
    ['claude-opus-5', ['anthropic/claude-opus-5']],
  ])('takes %j for %j by a letter or two', (written, names) => {
    expect(models.near(written)).toEqual(names);
  });

  it.each(['claude-opus-5-6', 'grok-4.6', 'gpt-6', 'claude', 'anthropic/claude-sonnet-5-5'])(
    'takes %j for nothing: another version or name is another model',
    (written) => {
      expect(models.near(written)).toEqual([]);
    },
  );

  it.each([
    ['antropic', ['anthropic']],
    ['Anthropic', ['anthropic']],
    ['anthrpoic', ['anthropic']],
    ['opneai', ['openai']],
    ['xia', []],
    ['wab', []],
    ['mistral', []],
  ])('takes %j for %j', (written, names) => {
    expect(words.near(written)).toEqual(names);
  });

  it('takes in time what is far too long', () => {
    expect(words.near('a'.repeat(100_000))).toEqual([]);
  });
});
