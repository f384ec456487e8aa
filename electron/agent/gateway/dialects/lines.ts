import { AppError } from '../../base/errors.ts';

/** Longest line that is pieced together; far beyond any event of a real engine, far below what memory minds. */
export const lineLimitBytes = 4 * 1024 * 1024;

const LF = 10;
const CR = 13;
/** What most lines that come in two pieces fit in. */
const firstCarryBytes = 4096;

export interface LineSink {
  /** `bytes[start, end)` is a line without its end; valid during the call only. */
  line(bytes: Buffer, start: number, end: number): void;
  /** `upstream_failed`: a line was longer than the limit. Nothing else is told after that. */
  broken(error: AppError): void;
}

/**
 * Cuts bytes that come in pieces of any size into lines that end with CR, LF or both, and leaves out a byte order mark
 * before the first. A line without an end is kept until its end comes, up to a limit.
 */
export class LineSplitter {
  readonly #sink: LineSink;
  readonly #limitBytes: number;
  /** Grows by doubling: a long line may come byte by byte. */
  #carry: Buffer = Buffer.alloc(0);
  #carried = 0;
  /** The last line ended with a CR that was the last byte there: an LF that comes next belongs to it. */
  #afterCr = false;
  #first = true;
  #broken = false;

  constructor(sink: LineSink, limitBytes: number = lineLimitBytes) {
    this.#sink = sink;
    this.#limitBytes = limitBytes;
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (this.#afterCr && at < end) {
      this.#afterCr = false;
      if (bytes[at] === LF) at += 1;
    }
    let lf = find(bytes, LF, at, end);
    let cr = find(bytes, CR, at, end);
    while (!this.#broken && at < end) {
      const stop = lf < cr ? lf : cr;
      if (stop === end) {
        this.#keep(bytes, at, end);
        return;
      }
      this.#tell(bytes, at, stop);
      at = stop + 1;
      if (stop === cr) {
        if (at === end) this.#afterCr = true;
        else if (bytes[at] === LF) at += 1;
        cr = find(bytes, CR, at, end);
      }
      if (lf < at) lf = find(bytes, LF, at, end);
    }
  }

  /** No more comes: what is left is a line of its own. */
  end(): void {
    if (this.#carried > 0) this.#tell(this.#carry, 0, 0);
  }

  #tell(bytes: Buffer, start: number, end: number): void {
    if (this.#carried === 0) {
      if (end - start > this.#limitBytes) this.#fail();
      else this.#line(bytes, start, end);
      return;
    }
    if (!this.#keep(bytes, start, end)) return;
    const length = this.#carried;
    this.#carried = 0;
    this.#line(this.#carry, 0, length);
  }

  #line(bytes: Buffer, start: number, end: number): void {
    const isMarked = this.#first && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    this.#first = false;
    this.#sink.line(bytes, isMarked && end - start >= 3 ? start + 3 : start, end);
  }

  #keep(bytes: Buffer, start: number, end: number): boolean {
    const length = this.#carried + end - start;
    if (length > this.#limitBytes) {
      this.#fail();
      return false;
    }
    if (length > this.#carry.length) {
      const wider = Buffer.allocUnsafe(Math.max(firstCarryBytes, length, this.#carry.length * 2));
      this.#carry.copy(wider, 0, 0, this.#carried);
      this.#carry = wider;
    }
    bytes.copy(this.#carry, this.#carried, start, end);
    this.#carried = length;
    return true;
  }

  #fail(): void {
    this.#broken = true;
    this.#carried = 0;
    this.#carry = Buffer.alloc(0);
    this.#sink.broken(
      new AppError('upstream_failed', `The upstream sent a line of more than ${this.#limitBytes} bytes. Try again.`),
    );
  }
}

/** Index of the first `byte` in `bytes[start, end)`; `end` when there is none. */
function find(bytes: Buffer, byte: number, start: number, end: number): number {
  const found = bytes.indexOf(byte, start);
  return found === -1 || found > end ? end : found;
}

export interface TextLineSink {
  /** A line that is not blank. */
  line(text: string): void;
  broken(error: AppError): void;
}

/** Reads NDJSON and the like: lines of text, blank ones left out. The JSON itself is the sink's business. */
export class TextLines {
  readonly #lines: LineSplitter;

  constructor(sink: TextLineSink, limitBytes: number = lineLimitBytes) {
    this.#lines = new LineSplitter(
      {
        line: (bytes, start, end) => {
          const text = bytes.toString('utf8', start, end);
          if (text.trim() !== '') sink.line(text);
        },
        broken: (error) => sink.broken(error),
      },
      limitBytes,
    );
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#lines.push(bytes, start, end);
  }

  end(): void {
    this.#lines.end();
  }
}
