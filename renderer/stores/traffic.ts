import { createStore, type StoreApi } from 'zustand/vanilla';
import { type ActivityEntry } from '../../electron/contract/snapshot.ts';
import { ControlError, type ControlHttp } from '../client/control-http.ts';
import { fits, mergeRows, rowOfActivity, rowOfTrace, type TrafficFilter, type TrafficRow } from '../format/traffic.ts';

/** Requests asked for at once, and the most that the page holds: older ones give way to fresh ones. */
const pageRows = 50;
const mostRows = 1_000;

export interface TrafficState {
  /** The latest first. */
  readonly rows: readonly TrafficRow[];
  /** How many the store keeps that fit; null until it answered. */
  readonly total: number | null;
  /** Whether the store has older ones than those shown. */
  readonly more: boolean;
  readonly asking: boolean;
  /** Why the latest question brought no answer. */
  readonly failure: string | null;
}

/** The list of requests under one filter: a page of the store at a time, and what the event stream adds. */
export interface Traffic {
  readonly store: StoreApi<TrafficState>;
  /** Asks for the latest; what is shown stays. */
  readonly ask: () => void;
  readonly older: () => void;
  /** Takes the news in. */
  readonly heard: (activity: readonly ActivityEntry[]) => void;
  readonly stop: () => void;
}

export function createTraffic(filter: TrafficFilter, deps: { http: Pick<ControlHttp, 'query'> }): Traffic {
  const store = createStore<TrafficState>(() => ({ rows: [], total: null, more: false, asking: false, failure: null }));
  let current: AbortController | null = null;
  /** The oldest that the store has given; the next page begins before it. */
  let oldest: string | null = null;
  let fresh: readonly TrafficRow[] = [];

  const stop = (): void => {
    current?.abort();
    current = null;
  };
  const page = (before: string | null): void => {
    stop();
    const controller = new AbortController();
    current = controller;
    store.setState({ asking: true, failure: null });
    const params = { ...filter, limit: pageRows, ...(before === null ? {} : { before }) };
    deps.http.query('traces', params, controller.signal).then(
      ({ traces, total }) => {
        if (current !== controller) return;
        oldest = traces.at(-1)?.trace ?? oldest;
        store.setState(({ rows }) => ({
          // Asked anew, the list begins anew: what it held might have a gap to what is the latest now.
          rows: mergeRows(before === null ? fresh : rows, traces.map(rowOfTrace)),
          total,
          more: traces.length === pageRows,
          asking: false,
        }));
      },
      (error: unknown) => {
        if (current !== controller) return;
        const failure = error instanceof ControlError ? error.message : 'The connection broke. Look again.';
        store.setState({ asking: false, failure });
      },
    );
  };
  return {
    store,
    ask: () => page(null),
    older: () => page(oldest),
    heard: (activity) => {
      const { rows } = store.getState();
      const known = new Map(rows.map((row) => [row.trace, row]));
      fresh = activity.map(rowOfActivity).filter((row) => fits(row, filter));
      const news = fresh.filter(({ trace }) => known.get(trace)?.kept !== true);
      // A request that no longer fits, such as one that ended elsewhere, leaves the list it was in.
      const listed = new Set(fresh.map(({ trace }) => trace));
      const left = new Set(activity.filter(({ trace }) => !listed.has(trace)).map(({ trace }) => trace));
      const stay = rows.filter((row) => row.kept || !left.has(row.trace));
      if (news.length === 0 && stay.length === rows.length) return;
      const merged = mergeRows(stay, news);
      const shown = merged.slice(0, mostRows);
      if (shown.length < merged.length) oldest = shown.findLast(({ kept }) => kept)?.trace ?? oldest;
      store.setState((state) => ({ rows: shown, more: state.more || shown.length < merged.length }));
    },
    stop,
  };
}
