import { describe, expect, it } from 'vitest';
import { purposeModels, type Priority } from '../../../../electron/contract/routing.ts';
import { planRoute } from '../../../../electron/agent/gateway/routing/plan-route.ts';
import type { RouteAsk, RouteContext, RouteOption } from '../../../../electron/agent/gateway/routing/plan.ts';
import type { SpendingVerdict } from '../../../../electron/agent/inference/spending.ts';
import { against, ask, context, model, naming, option, told } from './route-world.ts';

/** What stands in at the cloud, by name. */
const standIns =
  (table: Record<string, readonly string[]>) =>
  (name: string): readonly string[] =>
    table[name] ?? [];

const table = standIns({
  'ranch/auto': ['vendor/mid', 'other/large'],
  'ranch/quality': ['other/large', 'vendor/mid'],
  'ranch/code': ['vendor/mid', 'other/large'],
  llama: ['other/large'],
});

const slow = { expected: { waitMs: 10_000 } };
const noMoney: SpendingVerdict = { allowed: false, reason: 'no-budget', sentence: 'Nothing is left.', untilMs: 61_000 };

/** This machine, and two providers with two models each, none of which is a default. */
function world(
  here: Parameters<typeof option>[2] = {},
  vendor: Parameters<typeof option>[2] = {},
  other: Parameters<typeof option>[2] = {},
): RouteOption[] {
  const local = [model('qwen'), model('llama', { sizeBytes: 9e9 })];
  const cloud = { models: [model('small'), model('mid'), model('large')], defaultModel: null };
  return [
    option('local', 'a', { models: local, ...here }),
    option('cloud', 'vendor', { ...cloud, ...vendor }),
    option('cloud', 'other', { ...cloud, ...other }),
  ];
}

function plan(asked: RouteAsk, options = world(), change: Partial<RouteContext> = {}): string[] {
  return told(planRoute({ standIns: table, ...asked }, options, context(change)));
}

function policy(name: 'ranch/quality' | 'ranch/code' | 'ranch/auto', change: Partial<RouteAsk> = {}): RouteAsk {
  return ask({ target: { kind: 'policy', policy: name }, ...change });
}

describe('planRoute, what stands in', () => {
  it('offers the cloud models of the list, in its order, and no other of the same providers', () => {
    expect(plan(ask(), world(slow))).toEqual([
      'vendor mid cloud-saturated',
      'other large cloud-saturated',
      '? a qwen local-queue',
    ]);
    expect(plan(policy('ranch/quality')).slice(0, 2)).toEqual([
      'other large cloud-requested',
      'vendor mid cloud-requested',
    ]);
  });

  it('offers nothing of the cloud where the list has nothing that is there', () => {
    const nothing = standIns({ 'ranch/auto': ['gone/mid', 'vendor/none', 'no-slash'] });
    const result = planRoute({ ...ask(), standIns: nothing }, world(slow), context());
    expect(told(result)).toEqual(['a qwen local-queue']);
    expect(against(result)).toEqual(['vendor lacks-model', 'other lacks-model']);
  });

  it('goes on with the next of the list when the first is left out', () => {
    expect(plan(policy('ranch/quality'), world({}, {}, { breaker: 'open' }))[0]).toBe('vendor mid cloud-requested');
    expect(plan(policy('ranch/quality'), world({}, {}, { ready: false }))[0]).toBe('vendor mid cloud-requested');
    expect(plan(policy('ranch/quality'), world({}, {}, { verdict: noMoney }))[0]).toBe('vendor mid cloud-requested');
  });

  it('asks a provider first whose credits are paid for, but for a purpose', () => {
    const paidFor = world({}, { prepaidUsd: 5 });
    expect(plan(policy('ranch/quality'), paidFor)[0]).toBe('vendor mid cloud-requested');
    expect(plan(policy('ranch/quality'), world({}, { prepaidUsd: 0 }))[0]).toBe('other large cloud-requested');
    expect(plan(policy('ranch/code'), world({}, {}, { prepaidUsd: 5 }))[0]).toBe('vendor mid cloud-requested');
  });

  it('stays with the provider that has the chat in its cache', () => {
    const cached = { hasSession: true, expected: { cachedTokens: 900, worstUsd: 0.01 } };
    expect(plan(policy('ranch/quality'), world({}, cached))[0]).toBe('vendor mid cloud-requested');
    expect(plan(policy('ranch/quality'), world({}, { hasSession: true }))[0]).toBe('other large cloud-requested');
  });

  it('tells what a cache is worth that is left behind', () => {
    const leaving = { expected: { lostCacheTokens: 10_000, lostCacheUsd: 0.04, worstUsd: 0.2 } };
    const result = planRoute({ ...policy('ranch/quality'), standIns: table }, world({}, {}, leaving), context());
    expect(result.kind === 'plan' && result.candidates[0].sentence).toContain(
      'Leaves a cache of 10,000 tokens, worth $0.040, behind.',
    );
  });
});

describe('planRoute, what is only guessed', () => {
  const asked = { ...ask(), standIns: table };

  it('spends nothing for a guess alone: a place here that is free goes first', () => {
    const fresh = world({ expected: { prefillMs: 30_000, guessedMs: 30_000 } });
    expect(plan(ask(), fresh)).toEqual(['a qwen local-idle', '? vendor mid fallback', '? other large fallback']);
    const result = planRoute(asked, fresh, context());
    expect(result.kind === 'plan' && result.candidates[0].sentence).toContain('by a guess');
    const cold = world({
      models: [model('qwen', { loaded: false })],
      expected: { loadMs: 20_000, prefillMs: 30_000, guessedMs: 50_000 },
    });
    expect(plan(ask(), cold)[0]).toBe('a qwen local-loading');
  });

  it('spends what may be spent where it was measured that nothing here begins in time', () => {
    const measured = world({ expected: { prefillMs: 30_000 } });
    expect(plan(ask(), measured)[0]).toBe('vendor mid cloud-saturated');
    const result = planRoute(asked, measured, context());
    expect(result.kind === 'plan' && result.candidates[2]?.sentence).not.toContain('guess');
  });

  it('spends what may be spent where the guess is not what makes it late: this node is saturated', () => {
    const busy = world({ expected: { waitMs: 10_000, prefillMs: 30_000, guessedMs: 30_000 } });
    expect(plan(ask(), busy)[0]).toBe('vendor mid cloud-saturated');
    const slowToLoad = world({ expected: { loadMs: 9_000, prefillMs: 30_000, guessedMs: 30_000 } });
    expect(plan(ask(), slowToLoad)[0]).toBe('vendor mid cloud-saturated');
  });

  it('changes nothing where money goes first anyway', () => {
    const fresh = world({ expected: { prefillMs: 30_000, guessedMs: 30_000 } });
    expect(plan(policy('ranch/quality'), fresh)[0]).toBe('other large cloud-requested');
    expect(plan(ask(), fresh, { offload: 'on' })[0]).toBe('vendor mid cloud-requested');
  });
});

describe('planRoute, a model named outright', () => {
  it.each(['low', 'normal', 'high'] as const)(
    'stays where it is without an entry of its own, for priority %s',
    (priority) => {
      for (const offload of ['auto', 'on'] as const) {
        expect(plan(naming('qwen', { priority }), world(slow), { offload })).toEqual([
          `a qwen ${priority === 'low' ? 'local-routine' : 'local-queue'}`,
        ]);
      }
    },
  );

  it('has its own stand-in take it over only when this node cannot begin in time', () => {
    for (const offload of ['auto', 'on'] as const) {
      expect(plan(naming('llama'), world(), { offload })[0]).toBe('a llama local-idle');
      expect(plan(naming('llama'), world(slow), { offload })[0]).toBe('other large cloud-saturated');
    }
    expect(plan(naming('llama', { priority: 'low' }), world(slow))).toEqual(['a llama local-routine']);
    expect(plan(naming('llama'), world(slow), { offload: 'off' })).toEqual(['a llama local-queue']);
  });

  it('has stand-ins by its name with :latest as well', () => {
    const long = standIns({ 'qwen:latest': ['vendor/mid'] });
    expect(plan({ ...naming('qwen'), standIns: long }, world(slow))).toContain('vendor mid cloud-saturated');
  });

  it('does not take a model of a provider that is only called the same', () => {
    const same = world(slow, { models: [model('qwen')] });
    expect(plan(naming('qwen'), same)).toEqual(['a qwen local-queue']);
  });

  it('of a provider is answered by that one or by none', () => {
    expect(plan(naming('vendor/small'))).toEqual(['vendor small cloud-requested']);
    const off = planRoute({ ...naming('vendor/small'), standIns: table }, world(), context({ offload: 'off' }));
    expect(told(off)).toEqual(['refused offload-off forbidden']);
    const broke = world({}, { verdict: noMoney });
    const result = planRoute({ ...naming('vendor/small'), standIns: table }, broke, context({ nowMs: 1_000 }));
    expect(told(result)).toEqual(['refused no-budget key_limit']);
    expect(result.kind === 'refused' && result.error.context['retryAfterS']).toBe(60);
  });
});

describe('planRoute, priorities and the ceiling', () => {
  it('high is like quality for ranch/auto; low never spends', () => {
    const of = (priority: Priority): string => plan(ask({ priority }))[0] ?? '';
    expect(of('high')).toBe('other large cloud-requested');
    expect(of('normal')).toBe('a qwen local-idle');
    for (const name of ['ranch/auto', 'ranch/quality', 'ranch/code'] as const) {
      const asked = policy(name, { priority: 'low' });
      for (const offload of ['auto', 'on'] as const) {
        expect(plan(asked, world(slow), { offload }).every((line) => line.includes(' local-'))).toBe(true);
      }
    }
  });

  it('local as a ceiling always wins', () => {
    for (const name of ['ranch/auto', 'ranch/quality', 'ranch/code'] as const) {
      const asked = policy(name, { ceiling: 'local' });
      const lines = plan(asked, world(slow), { offload: 'on' });
      expect(lines.every((line) => line.replace('? ', '').startsWith('a '))).toBe(true);
    }
    expect(plan(naming('vendor/mid', { ceiling: 'local' }), world(), { offload: 'on' })).toEqual([
      'refused ceiling forbidden',
    ]);
  });
});

describe('planRoute, purposes', () => {
  it.each(['auto', 'on'] as const)('go to the models that are set for them while offload is %s', (offload) => {
    const lines = plan(policy('ranch/code'), world(), { offload });
    expect(lines.slice(0, 2)).toEqual(['vendor mid cloud-requested', 'other large cloud-requested']);
    expect(lines[2]).toBe('? a llama local-idle');
  });

  it('are answered by the best model here otherwise, and say why', () => {
    const asked = { ...policy('ranch/code'), standIns: table };
    const off = planRoute(asked, world(), context({ offload: 'off' }));
    expect(told(off)).toEqual(['a llama offload-off']);
    expect(off.kind === 'plan' && off.candidates[0].sentence).toContain(
      'Not by the cloud: Offloading to the cloud is switched off.',
    );
    const broke = world({}, { verdict: noMoney }, { verdict: noMoney });
    expect(told(planRoute(asked, broke, context()))).toEqual(['a llama no-budget']);
  });

  it.each(purposeModels)('%s is answered here where nothing is set for it', (purpose) => {
    const asked = ask({ target: { kind: 'policy', policy: purpose }, standIns: () => [] });
    expect(plan(asked)).toEqual(['a llama local-idle']);
  });
});

describe('planRoute, what a dialect cannot say', () => {
  it('does not send a tool that must be called to an upstream that cannot be told so', () => {
    const needs = ['chat', 'tools'] as const;
    const tools = { models: [model('qwen', { capabilities: ['chat', 'tools'] })] };
    const deaf = option('local', 'a', { ...tools, dialects: ['ollama'] });
    expect(plan(naming('qwen', { needs, forcesTool: true }), [deaf])).toEqual([
      'refused bad-request unsupported_capability',
    ]);
    expect(plan(naming('qwen', { needs }), [deaf])).toEqual(['a qwen local-idle']);
    expect(plan(naming('qwen', { needs, forcesTool: true }), [deaf, option('local', 'b', tools)])).toEqual([
      'b qwen local-idle',
    ]);
  });

  it('does not ask an upstream for JSON without a schema that has no word for it', () => {
    const needs = ['chat', 'json'] as const;
    const json = { models: [model('qwen', { capabilities: ['chat', 'json'] })] };
    const claude = option('cloud', 'c', { ...json, dialects: ['anthropic'] });
    const result = planRoute(naming('c/qwen', { needs, wantsPlainJson: true }), [claude], context());
    expect(told(result)).toEqual(['refused bad-request unsupported_capability']);
    expect(result.kind === 'refused' && result.error.context['capability']).toBe('plain-json');
    expect(plan(naming('c/qwen', { needs }), [claude])).toEqual(['c qwen cloud-requested']);
  });

  it.each([
    ['ollama', { forcesTool: true }, 'forced-tool'],
    ['ollama', { biasesTokens: true }, 'token-bias'],
    ['anthropic', { biasesTokens: true }, 'token-bias'],
    ['anthropic', { wantsPlainJson: true }, 'plain-json'],
    ['anthropic', { needs: ['chat', 'logprobs'] }, 'logprobs'],
  ] as const)('names what %s has no words for: %j', (dialect, wish, lack) => {
    const able = { models: [model('qwen', { capabilities: ['chat', 'tools', 'json', 'logprobs'] })] };
    const result = planRoute(naming('qwen', wish), [option('local', 'a', { ...able, dialects: [dialect] })], context());
    expect(result.kind === 'refused' && result.error.context['capability']).toBe(lack);
    expect(plan(naming('qwen', wish), [option('local', 'a', able)])).toEqual(['a qwen local-idle']);
  });

  it('names what the model cannot do before what its upstream cannot be told', () => {
    const needs = ['chat', 'tools'] as const;
    const result = planRoute(
      naming('qwen', { needs, forcesTool: true }),
      [option('local', 'a', { dialects: ['ollama'] })],
      context(),
    );
    expect(result.kind === 'refused' && result.error.context['capability']).toBe('tools');
  });
});
