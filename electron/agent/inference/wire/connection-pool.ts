import type { Clock } from '../../base/clock.ts';
import { Connection, type TlsTrust } from './connection.ts';

export interface ConnectionPoolOptions {
  readonly host: string;
  readonly port: number;
  /** Left out: plain TCP. */
  readonly tls?: TlsTrust;
  /** An idle connection is closed after this time; keep it below the upstream's own. Default 4 s. */
  readonly idleMs?: number;
}

const idleDefaultMs = 4_000;
/** How long an upstream may take to notice that nobody listens any more, before the connection is closed for it too. */
const mostLeavingMs = 10_000;
/** How often the idle connections are looked through, as a share of `idleMs`. */
const sweepShare = 0.5;

/**
 * Keep-alive connections to one upstream. There is no cap on connections in use: admission decides how many requests
 * run, and a second, lower cap here would make a hidden queue.
 */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #clock: Clock;
  readonly #idleMs: number;
  /** Latest used last, so that the rest may grow old. */
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  /** Ends of those whose other side has not closed yet. */
  readonly #leaving = new Set<() => void>();
  #cancelSweep: (() => void) | null = null;

  constructor(options: ConnectionPoolOptions, deps: { clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#idleMs = options.idleMs ?? idleDefaultMs;
  }

  /** Connections in use and idle. */
  get size(): number {
    return this.#all.size;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** A connection that has served before if there is one, else a new one. */
  take(): Connection {
    for (;;) {
      const connection = this.#idle.pop();
      if (!connection) return this.open();
      if (!connection.closed) return connection;
    }
  }

  /** A new connection, still connecting. */
  open(): Connection {
    const connection = new Connection(this.#options, (closed) => {
      this.#all.delete(closed);
      const at = this.#idle.indexOf(closed);
      if (at !== -1) this.#idle.splice(at, 1);
    });
    this.#all.add(connection);
    return connection;
  }

  /** Gives back a connection whose answer is complete. */
  release(connection: Connection): void {
    connection.use(null);
    if (connection.closed) return;
    connection.served += 1;
    connection.idleSinceMs = this.#clock.monotonic();
    connection.resume();
    this.#idle.push(connection);
    this.#cancelSweep ??= this.#clock.after(this.#idleMs * sweepShare, () => this.#sweep());
  }

  /**
   * Gives up a connection with its answer: it counts no longer. `onLeft` hears once when the upstream has closed it too,
   * 10 s later at most.
   */
  leave(connection: Connection, onLeft: () => void): void {
    let over = (): void => undefined;
    const close = connection.leave(() => {
      over();
      onLeft();
    });
    if (close === null) return;
    const cancelLimit = this.#clock.after(mostLeavingMs, close);
    over = () => {
      cancelLimit();
      this.#leaving.delete(close);
    };
    this.#leaving.add(close);
  }

  /** Closes every connection, those in use too: their answers fail. */
  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    for (const connection of [...this.#all]) connection.abort();
    for (const close of [...this.#leaving]) close();
  }

  #sweep(): void {
    this.#cancelSweep = null;
    const oldest = this.#clock.monotonic() - this.#idleMs;
    while (this.#idle[0] && this.#idle[0].idleSinceMs <= oldest) this.#idle.shift()?.destroy();
    if (this.#idle.length > 0) this.#cancelSweep = this.#clock.after(this.#idleMs * sweepShare, () => this.#sweep());
  }
}
