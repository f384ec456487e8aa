import { expect, it } from 'vitest';
import type { CheckedModel } from '../../../../electron/agent/engines/serving-check/evidence.ts';
import { planLong, promptOf, shortWords } from '../../../../electron/agent/engines/serving-check/plan.ts';

const model: CheckedModel = {
  engineId: 'e',
  engineKind: 'ollama',
  owned: false,
  modelId: 'm',
  name: 'M',
  contextLength: 32_768,
  trainedContextLength: 32_768,
  quantization: null,
  capabilities: ['chat'],
  hasChatTemplate: null,
  prefillTokensPerSecond: 1_000,
};

/** A short probe of 200 words in `each` tokens, and `rest` tokens of template. */
const short = (each: number, rest: number, tookMs = 200) => ({
  words: shortWords,
  promptTokens: each * shortWords + rest,
  tookMs,
});

it('is just longer than the windows that engines fall back to', () => {
  expect(planLong(model, short(1, 20))).toEqual({ kind: 'send', words: 4_332, expectedTokens: 4_352 });
  expect(planLong(model, short(4, 32))).toEqual({ kind: 'send', words: 1_080, expectedTokens: 4_352 });
});

it('stays within what the model was trained for, and goes beyond a window that could be longer', () => {
  const small = { ...model, contextLength: 2_048 };
  expect(planLong({ ...small, trainedContextLength: 2_048 }, short(1, 20))).toMatchObject({ expectedTokens: 1_843 });
  expect(planLong(small, short(1, 20))).toMatchObject({ expectedTokens: 2_112 });
  expect(planLong({ ...small, trainedContextLength: null }, short(1, 20))).toMatchObject({ expectedTokens: 2_112 });
});

it('is as long as 20 s of reading allow, and left out where that tells nothing', () => {
  const at = (prefillTokensPerSecond: number | null): unknown =>
    planLong({ ...model, prefillTokensPerSecond }, short(1, 20, 1_100));
  expect(at(150)).toMatchObject({ kind: 'send', expectedTokens: 3_000 });
  expect(at(100)).toEqual({ kind: 'skip', why: 'a prompt long enough would take 24 s to read' });
  // 220 tokens in 1.1 s are 200 a second.
  expect(at(null)).toMatchObject({ kind: 'send', expectedTokens: 4_000 });
});

it.each([
  ['the engine does not count', { ...short(1, 0), promptTokens: null }],
  ['words cannot be counted', { ...short(1, 0), promptTokens: 120 }],
])('is left out where %s', (_name, probe) => {
  expect(planLong(model, probe).kind).toBe('skip');
});

it('is left out where the context is too short for one', () => {
  expect(planLong({ ...model, contextLength: 230, trainedContextLength: 230 }, short(1, 20)).kind).toBe('skip');
});

it('makes prompts that begin alike within a check and differently between checks', () => {
  expect(promptOf(300, 1).startsWith(promptOf(200, 1))).toBe(true);
  expect(promptOf(300, 2).startsWith(promptOf(200, 1))).toBe(false);
});
