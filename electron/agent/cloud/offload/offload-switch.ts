import { readFileSync } from 'node:fs';
import type { OffloadMode } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import { replaceFile } from '../../base/atomic-file.ts';
import type { Clock } from '../../base/clock.ts';
import { systemErrorCode } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { chosen, lasts, offloadFileSchema, type OffloadState } from './offload-state.ts';

export interface OffloadSwitchOptions {
  /** `offload.json` in the data folder. */
  readonly file: string;
}

export interface OffloadSwitchDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The switch "Offload to cloud". Off until somebody opens it, and again where its file cannot be read. */
export class OffloadSwitch {
  /** The mode or its end changed. */
  readonly changed = new Announcer<void>();
  readonly #options: OffloadSwitchOptions;
  readonly #deps: OffloadSwitchDeps;
  #state: OffloadState;
  /** When `#state` began to hold in this run, by the clock that nobody sets. */
  #sinceMs: number;
  #notice: Notice | null = null;
  #cancelEnd: () => void = () => undefined;

  constructor(options: OffloadSwitchOptions, deps: OffloadSwitchDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#sinceMs = deps.clock.monotonic();
    this.#state = this.#read();
  }

  get mode(): OffloadMode {
    return this.#present().mode;
  }

  /** When the switch goes back, as an ISO time; null: it stays. */
  get until(): string | null {
    const state = this.#present();
    const lastsMs = lasts(state, this.#deps.clock.now(), this.#elapsed());
    return lastsMs === null ? null : new Date(this.#deps.clock.now() + lastsMs).toISOString();
  }

  /** Announces the end of a state that passes. */
  start(): void {
    this.#awaitEnd();
  }

  stop(): void {
    this.#cancelEnd();
  }

  /**
   * Holds from the next request on, whether or not it can be written; where it cannot, a notice says so. `forMs`: goes
   * back then to what it was before.
   */
  set(choice: { readonly mode: OffloadMode; readonly forMs?: number | null | undefined }): void {
    this.#become(chosen(this.#present(), choice, this.#deps.clock.now()));
  }

  notices(): Notice[] {
    return this.#notice ? [this.#notice] : [];
  }

  #elapsed(): number {
    return this.#deps.clock.monotonic() - this.#sinceMs;
  }

  #present(): OffloadState {
    const state = this.#state;
    if (state.kind === 'passing' && lasts(state, this.#deps.clock.now(), this.#elapsed()) === 0) {
      this.#become({ kind: 'lasting', mode: state.then });
    }
    return this.#state;
  }

  #become(state: OffloadState): void {
    this.#state = state;
    this.#sinceMs = this.#deps.clock.monotonic();
    this.#write(state);
    this.#awaitEnd();
    this.changed.announce();
  }

  #awaitEnd(): void {
    this.#cancelEnd();
    const lastsMs = lasts(this.#state, this.#deps.clock.now(), this.#elapsed());
    if (lastsMs === null) return;
    // Timers hold no longer than 2³¹ milliseconds, and a clock that was set back is looked at again.
    this.#cancelEnd = this.#deps.clock.after(Math.min(lastsMs, 3_600_000), () => {
      if (this.#present().kind === 'passing') this.#awaitEnd();
    });
  }

  #read(): OffloadState {
    const { file } = this.#options;
    try {
      return offloadFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') {
        this.#deps.logger.warn({ err: error, file }, 'the offload switch could not be read');
        this.#tell(
          'The file of the offload switch cannot be read, so offloading is off. Set the switch again to replace it.',
        );
      }
      return { kind: 'lasting', mode: 'off' };
    }
  }

  #write(state: OffloadState): void {
    const { file } = this.#options;
    try {
      replaceFile(file, JSON.stringify(state));
      this.#notice = null;
    } catch (error) {
      this.#deps.logger.warn({ err: error, file }, 'the offload switch could not be written');
      this.#tell(
        'The offload switch holds now but cannot be written to the disk, so it will be forgotten at the next start. Make room on the disk of the data folder, or let this user write there.',
      );
    }
  }

  #tell(sentence: string): void {
    const { clock } = this.#deps;
    const { file } = this.#options;
    this.#notice = {
      id: 'offload-file',
      severity: 'warning',
      sentence,
      since: new Date(clock.now()).toISOString(),
      fix: { kind: 'path', label: 'The file', path: file },
    };
  }
}
