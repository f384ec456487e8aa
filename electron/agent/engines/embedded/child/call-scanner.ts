export type CallEvent =
  | { readonly kind: 'begin'; readonly name: string }
  /** A piece of the arguments' JSON text. */
  | { readonly kind: 'arguments'; readonly text: string };

export interface CallScannerOptions {
  /** Set where the name stands before the object, which then is the arguments as a whole. */
  readonly name: string | null;
  /** Only these are calls; null for any. */
  readonly known: ReadonlySet<string> | null;
}

const argumentKeys: ReadonlySet<string> = new Set(['arguments', 'parameters']);
const otherKeys: ReadonlySet<string> = new Set(['name', 'type', 'id', 'tool_call_id']);
/** A name is short: whatever says more before it names anything is no call. */
const mostBeforeName = 64 * 1024;

/**
 * Reads one call, a JSON object with a name and arguments, while it is being written, and passes its arguments on as
 * they come.
 */
export class CallScanner {
  /** Everything that belonged to the object so far. */
  raw = '';
  state: 'open' | 'done' | 'no-call' = 'open';
  readonly #options: CallScannerOptions;
  readonly #emit: (event: CallEvent) => void;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** What comes next in the object itself. */
  #expects: 'key' | 'colon' | 'value' = 'key';
  #key = '';
  #start = -1;
  #name: string | null;
  #begun = false;
  /** Where the arguments lie in `raw`; `end` is −1 while they go on. */
  #found: { start: number; end: number; sent: number } | null = null;
  /** Arguments that came as a text that holds JSON, as some models write them. */
  #quoted: string | null = null;

  constructor(options: CallScannerOptions, emit: (event: CallEvent) => void) {
    this.#options = options;
    this.#emit = emit;
    this.#name = options.name;
  }

  /** Whether its beginning has been told, so that it cannot be taken back. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Reads to the end of the object at most; the answer is what is left of the text. */
  push(text: string): string {
    for (let index = 0; index < text.length; index += 1) {
      this.raw += text.charAt(index);
      this.#read(text.charAt(index), this.raw.length - 1);
      if (this.state !== 'open') {
        this.#tell();
        return text.slice(index + 1);
      }
    }
    this.#tell();
    if (!this.#begun && this.raw.length > mostBeforeName) this.state = 'no-call';
    return '';
  }

  #read(character: string, at: number): void {
    if (this.#inString) {
      this.#readString(character, at);
      return;
    }
    if (/\s/.test(character)) return;
    if (this.#depth === 1 && this.#expects === 'value' && this.#start < 0) this.#startValue(character, at);
    switch (character) {
      case '"':
        this.#inString = true;
        if (this.#depth === 1 && this.#expects === 'key') this.#start = at;
        return;
      case '{':
      case '[':
        this.#depth += 1;
        return;
      case '}':
      case ']':
        this.#close(at);
        return;
      case ',':
        if (this.#depth === 1) this.#endValue(at);
        return;
      case ':':
        if (this.#depth === 1 && this.#expects === 'colon') {
          this.#expects = 'value';
          this.#start = -1;
        }
        return;
      default:
    }
  }

  #readString(character: string, at: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (character === '\\') this.#escaped = true;
    else if (character === '"') {
      this.#inString = false;
      if (this.#depth === 1 && this.#expects === 'key') this.#endKey(at);
    }
  }

  #endKey(at: number): void {
    this.#key = textOf(this.raw.slice(this.#start, at + 1)) ?? '';
    this.#expects = 'colon';
    if (this.#options.name === null && !argumentKeys.has(this.#key) && !otherKeys.has(this.#key)) this.#giveUp();
  }

  #startValue(character: string, at: number): void {
    this.#start = at;
    if (this.#options.name !== null || !argumentKeys.has(this.#key) || this.#found) return;
    if (character === '{') this.#found = { start: at, end: -1, sent: at };
  }

  #close(at: number): void {
    if (this.#depth === 1) this.#endValue(at);
    this.#depth -= 1;
    if (this.#depth === 1 && this.#found?.end === -1) this.#found.end = at + 1;
    if (this.#depth > 0 || this.state !== 'open') return;
    if (this.#options.name !== null) this.#found = { start: 0, end: this.raw.length, sent: this.#found?.sent ?? 0 };
    this.state = this.#name === null ? 'no-call' : 'done';
  }

  #endValue(at: number): void {
    const value = this.#start < 0 ? '' : this.raw.slice(this.#start, at).trim();
    const isValue = this.#expects === 'value' && value !== '';
    this.#expects = 'key';
    this.#start = -1;
    if (!isValue || this.#options.name !== null) return;
    if (this.#key === 'name') {
      this.#name = textOf(value);
      if (this.#name === null || this.#options.known?.has(this.#name) === false) this.#giveUp();
    }
    if (argumentKeys.has(this.#key) && !this.#found) this.#quoted ??= textOf(value);
  }

  #giveUp(): void {
    if (!this.#begun) this.state = 'no-call';
  }

  /** Tells what is new, as soon as the name is known. */
  #tell(): void {
    if (this.state === 'no-call' || this.#name === null) return;
    if (this.#options.name !== null) this.#found ??= { start: 0, end: -1, sent: 0 };
    if (!this.#begun && !this.#found && this.state !== 'done') return;
    if (!this.#begun) this.#emit({ kind: 'begin', name: this.#name });
    this.#begun = true;
    const found = this.#found;
    if (found) {
      const end = found.end < 0 ? this.raw.length : found.end;
      const text = this.raw.slice(found.sent, end);
      found.sent = end;
      if (text !== '') this.#emit({ kind: 'arguments', text });
    } else if (this.state === 'done') {
      this.#emit({ kind: 'arguments', text: this.#quoted ?? '{}' });
    }
  }
}

/** The text of a JSON string; null for anything else. */
function textOf(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
