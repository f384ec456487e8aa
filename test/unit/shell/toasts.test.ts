import { describe, expect, it } from 'vitest';
import type { NodeSnapshot, Notice } from '../../../electron/contract/snapshot.ts';
import type { NodeView } from '../../../electron/shell/node-view.ts';
import { dueToasts, toasts } from '../../../electron/shell/toasts.ts';
import { aBudget, aCloud } from '../../fixtures/example-cloud.ts';
import { exampleEngine, exampleSnapshot } from '../../fixtures/example-snapshot.ts';

const connected = (changes: Partial<NodeSnapshot> = {}): NodeView => ({
  kind: 'connected',
  snapshot: exampleSnapshot(changes),
  seq: 1,
});
const notice = (id: string, severity: Notice['severity'] = 'problem'): Notice => ({
  id,
  severity,
  sentence: `About ${id}.`,
  since: '2026-01-01T00:00:00.000Z',
  fix: null,
});

describe('toasts', () => {
  it('tells a new problem once', () => {
    const now = connected({ notices: [notice('disk-full')] });
    expect(toasts(connected(), now)).toEqual([
      { key: 'notice:disk-full', title: 'logos-prime', body: 'About disk-full.' },
    ]);
    expect(toasts(now, now)).toEqual([]);
  });

  it('leaves what is not a problem to the panel', () => {
    const notices = [notice('self-test-model', 'info'), notice('slow', 'warning')];
    expect(toasts(connected(), connected({ notices }))).toEqual([]);
  });

  it('tells an engine that failed, unless a notice does', () => {
    const failed = exampleEngine({ state: 'failed', sentence: 'It ended five times.' });
    expect(toasts(connected(), connected({ engines: [failed] }))).toEqual([
      { key: 'engine:embedded', title: 'logos-prime', body: 'It ended five times.' },
    ]);
    const both = connected({ engines: [failed], notices: [notice('engine-failed')] });
    expect(toasts(connected(), both).map(({ key }) => key)).toEqual(['notice:engine-failed']);
    expect(toasts(connected({ engines: [failed] }), connected({ engines: [failed] }))).toEqual([]);
  });

  it('does not speak of load, models and restarts', () => {
    const busy = connected({
      engines: [exampleEngine({ state: 'backoff', restarts: 3 })],
      gateway: { ...exampleSnapshot().gateway, queued: 40, level: 'saturated' },
      models: [],
    });
    expect(toasts(connected(), busy)).toEqual([]);
  });

  it('tells once that a budget nears its end, and that it is used up', () => {
    const of = (state: string, spent = 8.1): NodeView =>
      connected({ cloud: aCloud({ budgets: [aBudget({ state, spent }), aBudget({ scope: 'key:batch' })] }) });
    expect(toasts(of('open'), of('soft'))).toEqual([
      {
        key: 'budget:all:day:usd:soft',
        title: 'logos-prime',
        body: 'The cloud budget of the day nears its end: $8.10 of $10.00. From now on only what asks for the cloud goes there.',
      },
    ]);
    expect(toasts(of('soft'), of('soft', 8.4))).toEqual([]);
    expect(toasts(of('soft'), of('closed', 10)).map(({ body }) => body)).toEqual([
      'The cloud budget of the day is used up: $10.00 of $10.00. Requests stay local until it begins anew.',
    ]);
    expect(toasts(of('open'), of('closed', 10))).toHaveLength(1);
    const nothing = (state: string): NodeView =>
      connected({ cloud: aCloud({ budgets: [aBudget({ limit: 0, spent: 0, state })] }) });
    expect(toasts(nothing('open'), nothing('closed'))).toEqual([]);
    // A new day, and a node that was found in this state.
    expect(toasts(of('closed'), of('open'))).toEqual([]);
    expect(toasts(connected(), of('closed'))).toEqual([]);
  });

  it('names whose budget it is, and the unit', () => {
    const of = (state: string): NodeView =>
      connected({
        cloud: aCloud({
          budgets: [
            aBudget({ scope: 'key:laptop', period: 'month', unit: 'tokens', spent: 45_000, limit: 50_000, state }),
          ],
        }),
      });
    expect(toasts(of('open'), of('soft'))[0]?.body).toMatch(
      /^The cloud budget of the month of laptop .* 45,000 of 50,000 tokens\./,
    );
  });

  it('tells the alarm once, by the sentence of the node, and not twice where a notice says it', () => {
    const sentence = 'Spending is 6 times its usual rate, so offloading is paused.';
    const cloud = aCloud({ paused: { reason: 'velocity', sentence, since: '2026-11-22T12:00:00.000Z' } });
    const paused = connected({ cloud });
    expect(toasts(connected({ cloud: aCloud() }), paused)).toEqual([
      { key: 'offload-paused:velocity', title: 'logos-prime', body: sentence },
    ]);
    expect(toasts(paused, paused)).toEqual([]);
    expect(toasts(paused, connected({ cloud: aCloud() }))).toEqual([]);
    const both = connected({ cloud, notices: [{ ...notice('velocity'), sentence: `Look: ${sentence}` }] });
    expect(toasts(connected({ cloud: aCloud() }), both).map(({ key }) => key)).toEqual(['notice:velocity']);
  });

  it('tells that the node is gone, and that it did not start', () => {
    const gone: NodeView = { kind: 'stopped', sentence: 'The node has stopped' };
    expect(toasts(connected(), gone)).toEqual([{ key: 'gone', title: 'logos-prime', body: 'The node has stopped.' }]);
    const failed: NodeView = { kind: 'stopped', sentence: 'Port 8080 is taken.' };
    expect(toasts({ kind: 'starting' }, failed)).toEqual([
      { key: 'not-started', title: 'Ranch Hand', body: 'Port 8080 is taken.' },
    ]);
    expect(toasts({ kind: 'looking' }, { kind: 'starting' })).toEqual([]);
    expect(toasts({ kind: 'starting' }, connected({ notices: [notice('old')] }))).toEqual([]);
  });

  it('is bounded', () => {
    const notices = Array.from({ length: 20 }, (_, index) => notice(`n${index}`));
    expect(toasts(connected(), connected({ notices }))).toHaveLength(3);
  });
});

describe('dueToasts', () => {
  const toast = { key: 'k', title: 't', body: 'b' };

  it('does not say the same again within ten minutes', () => {
    const first = dueToasts([toast], new Map(), 0);
    expect(first.show).toEqual([toast]);
    const second = dueToasts([toast], first.shownAtMs, 9 * 60_000);
    expect(second.show).toEqual([]);
    expect(dueToasts([toast], second.shownAtMs, 10 * 60_000).show).toEqual([toast]);
  });

  it('remembers a bounded number', () => {
    let shownAtMs: ReadonlyMap<string, number> = new Map();
    for (let index = 0; index < 500; index += 1) {
      shownAtMs = dueToasts([{ ...toast, key: `k${index}` }], shownAtMs, index).shownAtMs;
    }
    expect(shownAtMs.size).toBe(100);
  });
});
