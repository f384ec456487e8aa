import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { LogLine } from '../../contract/control.ts';
import type { Publication } from '../telemetry/publisher.ts';
import { TextStream } from './text-stream.ts';

/** The picture of the node, as telemetry publishes it. */
export interface SnapshotFeed {
  /** The whole picture as an event of the stream. */
  current(): Publication;
  /** The whole picture alone. */
  snapshot(): Publication;
  since(seq: number): readonly Publication[] | null;
  subscribe(listener: (publication: Publication) => void): () => void;
}

/** Logs of engines. Both throw `not_found` for an engine that does not exist. */
export interface LogSource {
  /** The last `lines` lines, oldest first. */
  tail(engine: string, lines: number): readonly LogLine[];
  /** Hears every later line until the result is called. */
  subscribe(engine: string, listener: (line: LogLine) => void): () => void;
}

const streamLimit = 64;

/** The answers that go on: the event stream, and logs that are followed. */
export class Streams {
  readonly #clock: Clock;
  readonly #open = new Set<TextStream>();

  constructor(deps: { clock: Clock }) {
    this.#clock = deps.clock;
  }

  /** Server-sent events: the whole picture, or what was missed since `Last-Event-ID`, then every change. */
  followSnapshots(request: IncomingMessage, response: ServerResponse, feed: SnapshotFeed): void {
    this.#requireRoom();
    const missed = resumePoint(request, feed) ?? [feed.current()];
    const unsubscribe = feed.subscribe((publication) => {
      stream.write(eventText(publication));
    });
    const stream = this.#begin(response, 'text/event-stream; charset=utf-8', ':\n\n', unsubscribe);
    for (const publication of missed) stream.write(eventText(publication));
  }

  /** NDJSON: the tail of a log, then every new line. */
  followLog(response: ServerResponse, source: LogSource, engine: string, lines: number): void {
    this.#requireRoom();
    const tail = source.tail(engine, lines);
    const unsubscribe = source.subscribe(engine, (line) => {
      stream.write(`${JSON.stringify(line)}\n`);
    });
    const stream = this.#begin(response, 'application/x-ndjson; charset=utf-8', '\n', unsubscribe);
    for (const line of tail) stream.write(`${JSON.stringify(line)}\n`);
  }

  /** Ends every stream. */
  end(): void {
    for (const stream of [...this.#open]) stream.end();
  }

  #begin(response: ServerResponse, contentType: string, heartbeat: string, unsubscribe: () => void): TextStream {
    const onClose = (): void => {
      unsubscribe();
      this.#open.delete(stream);
    };
    const stream = new TextStream({ contentType, heartbeat }, { response, clock: this.#clock, onClose });
    this.#open.add(stream);
    return stream;
  }

  #requireRoom(): void {
    if (this.#open.size < streamLimit) return;
    throw new AppError('too_busy', 'Too many programs follow this node. Close some panels, then try again.');
  }
}

function resumePoint(request: IncomingMessage, feed: SnapshotFeed): readonly Publication[] | null {
  const lastId = request.headers['last-event-id'];
  if (typeof lastId !== 'string' || !/^\d{1,16}$/.test(lastId)) return null;
  return feed.since(Number(lastId));
}

function eventText({ seq, text }: Publication): string {
  return `id: ${seq}\ndata: ${text}\n\n`;
}
