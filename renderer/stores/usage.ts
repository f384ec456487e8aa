import { createStore, type StoreApi } from 'zustand/vanilla';
import { type UsageAnswer } from '../../electron/contract/cloud.ts';
import { ControlError, type ControlHttp } from '../client/control-http.ts';
import { type Timers } from '../client/timers.ts';
import { rangeStart, stepOf, type TableGroup, type UsageRange } from '../format/usage.ts';

/** What is to be shown. */
export interface UsageWish {
  readonly range: UsageRange;
  readonly by: TableGroup;
}

/** One look into the ledger: both answers are of the same time. */
export interface UsageLook {
  readonly range: UsageRange;
  readonly since: number;
  readonly until: number;
  readonly table: UsageAnswer;
  readonly overTime: UsageAnswer;
}

export interface UsageState {
  readonly wish: UsageWish;
  /** The latest look, kept while the next one is under way. */
  readonly look: UsageLook | null;
  readonly asking: boolean;
  readonly failure: string | null;
}

export interface Usage {
  readonly store: StoreApi<UsageState>;
  /** Looks at once. */
  readonly ask: () => void;
  /** Something was spent or kept: looks again, but not within ten seconds of the last look. */
  readonly heard: () => void;
  /** Shows something else, at once. */
  readonly wish: (part: Partial<UsageWish>) => void;
  readonly stop: () => void;
}

/** A look costs the agent a walk over its sums; news may come several times a second. */
export const leastBetweenMs = 10_000;

export function createUsage(first: UsageWish, deps: { http: Pick<ControlHttp, 'query'>; timers: Timers }): Usage {
  const { http, timers } = deps;
  const store = createStore<UsageState>(() => ({ wish: first, look: null, asking: false, failure: null }));
  let current: AbortController | null = null;
  let askedAt: number | null = null;
  let cancelLater: (() => void) | null = null;

  const stop = (): void => {
    cancelLater?.();
    cancelLater = null;
    current?.abort();
    current = null;
  };
  const look = async (wish: UsageWish, until: number, signal: AbortSignal): Promise<UsageLook> => {
    const since = rangeStart(wish.range, until);
    const times = { since: new Date(since).toISOString(), until: new Date(until).toISOString() };
    const [table, overTime] = await Promise.all([
      http.query('usage', { ...times, by: wish.by }, signal),
      http.query('usage', { ...times, by: stepOf(wish.range) }, signal),
    ]);
    return { range: wish.range, since, until, table, overTime };
  };
  const ask = (): void => {
    stop();
    const controller = new AbortController();
    current = controller;
    askedAt = timers.now();
    store.setState({ asking: true, failure: null });
    look(store.getState().wish, askedAt, controller.signal).then(
      (seen) => {
        if (current === controller) store.setState({ look: seen, asking: false, failure: null });
      },
      (error: unknown) => {
        if (current !== controller) return;
        controller.abort();
        const failure = error instanceof ControlError ? error.message : 'The connection broke. Look again.';
        store.setState({ asking: false, failure });
      },
    );
  };
  return {
    store,
    ask,
    heard: () => {
      if (askedAt === null || cancelLater !== null) return;
      const waitMs = askedAt + leastBetweenMs - timers.now();
      if (waitMs <= 0) ask();
      else cancelLater = timers.after(waitMs, ask);
    },
    wish: (part) => {
      store.setState((state) => ({ wish: { ...state.wish, ...part } }));
      ask();
    },
    stop,
  };
}
