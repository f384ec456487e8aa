/**
 * How the body's end is known (RFC 9112 §6.3): in chunks, by a length, or by the end of the connection.
 */
export type BodyFraming =
  | { readonly kind: 'chunked' }
  | { readonly kind: 'length'; readonly lengthBytes: number }
  | { readonly kind: 'close' }
  | { readonly kind: 'none' };

/** Where an answer's body goes. All calls are synchronous, in order, and end with exactly one `end` or `fail`. */
export interface WireSink {
  /**
   * Bytes exactly as they came, chunk framing included where `framing` is `chunked`. The buffer is only valid during
   * the call unless it is written on at once. False asks the source to pause until {@link WireBody.resume}.
   */
  raw(bytes: Buffer): boolean;
  /** A piece of the payload, framing removed; called before `raw` with the bytes that carried it. For meters and translators. */
  payload(bytes: Buffer): void;
  end(): void;
  /** The upstream broke off: the body is incomplete. */
  fail(error: Error): void;
}

/** A body that is on its way. Nothing is read from the upstream before `pipe`. */
export interface WireBody {
  readonly framing: BodyFraming;
  /** Starts the flow; call once. */
  pipe(sink: WireSink): void;
  /** Continues after a `raw` that answered false. */
  resume(): void;
  /** Gives the answer up: the upstream's work stops and its connection closes. */
  destroy(): void;
}

/** An upstream's answer: its head, and a body still to be read. */
export interface WireResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: WireBody;
}
