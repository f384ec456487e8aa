/** Values of a label that are told apart, at most. */
const most = 200;

/**
 * Keeps the number of time series bounded where a label's values come from outside, such as names of models: the first
 * ones keep their names, all further ones are `other`.
 */
export class BoundedNames {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(mostNames: number = most) {
    this.#most = mostNames;
  }

  /** The label's value for a name; `none` for no name. */
  label(name: string | null): string {
    if (name === null || name === '') return 'none';
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#most) return 'other';
    this.#known.add(name);
    return name;
  }
}
