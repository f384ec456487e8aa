import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { CircuitBreakers } from '../../../../electron/agent/gateway/dispatch/breaker.ts';
import { Dispatcher, type TryOutcome } from '../../../../electron/agent/gateway/dispatch/dispatcher.ts';
import { defaultRetryBudget, RetryBudget } from '../../../../electron/agent/gateway/dispatch/retry-budget.ts';
import type { PlannedCandidate } from '../../../../electron/agent/gateway/routing/plan.ts';
import { ask, context, option } from '../routing/route-world.ts';
import { planRoute } from '../../../../electron/agent/gateway/routing/plan-route.ts';

const crash: TryOutcome = { kind: 'failed', error: new AppError('engine_failed', 'It fell.'), sent: true };

function candidate(): PlannedCandidate {
  const plan = planRoute(ask(), [option('local', 'here')], context());
  if (plan.kind === 'refused') throw plan.error;
  return plan.candidates[0];
}

function planned(route: 'local' | 'peer', ids: readonly string[]): readonly PlannedCandidate[] {
  const plan = planRoute(
    ask(),
    ids.map((id) => option(route, id)),
    context(),
  );
  if (plan.kind === 'refused') throw plan.error;
  return plan.candidates;
}

function site() {
  const clock = new ManualClock();
  const breakers = new CircuitBreakers({ clock });
  const dispatcher = new Dispatcher({ breakers, retries: new RetryBudget(defaultRetryBudget, { clock }) });
  const send = (run: (begun: () => void) => Promise<TryOutcome>) =>
    dispatcher.dispatch([candidate()], {
      run: (_candidate, _tries, begun) => run(begun),
      tried: () => undefined,
      signal: new AbortController().signal,
    });
  const fail = async (times: number, begins: boolean): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      await send((begun) => {
        if (begins) begun();
        return Promise.resolve(crash);
      });
    }
  };
  return { clock, breakers, send, fail, state: () => breakers.stateOf('here') };
}

describe('Dispatcher', () => {
  it('F30 goes on from an upstream that cannot do what is asked, however many ask', async () => {
    const clock = new ManualClock();
    const retries = new RetryBudget(defaultRetryBudget, { clock });
    const dispatcher = new Dispatcher({ breakers: new CircuitBreakers({ clock }), retries });
    const plan = planRoute(ask(), [option('local', 'one'), option('local', 'other')], context());
    if (plan.kind === 'refused') throw plan.error;
    const [{ upstream: first }] = plan.candidates;
    const declined = new AppError('unsupported_capability', 'You can only afford 3919 tokens.');
    for (let request = 0; request < 40; request += 1) {
      const { candidate, outcome } = await dispatcher.dispatch(plan.candidates, {
        run: ({ upstream }) =>
          Promise.resolve(upstream === first ? { kind: 'failed', error: declined, sent: false } : { kind: 'done' }),
        tried: () => undefined,
        signal: new AbortController().signal,
      });
      expect([candidate.upstream === first, outcome.kind]).toEqual([false, 'done']);
    }
  });

  it('F30 asks the engine here when every provider before it has failed, however many ask', async () => {
    const clock = new ManualClock();
    const breakers = new CircuitBreakers({ clock });
    const dispatcher = new Dispatcher({ breakers, retries: new RetryBudget(defaultRetryBudget, { clock }) });
    const [here] = planned('local', ['here']);
    if (!here) throw new Error('no plan');
    const providers = planned('peer', ['one', 'two', 'three', 'four', 'five']);
    const [first, ...others] = providers;
    if (!first) throw new Error('no plan');
    for (let request = 0; request < 40; request += 1) {
      const asked: string[] = [];
      const { candidate, outcome } = await dispatcher.dispatch(
        [first, ...others, here, ...planned('local', ['spare'])],
        {
          run: ({ upstream }) => {
            asked.push(upstream.id);
            const error = new AppError('too_busy', 'Try again later.');
            return Promise.resolve(
              upstream.route === 'local' ? { kind: 'done' } : { kind: 'failed', error, sent: false },
            );
          },
          tried: () => undefined,
          signal: new AbortController().signal,
        },
      );
      expect([candidate.upstream.id, outcome.kind]).toEqual(['here', 'done']);
      expect(asked.length).toBeLessThanOrEqual(defaultRetryBudget.tries + 1);
    }
  });

  it('F30 asks one engine here beyond the budget, and not the next one', async () => {
    const clock = new ManualClock();
    const retries = new RetryBudget({ ...defaultRetryBudget, tries: 1 }, { clock });
    const dispatcher = new Dispatcher({ breakers: new CircuitBreakers({ clock }), retries });
    const [first, ...others] = [...planned('peer', ['away']), ...planned('local', ['here', 'spare'])];
    if (!first) throw new Error('no plan');
    const asked: string[] = [];
    const { outcome } = await dispatcher.dispatch([first, ...others], {
      run: ({ upstream }) => {
        asked.push(upstream.id);
        return Promise.resolve({ kind: 'failed', error: new AppError('engine_failed', 'It fell.'), sent: false });
      },
      tried: () => undefined,
      signal: new AbortController().signal,
    });
    expect(outcome.kind).toBe('failed');
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe('away');
  });

  it('F30 lets the others in again when the answer on trial begins, not only when it ends', async () => {
    const { clock, fail, send, state } = site();
    await fail(5, false);
    expect(state()).toBe('open');
    clock.advance(5_000);
    const answer = Promise.withResolvers<TryOutcome>();
    let begin = (): void => undefined;
    const trial = send((begun) => {
      begin = begun;
      return answer.promise;
    });
    expect(state()).toBe('open');
    begin();
    expect(state()).toBe('closed');
    answer.resolve({ kind: 'done' });
    await trial;
    expect(state()).toBe('closed');
    await fail(4, false);
    expect(state()).toBe('closed');
  });

  it('F30 says why when the only one was left out between the plan and its turn', async () => {
    const { breakers, send } = site();
    breakers.report('here', { kind: 'busy', forMs: 7_000 });
    await expect(send(() => Promise.reject(new Error('it was sent')))).rejects.toMatchObject({
      code: 'too_busy',
      message:
        'qwen on here cannot answer now: it has no room and asked to be left alone for another 7.0 s. Try again in 7 s.',
      context: { upstream: 'here', retryAfterS: 7 },
    });
  });

  it('F30 an answer that begins and breaks off proves nothing: five in a row open it, and after a trial one', async () => {
    const { clock, fail, state } = site();
    await fail(4, true);
    expect(state()).toBe('closed');
    await fail(1, true);
    expect(state()).toBe('open');
    clock.advance(5_000);
    await fail(1, true);
    expect(state()).toBe('open');
    clock.advance(9_999);
    expect(state()).toBe('open');
    clock.advance(1);
    expect(state()).toBe('half-open');
  });
});
