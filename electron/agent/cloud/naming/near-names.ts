/** A name, and how people may write it; the name itself among these. */
export interface Spelled {
  readonly name: string;
  readonly spellings: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly plain: string;
}

/** Finds what somebody most likely meant who wrote a name that there is not. */
export class NearNames {
  readonly #byDigits = new Map<string, Entry[]>();

  constructor(names: Iterable<Spelled>) {
    for (const { name, spellings } of names) {
      for (const spelling of spellings) {
        const plain = plainOf(spelling);
        const digits = digitsOf(plain);
        const entries = this.#byDigits.get(digits) ?? [];
        entries.push({ name, plain });
        this.#byDigits.set(digits, entries);
      }
    }
  }

  /** Names that differ from it by capitals and signs alone. */
  same(written: string): string[] {
    const plain = plainOf(written);
    return distinct(this.#alike(plain).filter((entry) => entry.plain === plain));
  }

  /** {@link same}, else those with a letter or two that are wrong. Other digits are another thing, such as a version. */
  near(written: string): string[] {
    const same = this.same(written);
    if (same.length > 0) return same;
    const plain = plainOf(written);
    const most = mostSlips(plain);
    return distinct(this.#alike(plain).filter((entry) => slips(entry.plain, plain, most) <= most));
  }

  #alike(plain: string): readonly Entry[] {
    return this.#byDigits.get(digitsOf(plain)) ?? [];
  }
}

const longest = 200;

function plainOf(text: string): string {
  return text
    .slice(0, longest)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
}

function digitsOf(plain: string): string {
  return plain.replaceAll(/\P{N}/gu, '');
}

/** Short names differ by a letter and mean it. */
function mostSlips({ length }: string): number {
  return length < 4 ? 0 : length < 8 ? 1 : 2;
}

function distinct(entries: readonly Entry[]): string[] {
  return [...new Set(entries.map(({ name }) => name))];
}

/** Letters to add, leave out, change or swap with the next to come from one to the other; more than `most` is not counted out. */
function slips(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const isEqual = one[i - 1] === other[j - 1];
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      const changed = (row[j - 1] ?? Infinity) + (isEqual ? 0 : 1);
      next.push(Math.min((row[j] ?? Infinity) + 1, (next[j - 1] ?? Infinity) + 1, changed, swapped));
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? Infinity;
}
