const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Under these a model's own words stand, in any of the dialects; what it calls tools with may be an object. */
const wordKeys: ReadonlySet<string> = new Set([
  ...['content', 'text', 'reasoning_content', 'reasoning', 'thinking', 'response', 'refusal', 'arguments'],
]);
const objectKeys: ReadonlySet<string> = new Set(['arguments', 'input']);
const longestKey = 24;

/**
 * About how many bytes of a whole answer's JSON its model wrote, for answers whose count never came. Nothing is kept but
 * the last key, and it does not matter where the JSON is cut on its way.
 */
export class WrittenBytes {
  #total = 0;
  #depth = 0;
  /** Depth of an object that is a model's own as a whole; null outside of one. */
  #ownDepth: number | null = null;
  #key = '';
  /** A value follows, of the last key. */
  #isValue = false;
  #string: 'none' | 'key' | 'words' | 'other' = 'none';
  #escaped = false;

  get total(): number {
    return this.#total;
  }

  /** Looks at `bytes[start, end)`, the next piece of the JSON. */
  scan(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      if (this.#string === 'none') this.#outside(byte);
      else this.#inside(byte);
    }
  }

  #inside(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) {
      this.#escaped = true;
      return;
    } else if (byte === QUOTE) {
      this.#string = 'none';
      return;
    }
    if (this.#string === 'words') this.#total += 1;
    else if (this.#string === 'key' && this.#key.length < longestKey) this.#key += String.fromCharCode(byte);
  }

  #outside(byte: number): void {
    switch (byte) {
      case QUOTE:
        this.#begin();
        return;
      case COLON:
        this.#isValue = true;
        return;
      case COMMA:
        this.#isValue = false;
        return;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        this.#depth += 1;
        if (byte === OPEN_BRACE && this.#isValue && objectKeys.has(this.#key)) this.#ownDepth ??= this.#depth;
        this.#isValue = false;
        return;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (this.#depth === this.#ownDepth) this.#ownDepth = null;
        this.#depth -= 1;
        this.#isValue = false;
        return;
      default:
        if (this.#ownDepth !== null) this.#total += 1;
    }
  }

  #begin(): void {
    if (this.#ownDepth !== null || (this.#isValue && wordKeys.has(this.#key))) this.#string = 'words';
    else if (this.#isValue) this.#string = 'other';
    else {
      this.#string = 'key';
      this.#key = '';
    }
  }
}
