import { describe, expect, it } from 'vitest';
import { Predictor, type EstimateAsk } from '../../../../electron/agent/gateway/load/predictor.ts';
import type { LaneLoad } from '../../../../electron/agent/gateway/load/ask.ts';
import type { KnownSpeeds } from '../../../../electron/agent/gateway/load/speeds.ts';
import type { AnswerMeasurement } from '../../../../electron/agent/inference/measurement.ts';
import type { ServedModel, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';

const model: ServedModel = {
  id: 'small',
  contextLength: 8_192,
  capabilities: ['chat'],
  sizeBytes: 1.6e9,
  loaded: true,
  createdAtS: 0,
};
const upstream: UpstreamDescription = {
  id: 'engine',
  route: 'local',
  dialects: ['openai'],
  operations: ['chat'],
  ready: true,
  sentence: '',
  models: [model],
  defaultModel: 'small',
  slots: 4,
};
const measured: AnswerMeasurement = {
  upstreamId: 'engine',
  model: 'small',
  operation: 'chat',
  promptTokens: 1_000,
  cachedTokens: 0,
  completionTokens: 100,
  tokensPerSecond: 20,
  prefillTokensPerSecond: 500,
  ttftMs: 2_000,
  maxTokens: null,
  finish: 'stop',
};
const ask: EstimateAsk = {
  upstream,
  model,
  promptTokens: 1_000,
  cachedTokens: 0,
  maxTokens: null,
  priority: 'normal',
  caller: 'x',
};

function make(with_: { known?: KnownSpeeds; waitMs?: number; lane?: Partial<LaneLoad> } = {}): Predictor {
  const lane = { inFlight: 0, queued: 0, slots: 4, ...with_.lane };
  return new Predictor(
    { maxOutputTokens: 4_000 },
    {
      knownSpeeds: () => with_.known ?? null,
      admission: { predictedWaitMs: () => with_.waitMs ?? 0, laneLoad: () => lane },
    },
  );
}

describe('Predictor', () => {
  it('guesses cautiously by the size where nothing is known', () => {
    // 16 GB/s make 10 tokens/s of 1.6 GB, and reading is 40 times as quick.
    expect(make().estimate(ask)).toEqual({
      waitMs: 0,
      loadMs: 0,
      prefillMs: 2_500,
      ttftMs: 2_500,
      serviceMs: 2_500 + 25_600,
      promptTokens: 1_000,
      cachedTokens: 0,
      lostCacheTokens: 0,
      worstUsd: 0,
      guessedMs: 2_500,
    });
  });

  it('says how much of the time to the first token is only guessed, until anything was measured', () => {
    const predictor = make({ waitMs: 700 });
    const cold = { ...ask, model: { ...model, loaded: false } };
    // A second and 1.6 GB at 0.5 GB/s.
    expect(predictor.estimate(cold)).toMatchObject({ ttftMs: 700 + 4_200 + 2_500, guessedMs: 4_200 + 2_500 });
    predictor.observeLoad('engine', 'small', 3_000);
    expect(predictor.estimate(cold)).toMatchObject({ loadMs: 3_000, guessedMs: 2_500 });
    // An engine that tells nothing of reading was timed all the same.
    predictor.observe({ ...measured, prefillTokensPerSecond: null });
    expect(predictor.estimate(cold)).not.toHaveProperty('guessedMs');
    const known = make({ known: { prefillTokensPerSecond: 1_000, tokensPerSecond: null } });
    expect(known.estimate(cold)).not.toHaveProperty('guessedMs');
  });

  it('begins with what was measured before, and goes on with what it sees', () => {
    const predictor = make({ known: { prefillTokensPerSecond: 1_000, tokensPerSecond: 10 } });
    expect(predictor.estimate(ask)).toMatchObject({ prefillMs: 1_000, serviceMs: 26_600 });
    for (let index = 0; index < 60; index += 1) predictor.observe(measured);
    const { prefillMs, serviceMs } = predictor.estimate(ask);
    expect(prefillMs).toBeCloseTo(2_000, -1);
    expect(serviceMs).toBeCloseTo(2_000 + 5_000, -2);
  });

  it('counts only what is not cached, and never less than nothing', () => {
    const predictor = make();
    predictor.observe(measured);
    expect(predictor.estimate({ ...ask, cachedTokens: 900 }).prefillMs).toBe(200);
    expect(predictor.estimate({ ...ask, cachedTokens: 5_000 })).toMatchObject({ prefillMs: 0, cachedTokens: 1_000 });
  });

  it('adds the wait and the loading of a model that is not in memory', () => {
    const predictor = make({ waitMs: 700 });
    predictor.observe(measured);
    predictor.observeLoad('engine', 'small', 3_000);
    const away = predictor.estimate({ ...ask, model: { ...model, loaded: false } });
    expect(away).toMatchObject({ waitMs: 700, loadMs: 3_000, prefillMs: 2_000, ttftMs: 5_700 });
  });

  it('expects no longer an answer than the caller wants, and none of an embedding', () => {
    const predictor = make();
    predictor.observe(measured);
    expect(predictor.estimate({ ...ask, maxTokens: 20 }).serviceMs).toBe(3_000);
    expect(predictor.estimate({ ...ask, operation: 'embedding' }).serviceMs).toBe(2_000);
  });

  it('sees when others keep the engine busy, but not its own requests that ended just now', () => {
    const busy = { ...upstream, load: { busy: 4, deferred: 0 } };
    const others = make();
    others.observe(measured);
    expect(others.estimate({ ...ask, upstream: busy }).waitMs).toBe(7_000 / 4);
    const ours = make({ lane: { endedLately: 4 } });
    expect(ours.estimate({ ...ask, upstream: busy }).waitMs).toBe(0);
  });

  it('passes on what it costs at most, and what a lost cache is worth', () => {
    expect(make().estimate({ ...ask, worstUsd: 0.25 })).toMatchObject({ worstUsd: 0.25 });
    expect(make().estimate({ ...ask, worstUsd: 0.25 })).not.toHaveProperty('lostCacheUsd');
    expect(make().estimate({ ...ask, lostCacheUsd: 0.01 })).toMatchObject({ worstUsd: 0, lostCacheUsd: 0.01 });
  });

  it('does not take a cache that the engine does not tell of for speed', () => {
    const predictor = make();
    predictor.observe({ ...measured, cachedTokens: null });
    predictor.observe({ ...measured, cachedTokens: null, prefillTokensPerSecond: 90_000 });
    expect(predictor.estimate(ask).prefillMs).toBe(2_000);
  });

  it('learns nothing of answers and prompts that are too short to tell', () => {
    const predictor = make();
    predictor.observe({ ...measured, promptTokens: 20, completionTokens: 2 });
    expect(predictor.estimate(ask).prefillMs).toBe(2_500);
  });

  it('learns a prompt’s tokens from its characters, and an image’s', () => {
    const predictor = make();
    expect(predictor.promptTokens('small', { characters: 3_600, images: 0 })).toBe(1_012);
    for (let index = 0; index < 40; index += 1) {
      predictor.observe({ ...measured, promptTokens: 1_012 }, { characters: 2_000, images: 0 });
      predictor.observe({ ...measured, promptTokens: 1_012 }, { characters: 1_000, images: 2 });
    }
    expect(predictor.promptTokens('small', { characters: 2_000, images: 0 })).toBeCloseTo(1_012, -1);
    const imaged = predictor.promptTokens('small', { characters: 1_000, images: 2 });
    expect(imaged).toBeGreaterThan(1_000);
    expect(imaged).toBeLessThan(1_024);
    expect(predictor.promptTokens('other', { characters: 3_600, images: 0 })).toBe(1_012);
  });

  it('does not count a place that the request has against it', () => {
    const engine = { ...upstream, load: { busy: 4, deferred: 0 } };
    const predictor = make({ waitMs: 9_000, lane: { inFlight: 4 } });
    const held = { ...ask, upstream: engine, waitedMs: 700 };
    expect(predictor.estimate({ ...ask, upstream: engine }).waitMs).toBeGreaterThanOrEqual(9_000);
    expect(predictor.estimate(held).waitMs).toBe(700 + Math.round(predictor.estimate(held).serviceMs / 4));
    expect(make({ waitMs: 9_000, lane: { inFlight: 4 } }).estimate({ ...ask, waitedMs: 700 }).waitMs).toBe(700);
  });

  it('is far away where a provider answers', () => {
    const cloud = { ...upstream, id: 'provider', route: 'cloud' as const };
    const predictor = make();
    expect(predictor.estimate({ ...ask, upstream: cloud }).ttftMs).toBe(800);
    predictor.observe({ ...measured, upstreamId: 'provider', prefillTokensPerSecond: null, ttftMs: 1_500 });
    expect(predictor.estimate({ ...ask, upstream: cloud }).ttftMs).toBe(1_500);
  });
});
