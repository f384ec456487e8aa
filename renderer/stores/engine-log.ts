import { createStore, type StoreApi } from 'zustand/vanilla';
import { type LogLine } from '../../electron/contract/control.ts';
import { ControlError, type ControlHttp } from '../client/control-http.ts';
import { type Timers } from '../client/timers.ts';

/** A line with a number of its own, so that a list of them moves without being drawn anew. */
export interface NumberedLine extends LogLine {
  readonly number: number;
}

export interface EngineLogState {
  /** Oldest first, at most 500. */
  readonly lines: readonly NumberedLine[];
  readonly following: { readonly state: 'following' } | { readonly state: 'ended'; readonly sentence: string };
}
export type EngineLogStore = StoreApi<EngineLogState>;

export interface EngineLog {
  readonly store: EngineLogStore;
  /** Opens the log and shows it from its last lines on; what was shown before goes. */
  follow(): void;
  stop(): void;
}

const keptLines = 500;
/** Lines are shown in bundles: a chatty engine must not keep the page busy. */
const bundleMs = 200;

/** The live log of one engine. */
export function createEngineLog(
  engine: string,
  deps: { http: Pick<ControlHttp, 'followLog'>; timers: Timers },
): EngineLog {
  const store = createStore<EngineLogState>(() => ({ lines: [], following: { state: 'following' } }));
  let current: AbortController | null = null;
  let cancelFlush: (() => void) | null = null;
  let waiting: NumberedLine[] = [];
  let count = 0;

  const flush = (): void => {
    cancelFlush?.();
    cancelFlush = null;
    const fresh = waiting;
    waiting = [];
    if (fresh.length > 0) store.setState((state) => ({ lines: [...state.lines, ...fresh].slice(-keptLines) }));
  };
  const take = (lines: readonly LogLine[]): void => {
    for (const line of lines) waiting.push({ ...line, number: (count += 1) });
    if (waiting.length > keptLines) waiting = waiting.slice(-keptLines);
    cancelFlush ??= deps.timers.after(bundleMs, flush);
  };
  const stop = (): void => {
    current?.abort();
    current = null;
    cancelFlush?.();
    cancelFlush = null;
    waiting = [];
  };

  const follow = (): void => {
    stop();
    const controller = new AbortController();
    current = controller;
    store.setState({ lines: [], following: { state: 'following' } });
    const end = (sentence: string): void => {
      if (current !== controller) return;
      flush();
      store.setState({ following: { state: 'ended', sentence } });
    };
    deps.http
      .followLog(engine, (lines) => (current === controller ? take(lines) : undefined), controller.signal)
      .then(
        () => end('The agent ended the log.'),
        (error: unknown) => end(error instanceof ControlError ? error.message : 'The connection to the log broke.'),
      );
  };

  return { store, follow, stop };
}
