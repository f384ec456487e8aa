import type { ServerResponse } from 'node:http';
import type { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { factHeaders, type RanchFacts } from '../ranch-facts.ts';

export interface WaitingOptions {
  /** Longest time without a byte, milliseconds. */
  readonly everyMs: number;
}

export interface WaitingDeps {
  readonly clock: Clock;
  readonly target: ServerResponse;
  readonly dialect: Dialect;
  /** What is known of the request by now, for the head. */
  readonly facts: () => RanchFacts;
  /** What the request waits for, as in "waiting for llama-3.1-8b to load". */
  readonly sentence: () => string;
}

/** The head of every event stream that this node writes itself or passes on. */
const streamHead: readonly string[] = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-store',
  'X-Content-Type-Options',
  'nosniff',
];

/**
 * Keeps the caller of a stream from hanging without a byte while its request waits in the queue, for a model to load, or
 * for a long prompt to be read: after a while it gets the head of the answer, and from then on one line of comment at a
 * time that says why. A request that is answered sooner costs one timer and no byte.
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

  /** True once the head and a comment have gone out: the status can no longer change, and the framing is Node's. */
  get told(): boolean {
    return this.#told;
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(this.#options.everyMs, () => this.#tell());
  }

  /** The answer begins or the request is over: nothing more is said. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Ends a stream of which only the head and comments were sent. */
  fail(error: AppError): void {
    this.stop();
    const { target, dialect } = this.#deps;
    if (!target.destroyed && !target.writableEnded) target.end(dialect.errorEvent(error));
  }

  #tell(): void {
    const { target, dialect, facts, sentence } = this.#deps;
    if (target.destroyed) return;
    this.start();
    if (!this.#told) {
      this.#told = true;
      const bare = target.req.httpVersionMajor === 1 && target.req.httpVersionMinor === 0;
      const head = bare ? [...streamHead, 'Connection', 'close'] : streamHead;
      target.writeHead(200, [...head, ...factHeaders(facts())]);
    }
    // A caller that reads nothing needs no more comments.
    if (!target.writableNeedDrain) target.write(dialect.waitingEvent(oneLine(sentence())));
  }
}

/** Names come from files and engines; a line break in one would begin an event of its own. */
function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ').slice(0, 500);
}
