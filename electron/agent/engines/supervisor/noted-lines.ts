import type { EngineLog } from '../engine-log.ts';

/** How many of the last lines go into the record of a death. */
export const keptLastLines = 50;

/** What a program says, on its way into the engine's log; the last lines are kept for when it ends. */
export class NotedLines {
  readonly #log: EngineLog;
  readonly #last: string[] = [];

  constructor(deps: { readonly log: EngineLog }) {
    this.#log = deps.log;
  }

  /** The latest ones, oldest first; goes on growing. */
  get last(): readonly string[] {
    return this.#last;
  }

  note(stream: 'stdout' | 'stderr', text: string): void {
    if (text.trim() === '') return;
    this.#log.append(stream, text);
    this.#last.push(text);
    if (this.#last.length > keptLastLines) this.#last.shift();
  }
}
