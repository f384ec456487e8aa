import type { ServerResponse } from 'node:http';
import type { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Surface } from '../dialects/surface.ts';
import { factHeaders, type RanchFacts } from '../ranch-facts.ts';

export interface WaitingOptions {
  /** Longest time without a byte, milliseconds. */
  readonly everyMs: number;
}

export interface WaitingDeps {
  readonly clock: Clock;
  readonly target: ServerResponse;
  readonly surface: Surface;
  /** What is known of the request by now, for the head. */
  readonly facts: () => RanchFacts;
  /** What the request waits for, as in "waiting for llama-3.1-8b to load". */
  readonly sentence: () => string;
}

/**
 * Keeps the caller of a stream from hanging without a byte while its request waits in the queue, for a model to load, or
 * for a long prompt to be read: after a while it gets the head of the answer, and from then on one piece at a time that
 * callers pass over and that says why. A request that is answered sooner costs one timer and no byte.
 */
export class Waiting {
  readonly #options: WaitingOptions;
  readonly #deps: WaitingDeps;
  #cancel: (() => void) | null = null;
  #told = false;

  constructor(options: WaitingOptions, deps: WaitingDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** True once the head and a piece have gone out: the status can no longer change, and the framing is Node's. */
  get told(): boolean {
    return this.#told;
  }

  /** Begins to look after the caller, or goes on with it where an answer that had begun came to nothing. */
  start(): void {
    this.stop();
    this.#cancel = this.#deps.clock.after(this.#options.everyMs, () => this.#tell());
  }

  /** The answer begins or the request is over: nothing more is said. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Ends a stream of which only the head and such pieces were sent. */
  fail(error: AppError): void {
    this.stop();
    const { target, surface } = this.#deps;
    if (!target.destroyed && !target.writableEnded) target.end(surface.errorEvent(error));
  }

  #tell(): void {
    const { target, surface, facts, sentence } = this.#deps;
    if (target.destroyed) return;
    this.start();
    if (!this.#told) {
      this.#told = true;
      const head = ['Content-Type', surface.streamType, 'Cache-Control', 'no-store'];
      head.push('X-Content-Type-Options', 'nosniff');
      if (target.req.httpVersionMajor === 1 && target.req.httpVersionMinor === 0) head.push('Connection', 'close');
      target.writeHead(200, [...head, ...factHeaders(facts())]);
    }
    // A caller that reads nothing needs no more of it.
    if (!target.writableNeedDrain) target.write(surface.waitingEvent(oneLine(sentence())));
  }
}

/** Names come from files and engines; a line break in one would begin an event of its own. */
function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ').slice(0, 500);
}
