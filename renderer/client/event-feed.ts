import { controlPaths } from '../../electron/contract/control.ts';
import { controlEventSchema, type ControlEvent } from '../../electron/contract/events.ts';
import { readText } from './line-reader.ts';
import { SseParser } from './sse-parser.ts';
import { type Timers } from './timers.ts';

/** How the page stands towards the agent. Times are milliseconds since the epoch. */
export type Connection =
  | { readonly phase: 'connecting' }
  | { readonly phase: 'live'; readonly since: number }
  | { readonly phase: 'lost'; readonly since: number; readonly reason: string; readonly nextTryAt: number | null }
  | { readonly phase: 'signed-out' };

export interface EventFeedDeps {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly timers: Timers;
  /** 0 (included) to 1 (not included). */
  readonly random: () => number;
  readonly onEvent: (event: ControlEvent) => void;
  readonly onConnection: (connection: Connection) => void;
}

const firstDelayMs = 400;
const longestDelayMs = 8_000;
/** The agent tells something every second; this long without a byte means that the line is dead. */
const longestSilenceMs = 15_000;

/** Delay before try number `attempt` (0 is the first after a loss): doubling to a bound, spread by a fifth. */
export function retryDelayMs(attempt: number, random: number): number {
  const full = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 20));
  return Math.round(full * (0.9 + 0.2 * random));
}

/**
 * Keeps one event stream open for as long as the page lives. Every connection begins with a whole snapshot, so that a
 * restarted agent, whose numbering is new, is never patched with old changes; a gap in the numbers starts over too.
 */
export class EventFeed {
  private readonly deps: EventFeedDeps;
  private connection: Connection = { phase: 'connecting' };
  private attempt = 0;
  private current: AbortController | null = null;
  private cancelRetry: (() => void) | null = null;
  private cancelSilence: (() => void) | null = null;

  constructor(deps: EventFeedDeps) {
    this.deps = deps;
  }

  /** Opens the stream. Does nothing while it is open or opening. */
  start(): void {
    if (this.current === null) void this.run();
  }

  /** Tries again at once instead of after the delay: the reader asked, or the page came back into view. */
  retryNow(): void {
    if (this.connection.phase === 'lost' || this.connection.phase === 'signed-out') this.start();
  }

  /** Closes the stream for good. */
  stop(): void {
    this.clearTimers();
    this.current?.abort();
    this.current = null;
  }

  private async run(): Promise<void> {
    this.clearTimers();
    const controller = new AbortController();
    this.current = controller;
    const reason = await this.readOnce(controller);
    if (this.current !== controller) return;
    this.current = null;
    this.clearTimers();
    if (reason === 'signed-out') this.tell({ phase: 'signed-out' });
    else this.lose(reason);
  }

  private lose(reason: string): void {
    const { timers } = this.deps;
    const delay = retryDelayMs(this.attempt, this.deps.random());
    this.attempt += 1;
    const since = this.connection.phase === 'lost' ? this.connection.since : timers.now();
    this.cancelRetry = timers.after(delay, () => this.start());
    this.tell({ phase: 'lost', since, reason, nextTryAt: timers.now() + delay });
  }

  /** One connection from its request to its end; resolves with why it ended and never rejects. */
  private async readOnce(controller: AbortController): Promise<string> {
    try {
      this.watchSilence(controller);
      const response = await this.deps.fetch(controlPaths.events, {
        headers: { accept: 'text/event-stream' },
        cache: 'no-store',
        credentials: 'same-origin',
        signal: controller.signal,
      });
      if (response.status === 401) return 'signed-out';
      if (!response.ok || response.body === null) return `The agent answered with status ${response.status}.`;
      const reader = new MessageReader();
      await readText(response.body, (text) => {
        this.watchSilence(controller);
        reader.push(text, (event) => this.receive(event));
      });
      return 'The agent closed the connection.';
    } catch (error) {
      controller.abort();
      return error instanceof StreamFault ? error.message : 'The agent does not answer.';
    }
  }

  private receive(event: ControlEvent): void {
    this.deps.onEvent(event);
    if (event.type !== 'snapshot') return;
    this.attempt = 0;
    this.tell({ phase: 'live', since: this.deps.timers.now() });
  }

  private watchSilence(controller: AbortController): void {
    this.cancelSilence?.();
    this.cancelSilence = this.deps.timers.after(longestSilenceMs, () => controller.abort());
  }

  private clearTimers(): void {
    this.cancelRetry?.();
    this.cancelSilence?.();
    this.cancelRetry = null;
    this.cancelSilence = null;
  }

  private tell(connection: Connection): void {
    this.connection = connection;
    this.deps.onConnection(connection);
  }
}

/** The stream broke its own rules; the sentence is for the reader of the page. */
class StreamFault extends Error {}

/** Text of the stream to events whose numbers follow each other. */
class MessageReader {
  private readonly parser = new SseParser();
  private seq: number | null = null;

  /** Hands over each event before the next is read, so that none is lost to a fault behind it. */
  push(text: string, onEvent: (event: ControlEvent) => void): void {
    for (const message of this.parser.push(text)) onEvent(this.decode(message.data));
  }

  private decode(data: string): ControlEvent {
    const parsed = controlEventSchema.safeParse(parseJson(data));
    if (!parsed.success) throw new StreamFault('The agent sent something that this page cannot read. Reload the page.');
    const event = parsed.data;
    const follows =
      this.seq === null ? event.type === 'snapshot' : event.type === 'snapshot' || event.seq === this.seq + 1;
    if (!follows) throw new StreamFault('Some news from the agent went missing. Asking for all of it again.');
    this.seq = event.seq;
    return event;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
