import { describe, expect, it } from 'vitest';
import { querySchemas, type QueryAnswer } from '../../../../electron/contract/control.ts';
import { ControlError } from '../../../../renderer/client/control-http.ts';
import { createUsage, leastBetweenMs } from '../../../../renderer/stores/usage.ts';
import { fakeUsage } from '../../../fakes/fake-control-cloud.ts';
import { ManualTimers, settled } from '../manual-timers.ts';

function setUp() {
  const timers = new ManualTimers();
  const asked: {
    by: string;
    signal: AbortSignal;
    answer: () => void;
    refuse: (error: unknown) => void;
  }[] = [];
  const query = async (_name: string, params: unknown, signal: AbortSignal): Promise<never> => {
    const read = querySchemas.usage.parse(params);
    const { promise, resolve, reject } = Promise.withResolvers<QueryAnswer<'usage'>>();
    asked.push({ by: read.by, signal, answer: () => resolve(fakeUsage(read)), refuse: reject });
    return (await promise) as never;
  };
  const usage = createUsage({ range: '24h', by: 'provider' }, { http: { query }, timers });
  const answerAll = async (): Promise<void> => {
    for (const one of asked) one.answer();
    await settled();
  };
  return { timers, asked, usage, answerAll, state: () => usage.store.getState() };
}

describe('a look into the ledger', () => {
  it('asks for the table and for the time, of the same hours, and shows both at once', async () => {
    const { asked, usage, answerAll, state } = setUp();
    usage.ask();
    expect(asked.map(({ by }) => by)).toEqual(['provider', 'hour']);
    asked[0]?.answer();
    await settled();
    expect(state().look).toBeNull();
    await answerAll();
    expect(state()).toMatchObject({ asking: false, failure: null, look: { range: '24h' } });
    expect(state().look?.table.since).toBe(state().look?.overTime.since);
  });

  it('news bring another look, but not within ten seconds, and one for all of them', async () => {
    const { asked, timers, usage, answerAll } = setUp();
    usage.heard();
    expect(asked).toHaveLength(0);
    usage.ask();
    await answerAll();
    for (let news = 0; news < 50; news += 1) {
      timers.advance(100);
      usage.heard();
    }
    expect(asked).toHaveLength(2);
    timers.advance(leastBetweenMs - 5_001);
    expect(asked).toHaveLength(2);
    timers.advance(1);
    expect(asked).toHaveLength(4);
    await answerAll();
    timers.advance(60_000);
    expect(asked).toHaveLength(4);
    usage.heard();
    expect(asked).toHaveLength(6);
  });

  it('another wish is looked for at once, and what was asked before is given up', async () => {
    const { asked, usage, answerAll, state } = setUp();
    usage.ask();
    usage.wish({ range: '7d', by: 'key' });
    expect(asked.slice(0, 2).every(({ signal }) => signal.aborted)).toBe(true);
    expect(asked.slice(2).map(({ by }) => by)).toEqual(['key', 'day']);
    await answerAll();
    expect(state().look).toMatchObject({ range: '7d', table: { by: 'key' }, overTime: { by: 'day' } });
  });

  it('a refusal is told, gives the other half up, and leaves the last look', async () => {
    const { asked, usage, answerAll, state } = setUp();
    usage.ask();
    await answerAll();
    usage.ask();
    asked[2]?.refuse(new ControlError('The ledger is closed.', { status: 503, code: 'ledger_closed' }));
    await settled();
    expect(state()).toMatchObject({ asking: false, failure: 'The ledger is closed.' });
    expect(state().look).not.toBeNull();
    expect(asked[3]?.signal.aborted).toBe(true);
  });

  it('stops for good: nothing is asked later', () => {
    const { asked, timers, usage } = setUp();
    usage.ask();
    usage.heard();
    usage.stop();
    timers.advance(60_000);
    expect(asked).toHaveLength(2);
    expect(timers.pending).toBe(0);
  });
});
