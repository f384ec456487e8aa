import type { ServerResponse } from 'node:http';
import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { WireResponse, WireSink } from '../../inference/wire-response.ts';
import { CallerPace } from '../answer/caller-pace.ts';
import { factHeaders, type RanchFacts } from '../ranch-facts.ts';
import type { HeardSound } from './heard-sound.ts';

export interface SpeechRelayOptions {
  /** A caller that takes nothing for this long is given up. */
  readonly stalledMs: number;
}

export interface SpeechRelayDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The first sound is here. */
  readonly begun: () => void;
  /** Hears all of it. */
  readonly heard: HeardSound;
}

/** Sound as OpenAI sends it, or its events; everything else is no answer to a wish for speech. */
export function isSpeech(response: WireResponse): boolean {
  const type = typeOf(response);
  const known = type.startsWith('audio/') || type === 'application/octet-stream' || isInEvents(response);
  return known && !response.headers.has('content-encoding');
}

export function isInEvents(response: WireResponse): boolean {
  return typeOf(response) === 'text/event-stream';
}

function typeOf({ headers }: WireResponse): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * Passes sound on to the caller as it comes. Nothing is written before its first byte, so that a provider that breaks
 * before it can still become a plain error; one that breaks later ends the connection, which no player takes for the
 * end of the sound.
 */
export class SpeechRelay implements WireSink {
  readonly #source: WireResponse;
  readonly #target: ServerResponse;
  readonly #facts: () => RanchFacts;
  readonly #deps: SpeechRelayDeps;
  readonly #pace: CallerPace;
  readonly #outcome = Promise.withResolvers<AppError | null>();
  #started = false;
  #goOn = true;

  constructor(
    source: WireResponse,
    target: ServerResponse,
    facts: () => RanchFacts,
    options: SpeechRelayOptions,
    deps: SpeechRelayDeps,
  ) {
    this.#source = source;
    this.#target = target;
    this.#facts = facts;
    this.#deps = deps;
    this.#pace = new CallerPace(options, { clock: deps.clock, source, target });
  }

  /** Resolves with what broke the sound off once its first byte was sent; rejects with what came before that. */
  run(): Promise<AppError | null> {
    this.#source.body.pipe(this);
    return this.#outcome.promise;
  }

  payload(bytes: Buffer, start: number, end: number): void {
    if (end === start) return;
    if (!this.#started) this.#start();
    const piece = bytes.subarray(start, end);
    this.#deps.heard.take(piece);
    this.#goOn = this.#target.write(piece);
  }

  raw(): boolean {
    return this.#pace.flowing(this.#goOn);
  }

  end(): void {
    this.#pace.stop();
    if (!this.#started) {
      this.#outcome.reject(new AppError('upstream_failed', 'The provider answered without any sound. Try again.'));
      return;
    }
    this.#target.end();
    this.#outcome.resolve(null);
  }

  fail(error: AppError): void {
    this.#pace.stop();
    const reason: unknown = this.#deps.signal.aborted ? this.#deps.signal.reason : null;
    const cause = reason instanceof AppError ? reason : error;
    if (!this.#started) {
      this.#outcome.reject(cause);
      return;
    }
    this.#target.destroy();
    this.#outcome.resolve(cause);
  }

  #start(): void {
    this.#started = true;
    this.#deps.begun();
    const { headers, body } = this.#source;
    const type = headers.get('content-type') ?? 'application/octet-stream';
    const head = ['Content-Type', type, 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
    if (body.framing.kind === 'length') head.push('Content-Length', String(body.framing.lengthBytes));
    this.#target.writeHead(200, [...head, ...factHeaders(this.#facts())]);
  }
}
