import { describe, expect, it } from 'vitest';
import {
  noEvidence,
  type AgainProbe,
  type AnswerEnd,
  type CheckedModel,
  type Evidence,
  type LongProbe,
} from '../../../../electron/agent/engines/serving-check/evidence.ts';
import { findingsOf } from '../../../../electron/agent/engines/serving-check/rules.ts';
import type { MeasuredSpeed } from '../../../../electron/contract/snapshot.ts';

const model: CheckedModel = {
  engineId: 'llama-server',
  engineKind: 'llama-server',
  owned: true,
  modelId: 'qwen',
  name: 'Qwen',
  contextLength: 8_192,
  trainedContextLength: 32_768,
  quantization: 'Q4_K_M',
  capabilities: ['chat', 'tools'],
  hasChatTemplate: true,
  prefillTokensPerSecond: null,
};

const again: AgainProbe = {
  promptTokens: 4_000,
  cachedTokens: 3_999,
  firstTookMs: 8_000,
  ttftMs: 100,
  text: 'Hello there.',
  tokens: 64,
  tokensPerSecond: 20,
  finish: null,
};

const before: MeasuredSpeed = {
  tokensPerSecond: 20,
  prefillTokensPerSecond: null,
  count: 5,
  engineId: 'llama-server',
  contextLength: null,
};

function kinds(evidence: Partial<Evidence>, change: Partial<CheckedModel> = {}): string[] {
  return findingsOf({ ...model, ...change }, { ...noEvidence, ...evidence }).map(({ kind }) => kind);
}

const answered = (expectedTokens: number, promptTokens: number | null): LongProbe => ({
  kind: 'answered',
  expectedTokens,
  promptTokens,
  tookMs: 8_000,
});
const refused = (expectedTokens: number, windowTokens: number | null): LongProbe => ({
  kind: 'refused',
  expectedTokens,
  windowTokens,
});

it('a model that is served well has no finding', () => {
  expect(kinds({ again, long: answered(4_352, 4_350), before, speeds: [19, 21, 20] })).toEqual([]);
  expect(kinds({})).toEqual([]);
});

describe('the window', () => {
  it.each([
    ['cut to a part', answered(4_352, 2_048), ['window']],
    ['counted a little differently', answered(4_352, 4_300), []],
    ['not counted at all', answered(4_352, null), []],
    ['refused where it should fit', refused(4_352, null), ['window']],
    ['refused, with a window shorter than was said', refused(4_160, 1_024), ['window']],
    ['refused honestly', refused(8_256, 8_192), []],
    ['left out', { kind: 'skipped', why: 'x' } as const, []],
  ])('of a prompt that was %s', (_name, long, expected) => {
    expect(kinds({ long })).toEqual(expected);
  });

  it('is not judged against a claim that nobody makes', () => {
    expect(kinds({ long: refused(4_352, 1_024) }, { contextLength: null })).toEqual([]);
  });
});

describe('the chat template', () => {
  it('is missed where the file has none, and not where nobody can tell', () => {
    expect(kinds({}, { hasChatTemplate: false })).toEqual(['template']);
    expect(kinds({}, { hasChatTemplate: null })).toEqual([]);
    expect(kinds({}, { hasChatTemplate: false, capabilities: ['embedding'] })).toEqual([]);
  });

  it.each(['<|im_start|>user', 'x<end_of_turn>', '[INST] a', '[/INST]', '<|eot_id|>', '<<SYS>>'])(
    'is a foreign one where an answer says %s',
    (text) => {
      expect(kinds({ again: { ...again, text } })).toEqual(['template']);
    },
  );

  it('is not suspected for marks that are no template’s', () => {
    expect(kinds({ again: { ...again, text: 'a < b, [INSTALL], <b>x</b>, |x|' } })).toEqual([]);
  });
});

describe('a cap', () => {
  const end = (change: Partial<AnswerEnd>): AnswerEnd => ({
    promptTokens: 100,
    completionTokens: 128,
    maxTokens: 1_000,
    finish: 'length',
    ...change,
  });

  it('shows in a probe that was cut short of what it was allowed', () => {
    expect(kinds({ again: { ...again, finish: 'length', tokens: 16 } })).toEqual(['cap']);
    // The window was full, which is no cap.
    expect(kinds({ again: { ...again, finish: 'length', tokens: 16, promptTokens: 8_000 } })).toEqual([]);
  });

  it('shows in answers that end at the same length again and again', () => {
    expect(kinds({ ends: [end({}), end({}), end({})] })).toEqual(['cap']);
    expect(kinds({ ends: [end({ maxTokens: null }), end({}), end({})] })).toEqual(['cap']);
  });

  it.each([
    ['twice', [end({}), end({})]],
    ['at the length that was asked for', [128, 128, 128].map((maxTokens) => end({ maxTokens }))],
    ['at different lengths', [100, 128, 90].map((completionTokens) => end({ completionTokens }))],
    ['with a full window', [1, 2, 3].map(() => end({ promptTokens: 8_000 }))],
    ['by themselves', [1, 2, 3].map(() => end({ finish: 'stop' }))],
  ])('is no cap where answers end %s', (_name, ends) => {
    expect(kinds({ ends })).toEqual([]);
  });
});

describe('the prompt cache', () => {
  it('reuses nothing by the engine’s own word', () => {
    expect(kinds({ again: { ...again, cachedTokens: 0 } })).toEqual(['cache']);
    expect(kinds({ again: { ...again, cachedTokens: 0, promptTokens: 20 } })).toEqual([]);
  });

  it('reuses nothing by the time it takes, where the engine says nothing', () => {
    const silent = { ...again, cachedTokens: null };
    expect(kinds({ again: silent })).toEqual([]);
    expect(kinds({ again: { ...silent, ttftMs: 7_500 } })).toEqual(['cache']);
    expect(kinds({ again: { ...silent, firstTookMs: 300, ttftMs: 300 } })).toEqual([]);
    expect(kinds({ again: { ...silent, firstTookMs: null, ttftMs: 9_000 } })).toEqual([]);
  });
});

describe('the quantization', () => {
  it.each([
    ['Q2_K', ['chat', 'tools'], 'Qwen', ['quantization']],
    ['IQ2_XXS', ['chat'], 'Qwen Coder', ['quantization']],
    ['Q2_K', ['chat'], 'Qwen', []],
    ['Q3_K_M', ['chat', 'tools'], 'Qwen', []],
    ['I2_S', ['embedding'], 'BitNet', ['quantization']],
    ['I2_S', ['chat'], 'BitNet', []],
    [null, ['chat', 'tools'], 'Qwen', []],
  ] as const)('%s for %j of %s', (quantization, capabilities, name, expected) => {
    expect(kinds({}, { quantization, capabilities: [...capabilities], name })).toEqual(expected);
  });
});

describe('the speed', () => {
  it('is too low only where three answers on end say so', () => {
    expect(kinds({ before, speeds: [5, 6, 5] })).toEqual(['slow']);
    expect(kinds({ before, speeds: [5, 5] })).toEqual([]);
    expect(kinds({ before, speeds: [5, 5, 12] })).toEqual([]);
    expect(kinds({ before, speeds: [12, 5, 5, 5] })).toEqual(['slow']);
  });

  it('is not judged against too few measurements, or none', () => {
    expect(kinds({ before: { ...before, count: 2 }, speeds: [5, 6, 5] })).toEqual([]);
    expect(kinds({ before: { ...before, tokensPerSecond: null }, speeds: [5, 6, 5] })).toEqual([]);
    expect(kinds({ before: null, speeds: [5, 6, 5] })).toEqual([]);
  });
});
