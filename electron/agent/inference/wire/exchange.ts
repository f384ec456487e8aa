import { AppError, systemErrorCode } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { BodyFraming, WireBody, WireResponse, WireSink } from '../wire-response.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { hasWords } from './first-words.ts';
import { keepsAlive, WireFormatError } from './response-head.ts';
import { ResponseParser } from './response-parser.ts';

/** Milliseconds of silence after which an upstream is given up; never a limit on the whole answer. Null: no limit. */
export interface Deadlines {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** From the request to the answer's head. */
  readonly firstByteMs: number | null;
  /** Between two reads of the body. */
  readonly silenceMs: number | null;
  /**
   * The same until the answer's first words, for servers that send a head, and perhaps whose turn it is, before they read
   * the prompt. Left out: as `silenceMs`.
   */
  readonly promptMs?: number;
}

export interface ExchangeOptions {
  readonly method: string;
  /** How the upstream is called in sentences, such as "the engine". */
  readonly name: string;
  readonly deadlines: Deadlines;
  /** See {@link WireRequest.onOver}. */
  readonly onOver?: (() => void) | undefined;
}

export interface ExchangeDeps {
  readonly pool: ConnectionPool;
  readonly clock: Clock;
}

/** A kept-alive connection that turned out to be closed before the first byte of an answer: send again. */
export class StaleConnectionError extends Error {
  override readonly name = 'StaleConnectionError';
}

/** How soon a kept-alive connection that was closed before the request came says so: some round trips. */
const staleWithinMs = 1_000;
/** Chunks up to this size are passed on whole, so that a break in their middle leaves the receiver's framing intact. */
const wholeChunkBytes = 16 * 1024;
const nothing = Buffer.alloc(0);
const lastChunk = Buffer.from('0\r\n\r\n', 'latin1');

/** One request and its answer on one connection. The answer's body is the exchange itself. */
export class Exchange implements ConnectionUser, WireBody {
  readonly #connection: Connection;
  readonly #options: ExchangeOptions;
  readonly #deps: ExchangeDeps;
  readonly #parser: ResponseParser;
  readonly #settled = Promise.withResolvers<WireResponse>();
  /** head: none yet · held: head there, nobody reads · flowing · over. */
  #state: 'head' | 'held' | 'flowing' | 'over' = 'head';
  #paused = false;
  #heard = false;
  #lastMs: number;
  #cancelDeadline: (() => void) | null = null;
  #leftover: Buffer | null = null;
  #failure: AppError | null = null;
  #sink: WireSink | null = null;
  /** The beginning of a chunk that is not complete. */
  #held: Buffer | null = null;
  /** The body has no words yet, and its silence has a deadline of its own until then. */
  #wordless: boolean;
  /** The receiver has part of a chunk larger than {@link wholeChunkBytes}. */
  #midChunk = false;
  #unsubscribe: (() => void) | null = null;

  constructor(connection: Connection, options: ExchangeOptions, deps: ExchangeDeps) {
    this.#connection = connection;
    this.#options = options;
    this.#deps = deps;
    this.#lastMs = deps.clock.monotonic();
    this.#wordless = options.deadlines.promptMs !== undefined;
    this.#parser = new ResponseParser(options.method, (bytes, start, end) => {
      if (this.#wordless && this.#state === 'flowing' && hasWords(bytes, start, end)) this.#begin();
      this.#sink?.payload(bytes, start, end);
    });
  }

  /** Writes the request and resolves with the answer's head. Rejects with an AppError or StaleConnectionError. */
  run(head: string, body: Buffer | null, signal: AbortSignal): Promise<WireResponse> {
    const aborted = (): void => {
      this.#break(new AppError('caller_gone', 'The request was given up.', { context: this.#reached() }));
    };
    signal.addEventListener('abort', aborted, { once: true });
    this.#unsubscribe = () => {
      signal.removeEventListener('abort', aborted);
    };
    this.#connection.use(this);
    this.#connection.send(head, body);
    const { connectMs, firstByteMs } = this.#options.deadlines;
    this.#watch(this.#connection.connected ? firstByteMs : connectMs);
    return this.#settled.promise;
  }

  get framing(): BodyFraming {
    return this.#parser.framing;
  }

  pipe(sink: WireSink): void {
    this.#sink = sink;
    if (this.#failure) {
      sink.fail(this.#failure, this.#intact());
      return;
    }
    if (this.#state !== 'held') return;
    this.#state = 'flowing';
    this.#lastMs = this.#deps.clock.monotonic();
    const leftover = this.#leftover;
    this.#leftover = null;
    if (this.#read(leftover ?? nothing)) this.#resumeReading();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#lastMs = this.#deps.clock.monotonic();
    this.#resumeReading();
  }

  destroy(): void {
    this.#sink = null;
    if (this.#state === 'over') return;
    this.#finish();
    this.#giveUp();
  }

  data(bytes: Buffer): boolean {
    this.#heard = true;
    this.#lastMs = this.#deps.clock.monotonic();
    const goOn = this.#read(bytes);
    this.#paused = !goOn;
    return goOn;
  }

  closed(error: Error | null): void {
    if (this.#state === 'over') return;
    if (error === null && this.#state === 'flowing' && this.framing.kind === 'close') {
      this.#parser.finish();
      this.#complete(false);
      return;
    }
    const { name } = this.#options;
    // One that breaks later was alive when the request came: it may be at work on it, and billed for it.
    const atOnce = this.#deps.clock.monotonic() - this.#lastMs <= staleWithinMs;
    const stale = !this.#heard && this.#connection.served > 0 && atOnce;
    const sentence = this.#connection.connected
      ? `${name} closed the connection before its answer was complete. Send the request again.`
      : unreachable(name, error);
    const context = this.#reached();
    this.#break(
      stale ? new StaleConnectionError() : new AppError('upstream_failed', sentence, { cause: error, context }),
    );
  }

  /** Whoever pays for what the upstream does has to know whether the request may have reached it. */
  #reached(): { readonly connected: boolean } {
    return { connected: this.#connection.connected };
  }

  #resumeReading(): void {
    this.#paused = false;
    if (this.#state === 'flowing') this.#connection.resume();
  }

  /** Reads bytes; those that are no HTTP end the exchange. */
  #read(bytes: Buffer): boolean {
    try {
      return this.#state === 'head' ? this.#readHead(bytes) : this.#readBody(bytes);
    } catch (error) {
      if (!(error instanceof WireFormatError)) throw error;
      const sentence = `${this.#options.name} sent an answer that is not valid HTTP: ${error.message}.`;
      this.#break(new AppError('upstream_failed', sentence, { cause: error }));
      return true;
    }
  }

  #readHead(bytes: Buffer): boolean {
    const at = this.#parser.push(bytes);
    const head = this.#parser.head;
    if (!head) return true;
    this.#state = 'held';
    this.#leftover = at < bytes.length ? bytes.subarray(at) : null;
    const { promptMs, silenceMs } = this.#options.deadlines;
    this.#watch(promptMs ?? silenceMs);
    this.#settled.resolve({ status: head.status, headers: head.headers, body: this });
    return false;
  }

  /** The first words are there: from here on silence is silence. */
  #begin(): void {
    this.#wordless = false;
    this.#watch(this.#options.deadlines.silenceMs);
  }

  #readBody(bytes: Buffer): boolean {
    const stop = this.#parse(bytes);
    const sink = this.#sink;
    if (this.#state === 'over' || !sink) return true;
    let goOn = true;
    if (this.#parser.framing.kind === 'chunked') goOn = this.#forwardChunks(sink, bytes, stop);
    else if (stop > 0) goOn = sink.raw(stop === bytes.length ? bytes : bytes.subarray(0, stop));
    if (!this.#parser.done) return goOn;
    this.#complete(stop === bytes.length);
    return true;
  }

  #parse(bytes: Buffer): number {
    try {
      return this.#parser.push(bytes);
    } catch (error) {
      // What was whole before the broken bytes is good, and the receiver gets it.
      const { boundary, framing } = this.#parser;
      if (framing.kind === 'chunked' && boundary > 0) this.#passWhole(bytes.subarray(0, boundary));
      throw error;
    }
  }

  #passWhole(chunks: Buffer): boolean {
    this.#midChunk = false;
    return this.#sink?.raw(this.#withHeld(chunks)) ?? true;
  }

  /** Passes chunks on with their framing; the incomplete one at the end waits for its rest unless it is large. */
  #forwardChunks(sink: WireSink, bytes: Buffer, stop: number): boolean {
    const { boundary, done, hasTrailers } = this.#parser;
    if ((boundary === stop && stop > 0) || (done && !hasTrailers)) {
      return this.#passWhole(stop === bytes.length ? bytes : bytes.subarray(0, stop));
    }
    const goOn = boundary === 0 || this.#passWhole(bytes.subarray(0, boundary));
    // Trailers are the upstream's own business and are not passed on.
    if (done) return sink.raw(lastChunk);
    if (boundary === stop) return goOn;
    const rest = bytes.subarray(boundary, stop);
    if (this.#midChunk) return sink.raw(rest);
    const held = this.#withHeld(rest);
    if (held.length <= wholeChunkBytes) {
      this.#held = held;
      return goOn;
    }
    this.#midChunk = true;
    return sink.raw(held) && goOn;
  }

  #withHeld(bytes: Buffer): Buffer {
    if (this.#held === null) return bytes;
    const whole = Buffer.concat([this.#held, bytes]);
    this.#held = null;
    return whole;
  }

  #complete(atEnd: boolean): void {
    const { head, framing } = this.#parser;
    const reusable = head !== null && atEnd && keepsAlive(head, framing) && this.#connection.flushed;
    const sink = this.#sink;
    this.#finish();
    if (reusable) this.#deps.pool.release(this.#connection);
    else this.#connection.destroy();
    this.#options.onOver?.();
    sink?.end();
  }

  #intact(): boolean {
    const { kind } = this.#parser.framing;
    return kind === 'close' || (kind === 'chunked' && !this.#midChunk);
  }

  #break(error: AppError | StaleConnectionError): void {
    const before = this.#state;
    if (before === 'over') return;
    const sink = this.#sink;
    this.#finish();
    // One that turned out dead is sent again, and not over.
    if (error instanceof StaleConnectionError) this.#connection.destroy();
    else this.#giveUp();
    if (before === 'head') {
      this.#settled.reject(error);
      return;
    }
    const failure = error instanceof AppError ? error : new AppError('upstream_failed', error.message);
    if (before === 'held') this.#failure = failure;
    else sink?.fail(failure, this.#intact());
  }

  /** Closes the connection before its answer is complete. */
  #giveUp(): void {
    const { onOver } = this.#options;
    if (onOver) this.#deps.pool.leave(this.#connection, onOver);
    else this.#connection.destroy();
  }

  #finish(): void {
    this.#state = 'over';
    this.#unsubscribe?.();
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
  }

  /** Arms the deadline once; every read only notes the time, and the timer looks at the notes when it fires. */
  #watch(limitMs: number | null): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = limitMs === null ? null : this.#deps.clock.after(limitMs, () => this.#check(limitMs));
  }

  #check(limitMs: number): void {
    this.#cancelDeadline = null;
    if (this.#state === 'over') return;
    const { clock } = this.#deps;
    const { deadlines, name } = this.#options;
    const waitingForUs = this.#paused || this.#state === 'held';
    const quietMs = waitingForUs ? 0 : clock.monotonic() - this.#lastMs;
    if (quietMs < limitMs) {
      this.#cancelDeadline = clock.after(limitMs - quietMs, () => this.#check(limitMs));
      return;
    }
    const { firstByteMs } = deadlines;
    if (this.#state === 'head' && this.#connection.connected && firstByteMs !== limitMs) {
      if (firstByteMs === null) return;
      if (quietMs < firstByteMs) {
        this.#cancelDeadline = clock.after(firstByteMs - quietMs, () => this.#check(firstByteMs));
        return;
      }
    }
    const seconds = Math.round(quietMs / 1000);
    const context = { silentMs: Math.round(quietMs), ...this.#reached() };
    this.#break(new AppError('upstream_silent', `${name} has said nothing for ${seconds} s. Try again.`, { context }));
  }
}

/** OpenSSL's and Node's codes for a certificate that does not prove what it should. */
const distrust = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|^ERR_TLS_|^ERR_SSL_/;

function unreachable(name: string, error: Error | null): string {
  const code = systemErrorCode(error);
  if (code !== undefined && distrust.test(code)) {
    return `${name} could not prove by its certificate who it is (${code}). Check its address and its certificate.`;
  }
  return `${name} cannot be reached. Check that it is running.`;
}
