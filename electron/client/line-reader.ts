/** Longest line that is kept, in characters; a whole snapshot is one line. */
const longestLine = 16 * 1024 * 1024;

/** Cuts text that arrives in pieces into lines; LF and CRLF both end one. */
export class LineReader {
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Throws a RangeError when a line has no end in sight. */
  push(text: string): void {
    const pieces = (this.#rest + text).split('\n');
    this.#rest = pieces.pop() ?? '';
    if (this.#rest.length > longestLine) throw new RangeError('The agent sent a line without an end.');
    for (const piece of pieces) this.#onLine(piece.endsWith('\r') ? piece.slice(0, -1) : piece);
  }
}

export interface ServerSentEvent {
  /** The latest `id` seen; empty before the first. */
  readonly id: string;
  readonly data: string;
}

/** Reads a server-sent event stream. Comments, retry and event lines are passed over. */
export class EventReader {
  readonly #lines: LineReader;
  readonly #onEvent: (event: ServerSentEvent) => void;
  #id = '';
  #data: string[] = [];

  constructor(onEvent: (event: ServerSentEvent) => void) {
    this.#onEvent = onEvent;
    this.#lines = new LineReader((line) => {
      this.#line(line);
    });
  }

  push(text: string): void {
    this.#lines.push(text);
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data.length === 0) return;
      const data = this.#data.join('\n');
      this.#data = [];
      this.#onEvent({ id: this.#id, data });
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#id = value;
  }
}
