const percent = 0x25;
const digitTwo = 0x32;
const digitFive = 0x35;
const backslash = 0x5c;
const letterU = 0x75;
const asterisk = 0x2a;
/** JSON within JSON within JSON: each time every backslash is doubled, and one more may come. */
const mostBackslashes = 7;
/** Each `%25` more is one more time that an address was encoded. */
const mostPercents = 3;

/** The bytes end within what may be the key. */
export interface BegunKey {
  /** Where it begins. */
  readonly at: number;
  /** How many of the key's characters are there as a whole. */
  readonly characters: number;
}

/**
 * A key in all spellings that servers repeat it in: as it is, as JSON writes it (`\/`, `\"`, `\u002B`), as addresses do
 * (`%2F`), and each of them once more within another. What is plain here and escaped there are the same character.
 */
export class KeySpelling {
  readonly #key: Buffer;

  /** `key`: printable ASCII, as it stands in its header. */
  constructor(key: string) {
    this.#key = Buffer.from(key);
  }

  /**
   * Puts asterisks over the key wherever it stands in `bytes[start, end)`, over as many bytes as its spelling has.
   * Tells where another one begins that is not over at `end`; null without one. That is left as it is.
   */
  mask(bytes: Buffer, start: number, end: number): BegunKey | null {
    const first = this.#key[0];
    let at = start;
    while (at < end) {
      const byte = bytes[at];
      if (byte !== first && byte !== backslash && byte !== percent) {
        at += 1;
        continue;
      }
      const length = this.#lengthAt(bytes, at, end);
      if (length < 0) return { at, characters: -1 - length };
      if (length > 0) bytes.fill(asterisk, at, at + length);
      at += Math.max(1, length);
    }
    return null;
  }

  /** Bytes of the key that stands at `at`; 0 when none does; -1 less its whole characters when the bytes end within it. */
  #lengthAt(bytes: Buffer, at: number, end: number): number {
    const plain = this.#plainLengthAt(bytes, at, end);
    if (plain > 0) return plain;
    const spelled = this.#spelledLengthAt(bytes, at, end);
    return spelled > 0 ? spelled : Math.min(plain, spelled);
  }

  /** By itself, because a key may hold what looks like an escape. */
  #plainLengthAt(bytes: Buffer, at: number, end: number): number {
    const { length } = this.#key;
    let matched = 0;
    while (matched < length && at + matched < end && bytes[at + matched] === this.#key[matched]) matched += 1;
    if (matched === length) return length;
    return at + matched === end ? -1 - matched : 0;
  }

  #spelledLengthAt(bytes: Buffer, at: number, end: number): number {
    let next = at;
    for (let index = 0; index < this.#key.length; index += 1) {
      const length = next === end ? -1 : spelledLength(bytes, next, end, this.#key[index] ?? 0);
      if (length === 0) return 0;
      if (length < 0) return -1 - index;
      next += length;
    }
    return next - at;
  }
}

/** Bytes of `character` at `at`, however it is spelled; 0 when something else stands there, -1 when it may go on behind `end`. */
function spelledLength(bytes: Buffer, at: number, end: number, character: number): number {
  const byte = bytes[at];
  if (byte === backslash) return escapedLength(bytes, at, end, character);
  const encoded = byte === percent ? encodedLength(bytes, at, end, character) : 0;
  return encoded === 0 && byte === character ? 1 : encoded;
}

/** `\/` and `\u002F`, with as many backslashes as JSON within JSON has. */
function escapedLength(bytes: Buffer, at: number, end: number, character: number): number {
  if (character === backslash && bytes[at + 1] === backslash && at + 1 < end) return 2;
  let next = at + 1;
  while (next < end && next - at < mostBackslashes && bytes[next] === backslash) next += 1;
  if (next === end) return -1;
  // A letter behind a backslash is another character: \n is the end of a line.
  if (bytes[next] === character && !isLetterOrDigit(character)) return next + 1 - at;
  if (bytes[next] !== letterU) return 0;
  const digits = hexLength(bytes, next + 1, end, { digits: 4, character });
  return digits > 0 ? next + 1 + digits - at : digits;
}

/** `%2F`, and `%252F` where that was encoded once more. */
function encodedLength(bytes: Buffer, at: number, end: number, character: number): number {
  let next = at + 1;
  for (let times = 0; times <= mostPercents; times += 1) {
    const digits = hexLength(bytes, next, end, { digits: 2, character });
    if (digits !== 0) return digits > 0 ? next + digits - at : digits;
    if (bytes[next] !== digitTwo) return 0;
    if (next + 1 === end) return -1;
    if (bytes[next + 1] !== digitFive) return 0;
    next += 2;
  }
  return 0;
}

/** `digits` when so many hexadecimal ones at `from` tell the character; 0 when others do, -1 when `end` comes first. */
function hexLength(
  bytes: Buffer,
  from: number,
  end: number,
  { digits, character }: { readonly digits: 2 | 4; readonly character: number },
): number {
  for (let index = 0; index < digits; index += 1) {
    if (from + index >= end) return -1;
    const expected = (character >> (4 * (digits - 1 - index))) & 15;
    if (hexValue(bytes[from + index] ?? 0) !== expected) return 0;
  }
  return digits;
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isLetterOrDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
}
