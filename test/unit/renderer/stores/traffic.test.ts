import { describe, expect, it } from 'vitest';
import { type QueryAnswer } from '../../../../electron/contract/control.ts';
import { type ActivityEntry } from '../../../../electron/contract/snapshot.ts';
import { ControlError } from '../../../../renderer/client/control-http.ts';
import { type TrafficFilter } from '../../../../renderer/format/traffic.ts';
import { createTraffic } from '../../../../renderer/stores/traffic.ts';
import { fakeSnapshot } from '../../../fakes/fake-snapshot.ts';
import { fakeTrace } from '../../../fakes/fake-traffic.ts';
import { settled } from '../manual-timers.ts';

const start = 1_000_000_000_000;
const at = (second: number): string => new Date(start + second * 1_000).toISOString();

function entry(trace: string, second: number, over: Partial<ActivityEntry> = {}): ActivityEntry {
  const [one] = fakeSnapshot(start).activity;
  if (one === undefined) throw new Error('no request in the fake');
  return { ...one, trace, at: at(second), ...over };
}

function setUp(filter: TrafficFilter = {}) {
  const asked: {
    params: unknown;
    signal: AbortSignal;
    answer: (value: QueryAnswer<'traces'>) => void;
    refuse: (error: unknown) => void;
  }[] = [];
  const query = async (_name: string, params: unknown, signal: AbortSignal): Promise<never> => {
    const { promise, resolve, reject } = Promise.withResolvers<never>();
    asked.push({ params, signal, answer: (value) => resolve(value as never), refuse: reject });
    return promise;
  };
  const traffic = createTraffic(filter, { http: { query } });
  return { asked, traffic, shown: () => traffic.store.getState().rows.map(({ trace }) => trace) };
}

const page = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => fakeTrace({ trace: `t-${first - index}`, at: at(first - index) }));

describe('the traffic list', () => {
  it('walks the store page by page, and stops where it ends', async () => {
    const { asked, traffic, shown } = setUp({ key: 'k' });
    traffic.ask();
    asked[0]?.answer({ traces: page(100, 50), total: 70 });
    await settled();
    expect(traffic.store.getState()).toMatchObject({ more: true, total: 70, asking: false });
    traffic.older();
    asked[1]?.answer({ traces: page(50, 20), total: 70 });
    await settled();
    expect(asked.map(({ params }) => params)).toEqual([
      { key: 'k', limit: 50 },
      { key: 'k', limit: 50, before: 't-51' },
    ]);
    expect(shown()).toHaveLength(70);
    expect(shown().at(-1)).toBe('t-31');
    expect(traffic.store.getState().more).toBe(false);
  });

  it('takes news in as they come, keeps what the agent no longer lists, and lets go of what ended elsewhere', async () => {
    const { asked, traffic, shown } = setUp({ route: 'local' });
    traffic.ask();
    asked[0]?.answer({ traces: page(3, 2), total: 2 });
    await settled();
    traffic.heard([entry('a', 10)]);
    traffic.heard([entry('b', 11)]);
    expect(shown()).toEqual(['b', 'a', 't-3', 't-2']);
    traffic.heard([entry('b', 11, { route: 'cloud' })]);
    expect(shown()).toEqual(['a', 't-3', 't-2']);
    expect(asked).toHaveLength(1);
  });

  it('asked anew, begins anew: a request that was running when the agent was lost does not run for ever', async () => {
    const { asked, traffic, shown } = setUp();
    traffic.heard([entry('lost', 1)]);
    traffic.heard([]);
    expect(shown()).toEqual(['lost']);
    traffic.ask();
    traffic.heard([entry('new', 9)]);
    asked[0]?.answer({ traces: page(3, 1), total: 1 });
    await settled();
    expect(shown()).toEqual(['new', 't-3']);
  });

  it('holds no more than a thousand, and the next page begins where it was cut', async () => {
    const { asked, traffic, shown } = setUp();
    traffic.ask();
    asked[0]?.answer({ traces: page(50, 49), total: 49 });
    await settled();
    for (let from = 0; from < 980; from += 20) {
      traffic.heard(Array.from({ length: 20 }, (_, index) => entry(`n-${from + index}`, 1_000 + from + index)));
    }
    expect(shown()).toHaveLength(1_000);
    expect(shown().at(-1)).toBe('t-31');
    expect(traffic.store.getState().more).toBe(true);
    traffic.older();
    expect(asked[1]?.params).toEqual({ limit: 50, before: 't-31' });
  });

  it('says why there is no answer, keeps its rows, and hears nothing once stopped', async () => {
    const { asked, traffic, shown } = setUp();
    traffic.heard([entry('a', 1)]);
    traffic.ask();
    asked[0]?.refuse(new ControlError('Try again.', { status: 503, code: 'unavailable' }));
    await settled();
    expect(traffic.store.getState()).toMatchObject({ failure: 'Try again.', asking: false });
    expect(shown()).toEqual(['a']);
    traffic.ask();
    traffic.stop();
    expect(asked[1]?.signal.aborted).toBe(true);
    asked[1]?.answer({ traces: page(9, 9), total: 9 });
    await settled();
    expect(shown()).toEqual(['a']);
  });
});
