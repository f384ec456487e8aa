import { AppError } from '../../base/errors.ts';
import { lineLimitBytes, LineSplitter } from './lines.ts';

const COLON = 58;
const SPACE = 32;
const letter = { a: 97, d: 100, e: 101, n: 110, t: 116, v: 118 } as const;

export interface EventSink {
  /** An event's data, its lines joined with LF, and its name; the name is empty where the stream gave none. */
  event(data: string, name: string): void;
  /** `upstream_failed`: a line or an event was longer than the limit. Nothing else is told after that. */
  broken(error: AppError): void;
}

/**
 * Reads server-sent events out of bytes that come in pieces of any size, as the HTML standard has them, with two
 * differences: data that the stream's end cuts off its blank line is told too (some servers leave the last one out), and
 * lines are bounded.
 */
export class EventStreamParser {
  readonly #sink: EventSink;
  readonly #limit: number;
  readonly #lines: LineSplitter;
  #data: string | null = null;
  #name = '';
  #broken = false;

  /** `limitBytes`: of a line, and of an event's data in characters. */
  constructor(sink: EventSink, limitBytes: number = lineLimitBytes) {
    this.#sink = sink;
    this.#limit = limitBytes;
    this.#lines = new LineSplitter(
      {
        line: (bytes, start, end) => this.#line(bytes, start, end),
        broken: (error) => this.#break(error),
      },
      limitBytes,
    );
  }

  /** `bytes[start, end)` is the next piece. */
  push(bytes: Buffer, start: number, end: number): void {
    if (!this.#broken) this.#lines.push(bytes, start, end);
  }

  /** No more comes. */
  end(): void {
    if (this.#broken) return;
    this.#lines.end();
    this.#dispatch();
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (this.#broken) return;
    if (start === end) {
      this.#dispatch();
      return;
    }
    // Comments begin with a colon, and other fields than these two mean nothing here.
    const first = bytes[start];
    if (first === letter.d) {
      if (isData(bytes, start, end)) this.#addData(valueOf(bytes, start + 4, end));
    } else if (first === letter.e && isEvent(bytes, start, end)) {
      this.#name = valueOf(bytes, start + 5, end);
    }
  }

  #addData(value: string): void {
    this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    if (this.#data.length <= this.#limit) return;
    this.#break(
      new AppError('upstream_failed', `The upstream sent an event of more than ${this.#limit} characters. Try again.`),
    );
  }

  #dispatch(): void {
    const data = this.#data;
    const name = this.#name;
    this.#data = null;
    this.#name = '';
    if (data !== null && !this.#broken) this.#sink.event(data, name);
  }

  #break(error: AppError): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#data = null;
    this.#sink.broken(error);
  }
}

function isData(bytes: Buffer, start: number, end: number): boolean {
  return (
    bytes[start + 1] === letter.a &&
    bytes[start + 2] === letter.t &&
    bytes[start + 3] === letter.a &&
    endsName(bytes, start + 4, end)
  );
}

function isEvent(bytes: Buffer, start: number, end: number): boolean {
  return (
    bytes[start + 1] === letter.v &&
    bytes[start + 2] === letter.e &&
    bytes[start + 3] === letter.n &&
    bytes[start + 4] === letter.t &&
    endsName(bytes, start + 5, end)
  );
}

/** A field's name ends with a colon or with the line. Bytes beyond the line may be anything. */
function endsName(bytes: Buffer, at: number, end: number): boolean {
  return at === end || (at < end && bytes[at] === COLON);
}

function valueOf(bytes: Buffer, colon: number, end: number): string {
  if (colon >= end) return '';
  const start = bytes[colon + 1] === SPACE && colon + 1 < end ? colon + 2 : colon + 1;
  return bytes.toString('utf8', start, end);
}
