import { describe, expect, it } from 'vitest';
import { planRoute, virtualModels, type RoutingOption } from '../../../../electron/agent/gateway/routing/router.ts';
import type { Capability, UpstreamDescription } from '../../../../electron/agent/inference/upstream.ts';

function upstream(id: string, change: Partial<UpstreamDescription> = {}): UpstreamDescription {
  return {
    id,
    route: 'local',
    dialects: ['openai'],
    operations: ['chat', 'completion', 'embedding'],
    ready: true,
    sentence: 'Ready.',
    models: [model('qwen')],
    defaultModel: 'qwen',
    slots: 2,
    ...change,
  };
}

function model(id: string, capabilities: Capability[] = ['chat', 'completion']): UpstreamDescription['models'][number] {
  return { id, contextLength: null, capabilities, sizeBytes: 1, loaded: true, createdAtS: 0 };
}

function plan(name: string, options: RoutingOption[], needs: Capability[] = ['chat']): unknown {
  const result = planRoute({ operation: 'chat', dialect: 'openai', model: name, needs }, options);
  if (result.kind === 'plan') return result.candidates.map((each) => [each.upstream.id, each.model, each.reason]);
  const { error } = result;
  return [result.reason, error.kind === 'error' ? error.error.code : error.capability];
}

describe('planRoute', () => {
  it('prefers the upstream with the smallest share of its slots taken, and keeps the others to fall back on', () => {
    const options = [
      { upstream: upstream('a'), inFlight: 2 },
      { upstream: upstream('b', { slots: 4 }), inFlight: 1 },
    ];
    expect(plan('qwen', options)).toEqual([
      ['b', 'qwen', 'local-idle'],
      ['a', 'qwen', 'local-queue'],
    ]);
  });

  it.each(virtualModels)('answers %s with the default model', (name) => {
    const models = [model('other'), model('qwen')];
    expect(plan(name, [{ upstream: upstream('a', { models }), inFlight: 0 }])).toEqual([['a', 'qwen', 'local-idle']]);
  });

  it('B41 refuses a model that nobody has', () => {
    expect(plan('gpt-4o', [{ upstream: upstream('a'), inFlight: 0 }])).toEqual(['unknown-model', 'model_not_found']);
    expect(plan('gpt-4o', [])).toEqual(['unknown-model', 'model_not_found']);
    expect(plan('ranch/else', [{ upstream: upstream('a'), inFlight: 0 }])).toEqual([
      'unknown-model',
      'model_not_found',
    ]);
  });

  it('says that an engine is not ready where one has, or may come to have, the model', () => {
    const notReady = ['local-not-ready', 'engine_not_ready'];
    expect(plan('qwen', [{ upstream: upstream('a', { ready: false }), inFlight: 0 }])).toEqual(notReady);
    expect(plan('any', [{ upstream: upstream('a', { ready: false, models: [] }), inFlight: 0 }])).toEqual(notReady);
    expect(plan('ranch/auto', [])).toEqual(notReady);
    const nothing = upstream('a', { models: [], defaultModel: null });
    expect(plan('ranch/auto', [{ upstream: nothing, inFlight: 0 }])).toEqual(notReady);
  });

  function refusal(change: Partial<UpstreamDescription>[]): [message: string, retryAfterS: unknown] {
    const options = change.map((each, index) => ({
      upstream: upstream(`u${index}`, { ready: false, ...each }),
      inFlight: 0,
    }));
    const result = planRoute({ operation: 'chat', dialect: 'openai', model: 'ranch/auto', needs: ['chat'] }, options);
    if (result.kind === 'plan' || result.error.kind !== 'error') throw new Error('it was not refused');
    return [result.error.error.message, result.error.error.context['retryAfterS']];
  }

  it('tells callers to try again only where the engine comes up by itself', () => {
    const starting = { sentence: 'The engine is starting.', comesUp: true };
    const stopped = { sentence: 'The engine is stopped. Start it to answer requests.', comesUp: false };
    expect(refusal([starting])).toEqual(['The engine is starting. Try again in a moment.', 2]);
    expect(refusal([stopped])).toEqual(['The engine is stopped. Start it to answer requests.', null]);
    expect(refusal([stopped, starting])).toEqual(['The engine is starting. Try again in a moment.', 2]);
    expect(refusal([])).toEqual(['No engine runs on this node. Start one, then send the request again.', null]);
    // Ready, but without a default model.
    const empty = { ready: true, models: [], defaultModel: null };
    expect(refusal([empty])).toEqual(['No model is on this node. Add one, then send the request again.', null]);
  });

  describe('a model that is not in memory', () => {
    const cold = (id: string, change: Partial<UpstreamDescription> = {}): RoutingOption => ({
      upstream: upstream(id, { models: [{ ...model('qwen'), loaded: false }], ...change }),
      inFlight: 0,
    });

    it('is waited for', () => {
      expect(plan('qwen', [cold('a')])).toEqual([['a', 'qwen', 'local-loading']]);
      expect(plan('ranch/auto', [cold('a')])).toEqual([['a', 'qwen', 'local-loading']]);
    });

    it('is answered where it is in memory first, however busy that is', () => {
      const busy = { upstream: upstream('b'), inFlight: 9 };
      expect(plan('qwen', [cold('a'), busy])).toEqual([
        ['b', 'qwen', 'local-queue'],
        ['a', 'qwen', 'local-loading'],
      ]);
    });

    it('is never loaded for a request that names no model while nobody names a default', () => {
      expect(plan('ranch/auto', [cold('a', { defaultModel: null })])).toEqual(['local-not-ready', 'engine_not_ready']);
      const warm = { upstream: upstream('b', { defaultModel: null }), inFlight: 0 };
      expect(plan('ranch/auto', [cold('a', { defaultModel: null }), warm])).toEqual([['b', 'qwen', 'local-idle']]);
    });
  });

  it('sends a request that names no model to the upstream that names a default, and to no other', () => {
    const options = [
      { upstream: upstream('a', { defaultModel: null }), inFlight: 0 },
      { upstream: upstream('b'), inFlight: 1 },
    ];
    expect(plan('ranch/auto', options)).toEqual([['b', 'qwen', 'local-idle']]);
  });

  it('name@engine picks the engine; a name that is listed with an @ in it is itself', () => {
    const options = [
      { upstream: upstream('a'), inFlight: 0 },
      { upstream: upstream('b', { models: [model('qwen'), model('odd@a')] }), inFlight: 1 },
    ];
    expect(plan('qwen@b', options)).toEqual([['b', 'qwen', 'local-idle']]);
    expect(plan('ranch/auto@b', options)).toEqual([['b', 'qwen', 'local-idle']]);
    expect(plan('odd@a', options)).toEqual([['b', 'odd@a', 'local-idle']]);
    expect(plan('qwen@c', options)).toEqual(['unknown-model', 'model_not_found']);
    expect(plan('QWEN', options)).toEqual(['unknown-model', 'model_not_found']);
  });

  it('passes over an upstream that is not ready when another one is', () => {
    const options = [
      { upstream: upstream('a', { ready: false }), inFlight: 0 },
      { upstream: upstream('b'), inFlight: 0 },
    ];
    expect(plan('qwen', options)).toEqual([['b', 'qwen', 'local-idle']]);
  });

  it('chooses only among upstreams that can do what is asked, and names what is missing when none can', () => {
    const able = upstream('b', { models: [model('qwen', ['chat', 'tools'])] });
    const options = [
      { upstream: upstream('a'), inFlight: 0 },
      { upstream: able, inFlight: 1 },
    ];
    expect(plan('qwen', options, ['chat', 'tools'])).toEqual([['b', 'qwen', 'local-idle']]);
    expect(plan('qwen', options, ['chat', 'vision'])).toEqual(['bad-request', 'vision']);
    const noChat = upstream('c', { operations: ['embedding'] });
    expect(plan('qwen', [{ upstream: noChat, inFlight: 0 }])).toEqual(['bad-request', 'chat']);
  });

  it('passes over upstreams of another dialect', () => {
    const other = upstream('a', { dialects: ['anthropic'] });
    expect(plan('qwen', [{ upstream: other, inFlight: 0 }])).toEqual(['unknown-model', 'model_not_found']);
  });
});
