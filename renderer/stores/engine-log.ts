import { createStore, type StoreApi } from 'zustand/vanilla';
import { type LogLine } from '../../electron/contract/control.ts';
import { ControlError, type ControlHttp } from '../client/control-http.ts';
import { plainText } from '../format/plain-text.ts';
import { formatClock, parseTime } from '../format/time.ts';
import { type Timers } from '../client/timers.ts';

/** Lines that came together, as they are shown: drawn once, and dropped as one. */
export interface LogBlock {
  /** Grows by one; tells a block from its neighbours. */
  readonly number: number;
  readonly lineCount: number;
  /** Plain text, one line a line. */
  readonly text: string;
}

export interface EngineLogState {
  /** Oldest first: the last 500 lines and what else is in the oldest block. */
  readonly blocks: readonly LogBlock[];
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
  const store = createStore<EngineLogState>(() => ({ blocks: [], following: { state: 'following' } }));
  let current: AbortController | null = null;
  let cancelFlush: (() => void) | null = null;
  let waiting: LogLine[] = [];
  let count = 0;

  const flush = (): void => {
    cancelFlush?.();
    cancelFlush = null;
    const fresh = waiting;
    waiting = [];
    if (fresh.length === 0) return;
    count += 1;
    const block = { number: count, lineCount: fresh.length, text: fresh.map(shownLine).join('') };
    store.setState((state) => ({ blocks: newest([...state.blocks, block]) }));
  };
  const take = (lines: readonly LogLine[]): void => {
    waiting = [...waiting, ...lines].slice(-keptLines);
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
    store.setState({ blocks: [], following: { state: 'following' } });
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

function shownLine({ at, text }: LogLine): string {
  const time = parseTime(at);
  return `${time === null ? '' : `${formatClock(time)}  `}${plainText(text)}\n`;
}

/** Without the oldest blocks that are not needed for the last lines. */
function newest(blocks: readonly LogBlock[]): readonly LogBlock[] {
  let lines = 0;
  let first = blocks.length;
  while (first > 0 && lines < keptLines) {
    first -= 1;
    lines += blocks[first]?.lineCount ?? 0;
  }
  return blocks.slice(first);
}
