import type { LogLine } from '../../contract/control.ts';
import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import { Ring } from '../base/ring.ts';
import type { EngineLogReader } from './engine.ts';
import type { RotatedFile } from './rotated-file.ts';

const keptLines = 5_000;
const longestLine = 4_096;

/** What an engine wrote: the last lines in memory, all of them in a file that is rotated. */
export class EngineLog implements EngineLogReader {
  readonly #lines = new Ring<LogLine>(keptLines);
  readonly #written = new Announcer<LogLine>();
  readonly #clock: Clock;
  readonly #file: RotatedFile | null;

  constructor(deps: { clock: Clock; file: RotatedFile | null }) {
    this.#clock = deps.clock;
    this.#file = deps.file;
  }

  append(stream: LogLine['stream'], text: string): void {
    const cut = text.length > longestLine ? `${text.slice(0, longestLine)}…` : text;
    const line: LogLine = { at: new Date(this.#clock.now()).toISOString(), stream, text: cut };
    this.#lines.push(line);
    this.#file?.append(`${line.at} ${stream} ${cut}\n`);
    this.#written.announce(line);
  }

  tail(count: number): LogLine[] {
    return this.#lines.toArray().slice(-count);
  }

  subscribe(listener: (line: LogLine) => void): () => void {
    return this.#written.subscribe(listener);
  }
}
