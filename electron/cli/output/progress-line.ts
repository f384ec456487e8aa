import { cut, safeLine } from './text.ts';

interface Output {
  readonly isTTY: boolean;
  readonly columns: number;
  write(text: string): boolean;
}

const clearLine = '\r\u001b[K';

/**
 * One line that says how something goes: rewritten in place on a terminal; elsewhere a line of its own whenever
 * `milestone` changes, so that a log file gets a few lines and not thousands.
 */
export class ProgressLine {
  readonly #output: Output;
  #open = false;
  #milestone: string | null = null;

  constructor(output: Output) {
    this.#output = output;
  }

  show(text: string, milestone: string): void {
    const line = safeLine(text);
    if (this.#output.isTTY) {
      this.#open = true;
      this.#output.write(clearLine + cut(line, Math.max(20, this.#output.columns - 1)));
      return;
    }
    if (milestone === this.#milestone) return;
    this.#milestone = milestone;
    this.#output.write(`${line}\n`);
  }

  /** Leaves the cursor at the start of an empty line. */
  end(): void {
    if (this.#open) this.#output.write(clearLine);
    this.#open = false;
  }
}
