/** A minimal typed event: facts are announced, nobody is commanded. */
export class Announcer<T> {
  readonly #listeners = new Set<(fact: T) => void>();

  /** Hears every later fact until the result is called. */
  subscribe(listener: (fact: T) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  announce(fact: T): void {
    // Some facts come thousands of times a second, mostly unheard.
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) listener(fact);
  }

  get size(): number {
    return this.#listeners.size;
  }
}
