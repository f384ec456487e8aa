import { describe, expect, it } from 'vitest';
import { type Variant } from '../../../../electron/contract/control.ts';
import { type ModelSnapshot, type SwitchSnapshot } from '../../../../electron/contract/snapshot.ts';
import { fitBar, verdictWord } from '../../../../renderer/format/fit.ts';
import {
  contextWords,
  groupModels,
  prefillWords,
  speedWords,
  whyNotUsable,
} from '../../../../renderer/format/model-list.ts';
import { switchIsTold, switchPhaseWord } from '../../../../renderer/format/switching.ts';
import {
  formatBits,
  formatGrowth,
  orderLabel,
  sortVariants,
  variantOrder,
  variantPlace,
  variantSources,
  variantSpeed,
  whyNotPickable,
} from '../../../../renderer/format/variants.ts';
import { fakeFit, fakeModels, fakeVariants } from '../../../fakes/fake-control-data.ts';

const gib = 1024 ** 3;
const models = fakeModels((ms) => new Date(1e12 - ms).toISOString());

function model(id: string, over: Partial<ModelSnapshot> = {}): ModelSnapshot {
  const found = models.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no model ${id} in the fake`);
  return { ...found, ...over };
}

describe('fit', () => {
  it('is as wide as the larger of what is needed and what is free', () => {
    const roomy = fitBar(fakeFit({ weights: 6, kv: 1.6, free: 20, rate: 1 }));
    expect(roomy.freeShare).toBe(1);
    expect(roomy.parts.map(({ share }) => share)).toEqual([0.3, 0.08, 0.02, 0.1]);
    const big = fitBar(fakeFit({ weights: 6, kv: 1.6, free: 5, rate: 1 }));
    expect(big.freeShare).toBe(0.5);
    expect(big.parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 10);
  });

  it('says every term in words', () => {
    expect(fitBar(fakeFit({ weights: 6, kv: 1.6, free: 20, rate: 1 })).text).toBe(
      'Needs 10 GB, 20 GB free: weights 6.0 GB, KV cache 1.6 GB, compute 410 MB, headroom 2.0 GB.',
    );
  });

  it('draws nothing senseless from senseless figures', () => {
    const fit = { ...fakeFit({ weights: 6, kv: 1, rate: 1 }), kvBytes: Number.NaN, headroomBytes: -5, freeBytes: -1 };
    const bar = fitBar(fit);
    expect(bar.freeShare).toBe(0);
    for (const { share } of bar.parts) expect(share).toBeGreaterThanOrEqual(0);
    const none = { ...fit, weightsBytes: 0, computeBytes: 0 };
    expect(fitBar(none).parts.map(({ share }) => share)).toEqual([0, 0, 0, 0]);
  });

  it('has a word and a colour for every verdict, and only too big is wrong', () => {
    const verdicts = ['fits', 'tight', 'after-unload', 'too-big', 'unknown'] as const;
    expect(new Set(verdicts.map((verdict) => verdictWord(verdict).word)).size).toBe(verdicts.length);
    expect(verdicts.filter((verdict) => verdictWord(verdict).tone === 'wrong')).toEqual(['too-big']);
  });
});

describe('the list of models', () => {
  it('groups variants and keeps a variant that is being loaded where it stands', () => {
    const order = (list: readonly ModelSnapshot[]): string[][] =>
      groupModels(list).map((group) => group.models.map(({ id }) => id));
    const before = order(models);
    expect(before[1]).toEqual(['llama3.1-8b-instruct-q8_0', 'llama3.1-8b-instruct-q4_k_m']);
    expect(before.at(-1)).toEqual(['ranch-self-test']);
    const loading = models.map((one) =>
      one.id === 'qwen3-coder-next-q4_k_m' ? { ...one, state: 'loading' as const } : one,
    );
    expect(order(loading)).toEqual(before);
    const loaded = models.map((one) =>
      one.id === 'qwen3-coder-next-q4_k_m' ? { ...one, state: 'loaded' as const } : one,
    );
    expect(order(loaded).findIndex((ids) => ids.includes('qwen3-coder-next-q4_k_m'))).toBe(2);
  });

  it('the self-test stays apart from a model of its name', () => {
    const twin = model('falcon3-10b-instruct', { id: 'twin', group: 'ranch-self-test' });
    expect(groupModels([...models, twin]).filter(({ group }) => group === 'ranch-self-test')).toHaveLength(2);
  });

  it('leaves the agent’s own list as it was', () => {
    const copy = [...models];
    groupModels(models);
    expect(models).toEqual(copy);
  });

  it('a model that has a problem or is too big cannot be used, unless it is loaded', () => {
    expect(whyNotUsable(model('falcon3-7b-1.58bit'))).toContain('needs the BitNet engine');
    expect(whyNotUsable(model('qwen3-coder-next-q8_0'))).toContain('28 GB more than is free');
    expect(whyNotUsable(model('qwen3-coder-next-q8_0', { state: 'loaded' }))).toBeNull();
    for (const id of ['qwen3-coder-next-q4_k_m', 'mistral-small:24b', 'falcon3-10b-instruct']) {
      expect(whyNotUsable(model(id)), id).toBeNull();
    }
  });

  it('tells measured speed from expected speed, and how often it was measured', () => {
    expect(speedWords(model('falcon3-10b-instruct'))).toEqual({ figure: '17.8 tokens/s', note: 'from 214 answers' });
    expect(prefillWords(model('falcon3-10b-instruct'))).toEqual({ figure: '164 tokens/s', note: 'from 214 answers' });
    expect(speedWords(model('llama3.1-8b-instruct-q4_k_m'))).toEqual({
      figure: 'about 12.6 tokens/s',
      note: 'expected',
    });
    const once = model('falcon3-10b-instruct');
    const measured = once.measured === null ? null : { ...once.measured, count: 1 };
    expect(speedWords({ ...once, measured })?.note).toBe('from 1 answer');
    expect(speedWords({ ...once, measured: null })).toEqual({ figure: '17.8 tokens/s', note: 'measured' });
    expect(speedWords({ tokensPerSecond: null, measured: null, fit: null })).toBeNull();
    expect(prefillWords({ measured: null, fit: null })).toBeNull();
  });

  it('says the context in force beside the trained one, once where they are the same', () => {
    expect(contextWords(model('falcon3-10b-instruct'))).toBe('8\u202f192 of 32\u202f768');
    expect(contextWords(model('falcon3-10b-instruct', { contextLength: 8192 }))).toBe('8\u202f192');
    expect(contextWords(model('ranch-self-test'))).toBe('2\u202f048');
    expect(contextWords({ contextLength: null, fit: null, measured: null })).toBeNull();
  });
});

describe('quantizations', () => {
  const { variants } = fakeVariants();
  const named = (quantization: string, over: Partial<Variant> = {}): Variant => {
    const found = variants.find((one) => one.quantization === quantization);
    if (found === undefined) throw new Error(`no ${quantization} in the fake`);
    return { ...found, ...over };
  };

  it('stand from exact to small, what has no known size last', () => {
    const unknown = named('Q6_K', { quantization: 'TQ9', bitsPerWeight: null, sizeBytes: 40 * gib });
    expect(sortVariants([unknown, ...variants]).map(({ quantization }) => quantization)).toEqual([
      'F16',
      'Q8_0',
      'Q6_K',
      'Q5_K_M',
      'Q4_K_M',
      'Q4_0',
      'Q2_K',
      'TQ9',
    ]);
  });

  it('one that is here is used, one elsewhere is pulled, one that can be made is made', () => {
    expect(variantOrder(named('Q4_K_M'), false)).toEqual({
      command: 'models.use',
      body: { model: 'llama3.1-8b-instruct-q4_k_m' },
    });
    expect(variantOrder(named('Q6_K'), true)).toEqual({
      command: 'models.pull',
      body: { reference: 'hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q6_K', use: true },
    });
    expect(variantOrder(named('Q4_0'), false)).toEqual({
      command: 'models.quantize',
      body: { model: 'llama3.1-8b-instruct-f16', quantization: 'Q4_0', use: false },
    });
    expect(variantOrder(named('Q6_K', { get: null }), true)).toBeNull();
  });

  it('the button says what it will do', () => {
    expect(orderLabel(named('Q4_K_M'), false)).toBe('Use Q4_K_M');
    expect(orderLabel(named('Q6_K'), true)).toBe('Get Q6_K (6.1 GB) and use it');
    expect(orderLabel(named('Q4_0', { sizeBytes: null }), false)).toBe('Make Q4_0');
  });

  it('says where each is, and why one cannot be picked', () => {
    expect(['Q8_0', 'Q4_K_M', 'Q6_K', 'Q4_0'].map((name) => variantPlace(named(name)))).toEqual([
      'Loaded',
      'Here',
      'To get',
      'Can be made here',
    ]);
    expect(variantPlace(named('Q6_K', { get: null }))).toBe('Out of reach');
    expect(whyNotPickable(named('Q8_0'), 'llama3.1-8b-instruct-q8_0')).toBe('In use now');
    expect(whyNotPickable(named('Q8_0'), null)).toBeNull();
    expect(whyNotPickable(named('F16'), null)).toBe('Too big for this machine');
    expect(whyNotPickable(named('F16', { loaded: true }), null)).toBeNull();
    expect(whyNotPickable(named('Q6_K', { get: null }), null)).toBe('There is no way to get it');
  });

  it('losses keep the digits that tell them apart', () => {
    expect([0, 0.001, 0.04, 0.35, 0.9, 2.8, 9.94, 56, -0.2].map(formatGrowth)).toEqual([
      'None',
      'None',
      '+0.04 %',
      '+0.35 %',
      '+0.9 %',
      '+2.8 %',
      '+9.9 %',
      '+56 %',
      '−0.2 %',
    ]);
    expect([formatBits(4.89), formatBits(16), formatBits(null)]).toEqual(['4.89', '16.00', null]);
  });

  it('measured speed has no sign of a guess', () => {
    expect(variantSpeed(named('Q8_0'))).toEqual({ figure: '7.40', measured: true });
    expect(variantSpeed(named('Q5_K_M'))).toEqual({ figure: '≈ 10.9', measured: false });
    expect(variantSpeed(named('Q5_K_M', { fit: null }))).toBeNull();
  });

  it('names each source once', () => {
    expect(variantSources(variants)).toHaveLength(1);
    expect(variantSources([named('Q6_K', { quality: null })])).toEqual([]);
  });
});

describe('the switch', () => {
  const phases: readonly SwitchSnapshot['phase'][] = [
    'checking',
    'draining',
    'loading',
    'warming',
    'unloading',
    'done',
    'rolled-back',
    'failed',
  ];

  it('has words for every phase', () => {
    expect(new Set(phases.map((phase) => switchPhaseWord(phase).word)).size).toBe(phases.length);
  });

  it('is told while it goes on, a minute once done, and until dismissed where it went wrong', () => {
    const told = (phase: SwitchSnapshot['phase'], endedAgoMs: number, dismissed: string | null): boolean =>
      switchIsTold({ id: 's-1', phase }, { endedAgoMs, dismissed });
    expect(told('loading', 1e9, 's-1')).toBe(true);
    expect(told('done', 59_000, null)).toBe(true);
    expect(told('done', 61_000, null)).toBe(false);
    expect(told('done', 1_000, 's-1')).toBe(false);
    expect(told('rolled-back', 1e9, 's-0')).toBe(true);
    expect(told('failed', 1e9, 's-1')).toBe(false);
  });
});
