import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { WireResponse, WireSink } from '../../inference/wire-response.ts';
import type { AnswerEvent } from '../dialects/query.ts';
import type { AnswerWriter, StreamReader, UpstreamDialect } from '../dialects/surface.ts';
import { factHeaders, type RanchFacts } from '../ranch-facts.ts';
import { CallerPace } from './caller-pace.ts';
import type { EventMeter } from './event-meter.ts';
import type { RelayOptions, RelayOutcome } from './relay.ts';
import type { Waiting } from './waiting.ts';

export interface TranslatingRelayDeps {
  readonly clock: Clock;
  readonly meter: EventMeter;
  readonly signal: AbortSignal;
  readonly writer: AnswerWriter;
  readonly dialect: UpstreamDialect;
  readonly operation: 'chat' | 'completion';
  /** What has kept the caller company so far; null where nothing has. */
  readonly waiting: Waiting | null;
}

/**
 * Passes a streamed answer on in another dialect, event by event: what one read of the upstream brings leaves in one
 * write. Nothing leaves before the answer's first piece, so that an upstream that breaks before it can still become a
 * plain error or another upstream's answer, and a caller whose prompt is still being read goes on hearing why it waits.
 */
export class TranslatingRelay implements WireSink {
  readonly #source: WireResponse;
  readonly #target: ServerResponse;
  readonly #facts: RanchFacts;
  readonly #deps: TranslatingRelayDeps;
  readonly #reader: StreamReader;
  readonly #pace: CallerPace;
  readonly #outcome = Promise.withResolvers<RelayOutcome>();
  /** Written, not sent yet. */
  #out = '';
  /** A piece of the answer has come. */
  #begun = false;
  /** The head has left. */
  #started = false;
  #ended = false;
  #over = false;
  /** Chunks are framed here: half of what a small write costs is the response's own bookkeeping. */
  #framed = false;
  #direct: Socket | null = null;

  constructor(
    source: WireResponse,
    target: ServerResponse,
    facts: RanchFacts,
    options: RelayOptions,
    deps: TranslatingRelayDeps,
  ) {
    this.#source = source;
    this.#target = target;
    this.#facts = facts;
    this.#deps = deps;
    this.#pace = new CallerPace(options, { clock: deps.clock, source, target });
    this.#reader = deps.dialect.reader(deps.operation, (event) => this.#event(event));
  }

  run(): Promise<RelayOutcome> {
    this.#source.body.pipe(this);
    return this.#outcome.promise;
  }

  /** An answer that came whole although a stream was asked for, as the events it would have had. */
  replay(events: Iterable<AnswerEvent>): RelayOutcome {
    for (const event of events) this.#event(event);
    this.#finish();
    return { kind: 'done' };
  }

  payload(bytes: Buffer, start: number, end: number): void {
    if (!this.#over) this.#reader.push(bytes, start, end);
  }

  raw(): boolean {
    return this.#over || this.#pace.flowing(this.#flush());
  }

  end(): void {
    if (this.#over) return;
    this.#reader.end();
    this.#finish();
    this.#outcome.resolve({ kind: 'done' });
  }

  fail(error: AppError): void {
    const { signal } = this.#deps;
    const reason: unknown = signal.reason;
    this.#break(signal.aborted && reason instanceof AppError ? reason : error);
  }

  #event(event: AnswerEvent): void {
    if (this.#over || this.#ended) return;
    if (event.kind === 'error') {
      this.#source.body.destroy();
      this.#break(event.error);
      return;
    }
    this.#deps.meter.event(event);
    this.#begun ||= event.kind !== 'start';
    this.#ended = event.kind === 'end';
    this.#out += this.#deps.writer.write(event);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#pace.stop();
    this.#begun = true;
    this.#flush();
    if (!this.#started) this.#start();
    if (this.#framed) this.#send('0\r\n\r\n');
    this.#target.end();
  }

  /** Ends the stream with an error where the next piece would have been; the connection closes behind it. */
  #break(error: AppError): void {
    if (this.#over) return;
    this.#over = true;
    this.#pace.stop();
    const sent = this.#started;
    if (sent) {
      // The writer knows what it has written: some dialects number the events of a stream.
      this.#out += this.#deps.writer.write({ kind: 'error', error });
      this.#flush();
      if (this.#framed) this.#send('0\r\n\r\n');
      const { socket } = this.#target;
      this.#target.end(() => socket?.destroySoon());
    }
    this.#outcome.resolve({ kind: 'failed', error, sent });
  }

  /** Sends what has been written, once there is a piece of the answer. */
  #flush(): boolean {
    const out = this.#out;
    if (out === '' || !this.#begun) return true;
    this.#out = '';
    if (!this.#started) this.#start();
    return this.#send(this.#framed ? `${Buffer.byteLength(out).toString(16)}\r\n${out}\r\n` : out);
  }

  #send(text: string): boolean {
    const direct = this.#direct;
    if (direct !== null) return direct.write(text);
    const goOn = this.#target.write(text);
    if (this.#framed) this.#direct = this.#target.socket;
    return goOn;
  }

  #start(): void {
    this.#started = true;
    const { waiting, writer } = this.#deps;
    waiting?.stop();
    // The head is long gone, and the framing is Node's.
    if (waiting?.told === true) return;
    const target = this.#target;
    const bare = target.req.httpVersionMajor === 1 && target.req.httpVersionMinor === 0;
    const head = ['Content-Type', writer.streamType, 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
    head.push(...(bare ? ['Connection', 'close'] : ['Transfer-Encoding', 'chunked']));
    target.writeHead(this.#source.status, [...head, ...factHeaders(this.#facts)]);
    if (bare) return;
    // Set after the head: writing a Transfer-Encoding header switches Node's chunk writer on.
    target.chunkedEncoding = false;
    this.#framed = true;
  }
}
