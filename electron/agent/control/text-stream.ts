import type { ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';

/** Bytes that may wait for one reader; more, and it is let go: it comes back and resumes. */
const waitingLimitBytes = 1024 * 1024;
const heartbeatMs = 5_000;

export interface TextStreamOptions {
  readonly contentType: string;
  /** Sent when there is nothing to say, so that both sides notice a broken connection. */
  readonly heartbeat: string;
}

/** An answer that goes on until its reader leaves, with a bound on what waits for a slow one. */
export class TextStream {
  readonly #response: ServerResponse;
  readonly #cancelHeartbeat: () => void;

  constructor(options: TextStreamOptions, deps: { response: ServerResponse; clock: Clock; onClose: () => void }) {
    const { response, clock, onClose } = deps;
    this.#response = response;
    response.statusCode = 200;
    response.setHeader('content-type', options.contentType);
    response.setHeader('cache-control', 'no-store');
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    this.#cancelHeartbeat = clock.every(heartbeatMs, () => {
      this.write(options.heartbeat);
    });
    response.on('close', () => {
      this.#cancelHeartbeat();
      onClose();
    });
  }

  /** Sends a piece; drops the reader when too much already waits for it. */
  write(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    if (this.#response.writableLength > waitingLimitBytes) this.#response.destroy();
    else this.#response.write(text);
  }

  /** Ends the answer in good order. */
  end(): void {
    this.#cancelHeartbeat();
    this.#response.end();
  }
}
