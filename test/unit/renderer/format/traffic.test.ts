import { describe, expect, it } from 'vitest';
import { policySchema } from '../../../../electron/contract/keys.ts';
import { breakerWords, causeSentence, reuseShare } from '../../../../renderer/format/gateway.ts';
import { draftOf, emptyDraft, orderKeys, policyOf, policyWords } from '../../../../renderer/format/policy.ts';
import { chosenOf, comparisons } from '../../../../renderer/format/trace.ts';
import {
  filterOf,
  fits,
  formatDollars,
  mergeRows,
  narrowed,
  rowOfActivity,
  rowOfTrace,
  tokenWords,
  traceAddress,
  trafficAddress,
} from '../../../../renderer/format/traffic.ts';
import { placeOf } from '../../../../renderer/route.ts';
import { fakeSnapshot } from '../../../fakes/fake-snapshot.ts';
import { fakeKey, fakeKeys, fakeTrace, fakeTraces } from '../../../fakes/fake-traffic.ts';

const ago = (ms: number): string => new Date(1_000_000_000_000 - ms).toISOString();
const at = ago(0);

function live(over: Partial<ReturnType<typeof fakeSnapshot>['activity'][number]> = {}) {
  const [entry] = fakeSnapshot(1_000_000_000_000).activity;
  if (entry === undefined) throw new Error('no request in the fake');
  return rowOfActivity({ ...entry, ...over });
}

describe('the filter of the traffic list', () => {
  it('is its address: what is written is read again', () => {
    const filter = { key: 'a & b=c', model: 'hf.co/x:Q4?', route: 'none', state: 'failed', dialect: 'ollama' } as const;
    expect(filterOf(placeOf(trafficAddress(filter)).search)).toEqual(filter);
    expect(trafficAddress({})).toBe('#/traffic');
    expect(placeOf(traceAddress('a/b?c#d'))).toMatchObject({ route: 'traffic', id: 'a/b?c#d' });
  });

  it('B71 what is no filter narrows nothing, and nothing is longer than the agent takes', () => {
    expect(filterOf('route=moon&state=running&dialect=__proto__&key=+&limit=9&before=x')).toEqual({});
    expect(filterOf(`key=${'k'.repeat(99)}`).key).toHaveLength(64);
    expect(filterOf('%E0%A4%A&&==')).toEqual({});
  });

  it('is narrowed and widened one part at a time', () => {
    expect(narrowed({ key: 'a' }, 'state', 'done')).toEqual({ key: 'a', state: 'done' });
    expect(narrowed({ key: 'a', state: 'done' }, 'key', '')).toEqual({ state: 'done' });
  });

  it('lets a fresh request in only where all of it fits', () => {
    const row = live({ key: 'a', model: 'm', route: 'local', state: 'done', dialect: 'openai' });
    expect(fits(row, {})).toBe(true);
    expect(fits(row, { key: 'a', model: 'm', route: 'local', state: 'done', dialect: 'openai' })).toBe(true);
    for (const other of [
      { key: 'b' },
      { model: 'n' },
      { route: 'cloud' },
      { state: 'failed' },
      { dialect: 'ollama' },
    ]) {
      expect(fits(row, filterOf(new URLSearchParams(other).toString())), JSON.stringify(other)).toBe(false);
    }
    expect(fits(row, { session: 's' })).toBe(false);
  });
});

describe('rows', () => {
  it('stand once each, the latest arrival first, and what the store keeps goes before the news', () => {
    const [old, fresh] = [fakeTrace({ trace: 'a', at: ago(9_000), key: 'k' }), fakeTrace({ trace: 'b', at })];
    const rows = mergeRows([rowOfTrace(old)], [live({ trace: 'a', at: ago(9_000) }), rowOfTrace(fresh)]);
    expect(rows.map(({ trace, key, kept }) => [trace, key, kept])).toEqual([
      ['b', null, true],
      ['a', 'k', true],
    ]);
    const ended = mergeRows([live({ state: 'running' })], [live({ state: 'done' })]);
    expect(ended.map(({ state }) => state)).toEqual(['done']);
  });

  it('tell tokens only where some were told', () => {
    expect(tokenWords({ promptTokens: null, cachedTokens: null, completionTokens: null })).toBeNull();
    expect(tokenWords({ promptTokens: 9, cachedTokens: 0, completionTokens: null })).toEqual({
      prompt: '9',
      cached: null,
      answer: '–',
    });
  });

  it('tell money in cents where there are some', () => {
    expect([0, 0.00213, 1.4, null].map(formatDollars)).toEqual(['free', '$0.0021', '$1.40', '–']);
  });
});

describe('a decision', () => {
  const [rich] = fakeTraces(ago);
  if (rich === undefined) throw new Error('no decision in the fake');

  it('has as its chosen one who answered, not who was tried first', () => {
    expect(chosenOf(rich)?.upstream).toBe('embedded');
    expect(chosenOf({ ...rich, upstream: 'openrouter' })).toBeNull();
    expect(chosenOf({ ...rich, upstream: null })).toBeNull();
  });

  it('compares what was expected of it with what came, and says only what differs', () => {
    const [wait, first, held] = comparisons(rich);
    expect(wait).toMatchObject({ expected: '800 ms', actual: '940 ms', difference: null });
    expect(first).toMatchObject({ expected: '3.76 s', actual: '1.62 s', difference: '0.4 × as long' });
    expect(first?.expectedShare).toBe(1);
    expect(first?.actualShare).toBeCloseTo(0.43);
    expect(held).toMatchObject({ expected: '8.60 s', actual: '4.96 s' });
    const aborted = comparisons({ ...rich, state: 'aborted', ttftMs: null });
    expect(aborted[1]).toMatchObject({ actual: '–', actualShare: 0, difference: null });
    expect(aborted[2]?.actual).toBe('–');
    expect(comparisons({ ...rich, upstream: null })).toEqual([]);
  });
});

describe('keys', () => {
  it('a policy goes through the form and comes out the same', () => {
    const policy = policySchema.parse({ models: ['a*', 'b'], dollarsPerDay: 0, concurrency: 2, ceiling: 'local' });
    expect(policySchema.parse(policyOf(draftOf(policy)))).toEqual(policy);
    expect(policySchema.parse(policyOf(emptyDraft))).toEqual(policySchema.parse({}));
    expect(policyOf({ ...emptyDraft, models: ' a ,\n,b ' }).models).toEqual(['a', 'b']);
  });

  it('say what they limit, and nothing where they limit nothing', () => {
    expect(policyWords(policySchema.parse({}))).toEqual([]);
    const words = policyWords(
      policySchema.parse({
        defaultModel: 'm',
        models: ['m', 'n*'],
        priority: 'low',
        maxPriority: 'normal',
        ceiling: 'local',
        requestsPerMinute: 60,
        tokensPerMinute: 90_000,
        concurrency: 2,
        dollarsPerDay: 0,
      }),
    );
    expect(words).toEqual([
      'm unless it names a model',
      'only m, n*',
      'priority low',
      'never above normal',
      'this machine only',
      '60 requests a minute',
      '90\u202f000 tokens a minute',
      '2 at once',
      'no money',
    ]);
  });

  it('stand with the valid ones first', () => {
    const keys = [...fakeKeys(ago), fakeKey({ id: 'k-9', name: 'new', createdAt: at })];
    expect(orderKeys(keys).map(({ id }) => id)).toEqual(['k-9', 'k-2', 'k-1', 'k-0']);
  });
});

describe('the gateway', () => {
  it('says its cause as a sentence, or nothing', () => {
    expect(causeSentence(' 3 requests wait ')).toBe('3 requests wait.');
    expect(causeSentence('only 1.2 GB of memory is free.')).toBe('Only 1.2 GB of memory is free.');
    expect(causeSentence('')).toBeNull();
  });

  it('has no share of reuse where an engine does not tell', () => {
    expect(reuseShare(100, 25)).toBe(0.25);
    expect(reuseShare(100, null)).toBeNull();
    expect(reuseShare(0, 0)).toBeNull();
    expect(reuseShare(10, 30)).toBe(1);
  });

  it('says what to do about an upstream that is left out', () => {
    const causes = ['failing', 'busy', 'unauthorised', 'out-of-money'] as const;
    expect(new Set(causes.map((cause) => breakerWords({ cause }))).size).toBe(4);
    expect(breakerWords({})).toBe(breakerWords({ cause: 'failing' }));
    // A key never goes into the settings: whoever put one there would have it in a file in plain text.
    expect(breakerWords({ cause: 'unauthorised' })).toMatch(/under Money\. .* keyFile or keyEnv /u);
    expect(breakerWords({ cause: 'unauthorised' })).not.toContain('settings');
  });
});
