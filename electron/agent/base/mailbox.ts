/**
 * A serial executor: tasks run one after another in the order they came. Whatever needs several steps to change a
 * state goes through its owner's mailbox, so that no step is decided on a state that another one is changing.
 */
export class Mailbox {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Tasks waiting or running. */
  get size(): number {
    return this.#waiting;
  }

  /** Runs `task` after everything posted before it. A task that throws does not stop the next one. */
  post<T>(task: () => Promise<T> | T): Promise<T> {
    this.#waiting += 1;
    const run = this.#tail.then(task);
    this.#tail = run.then(
      () => (this.#waiting -= 1),
      () => (this.#waiting -= 1),
    );
    return run;
  }

  /** Resolves when everything posted so far has run. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
