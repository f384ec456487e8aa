import { StringDecoder } from 'node:string_decoder';

/** Cuts a stream of bytes into lines of bounded length; the rest of a longer line is dropped. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #longest: number;
  readonly #onLine: (line: string) => void;
  #held = '';
  #skipping = false;

  constructor(options: { longestLine: number }, onLine: (line: string) => void) {
    this.#longest = options.longestLine;
    this.#onLine = onLine;
  }

  push(bytes: Buffer): void {
    const pieces = this.#decoder.write(bytes).split('\n');
    const rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      this.#add(piece);
      this.#finish();
    }
    this.#add(rest);
  }

  /** The stream is over: what is left is a line too. */
  end(): void {
    this.#add(this.#decoder.end());
    if (this.#held !== '') this.#finish();
  }

  #add(piece: string): void {
    if (this.#skipping) return;
    this.#held += piece;
    if (this.#held.length > this.#longest) {
      this.#held = this.#held.slice(0, this.#longest);
      this.#skipping = true;
    }
  }

  #finish(): void {
    const line = this.#held.endsWith('\r') ? this.#held.slice(0, -1) : this.#held;
    this.#held = '';
    this.#skipping = false;
    this.#onLine(line);
  }
}
