import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { WireResponse } from '../wire-response.ts';
import type { Connection, TlsTrust } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Exchange, StaleConnectionError, type Deadlines } from './exchange.ts';

export interface HttpUpstreamOptions {
  /** Numeric address or name, without brackets. */
  readonly host: string;
  readonly port: number;
  /** For https; left out: plain http. */
  readonly tls?: TlsTrust;
  /** How the upstream is called at the start of sentences, such as "The embedded engine". */
  readonly name: string;
  readonly deadlines?: Partial<Deadlines>;
  /** See {@link ConnectionPoolOptions}. */
  readonly idleMs?: number;
}

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query, printable ASCII. */
  readonly path: string;
  /** All headers but Host and Content-Length, which the client writes itself. Nothing is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** Deadlines of this request alone. */
  readonly deadlines?: Partial<Deadlines>;
  /**
   * Told once when the upstream has nothing to do with the request any more: its answer is complete, or it has closed
   * the connection of a request that was given up (with this, only our side of it is closed then), or 10 s later.
   */
  readonly onOver?: () => void;
}

/** Connecting over loopback takes microseconds; the head of an answer waits for the whole prompt. */
const defaultDeadlines: Deadlines = { connectMs: 5_000, firstByteMs: 600_000, silenceMs: 120_000 };

const printable = /^[\x21-\x7e]+$/;
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const headerValue = /^[\x20-\x7e]*$/;

/**
 * An HTTP/1.1 client for one upstream, made for passing answers through: bodies keep their framing, nothing is buffered
 * beyond one read, and time runs out on silence alone.
 */
export class HttpUpstream {
  readonly #options: HttpUpstreamOptions;
  readonly #clock: Clock;
  readonly #pool: ConnectionPool;
  readonly #host: string;
  readonly #deadlines: Deadlines;
  /** Lines of headers that have been judged; owners send the same object with every request. */
  readonly #headerLines = new WeakMap<Readonly<Record<string, string>>, string>();

  constructor(options: HttpUpstreamOptions, deps: { clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#pool = new ConnectionPool(options, deps);
    this.#deadlines = { ...defaultDeadlines, ...options.deadlines };
    const name = options.host.includes(':') ? `[${options.host}]` : options.host;
    // Some providers know their name only without the port that https has anyway.
    this.#host = options.tls && options.port === 443 ? name : `${name}:${options.port}`;
  }

  /** Connections in use and idle. */
  get connections(): { readonly total: number; readonly idle: number } {
    return { total: this.#pool.size, idle: this.#pool.idle };
  }

  /**
   * Sends a request and resolves with the answer's head; statuses of failure are answers too. A kept-alive connection
   * that turns out dead before the first byte is replaced once. Aborting the signal closes the connection, before or
   * after the head.
   *
   * @throws AppError `upstream_failed`, `upstream_silent`, or `caller_gone` when aborted
   */
  async send(request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
    const head = this.#headOf(request, signal);
    try {
      return await this.#exchange(this.#pool.take(), head, request, signal);
    } catch (error) {
      if (!(error instanceof StaleConnectionError)) throw error;
      return this.#exchange(this.#pool.open(), this.#headOf(request, signal), request, signal);
    }
  }

  /** Closes all connections; answers on their way fail. */
  close(): void {
    this.#pool.close();
  }

  #exchange(connection: Connection, head: string, request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
    const deadlines = request.deadlines ? { ...this.#deadlines, ...request.deadlines } : this.#deadlines;
    const options = { method: request.method, name: this.#options.name, deadlines, onOver: request.onOver };
    return new Exchange(connection, options, { pool: this.#pool, clock: this.#clock }).run(head, request.body, signal);
  }

  /** The head of a request that is to be sent now. */
  #headOf(request: WireRequest, signal: AbortSignal): string {
    try {
      if (signal.aborted) {
        const context = { connected: false };
        throw new AppError('caller_gone', 'The request was given up before it was sent.', { context });
      }
      return this.#requestHead(request);
    } catch (error) {
      request.onOver?.();
      throw error;
    }
  }

  /** The request head, built from empty: nothing gets into it that is not named here. */
  #requestHead(request: WireRequest): string {
    if (!printable.test(request.path)) throw new AppError('internal', 'A request path has a forbidden character.');
    let head = `${request.method} ${request.path} HTTP/1.1\r\nHost: ${this.#host}\r\n`;
    head += this.#linesOf(request.headers);
    if (request.body !== null) head += `Content-Length: ${request.body.length}\r\n`;
    return `${head}\r\n`;
  }

  #linesOf(headers: Readonly<Record<string, string>>): string {
    const known = this.#headerLines.get(headers);
    if (known !== undefined) return known;
    let lines = '';
    for (const [name, value] of Object.entries(headers)) {
      if (!headerName.test(name) || !headerValue.test(value)) {
        throw new AppError('internal', 'A request header has a forbidden character.', { context: { header: name } });
      }
      lines += `${name}: ${value}\r\n`;
    }
    // Frozen ones alone cannot change behind the lines.
    if (Object.isFrozen(headers)) this.#headerLines.set(headers, lines);
    return lines;
  }
}
