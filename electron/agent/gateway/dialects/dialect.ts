import type { AppError } from '../../base/errors.ts';
import type { Dialect as DialectName, Operation } from '../../inference/request.ts';
import type { Capability, UpstreamDescription } from '../../inference/upstream.ts';

/** A request understood and checked, before it is known who answers it. */
export interface DecodedRequest {
  readonly operation: Operation;
  /** As the caller named it; may be a virtual name. */
  readonly model: string;
  readonly stream: boolean;
  /** Tokens that the caller allows for the answer; null when it named no limit. */
  readonly maxTokens: number | null;
  /** What an upstream must be able to do, and the field that asks for it. */
  readonly needs: ReadonlyMap<Capability, string>;
  /** Fields that were accepted and dropped. */
  readonly ignored: readonly string[];
  /** The body to send, for the model as the upstream names it. */
  bodyFor(model: string): Buffer;
}

/** A wire format that callers speak. The rest of the gateway knows a dialect by this alone. */
export interface Dialect {
  readonly name: DialectName;
  /**
   * Reads a body and rebuilds it from the allow-list of fields.
   *
   * @throws AppError `invalid_request` or `unsupported_capability`, naming the field in `param` of its context
   */
  decode(operation: Operation, body: Buffer): DecodedRequest;
  /** The JSON body of an error. */
  errorBody(error: AppError): object;
  /** What ends a stream that broke, framing of the stream's events included. */
  errorEvent(error: AppError): string;
  /** A piece of a stream that callers pass over, saying why nothing else comes; `sentence` is one line. */
  waitingEvent(sentence: string): string;
  /** The JSON body that lists the models which ready upstreams serve. */
  modelList(upstreams: readonly UpstreamDescription[]): object;
  /** The JSON body that describes one of those models; undefined when there is none of that id. */
  model(upstreams: readonly UpstreamDescription[], id: string): object | undefined;
}
