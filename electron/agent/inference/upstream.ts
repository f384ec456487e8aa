import type { Dialect, InferenceRequest, Operation } from './request.ts';
import type { WireResponse } from './wire-response.ts';

export type UpstreamRoute = 'local' | 'peer' | 'cloud';

export type Capability = 'chat' | 'completion' | 'embedding' | 'tools' | 'vision' | 'json' | 'logprobs';

/** A model that an upstream can answer with now. */
export interface ServedModel {
  readonly id: string;
  readonly contextLength: number | null;
  readonly capabilities: readonly Capability[];
  readonly sizeBytes: number;
  /** False while it is not in memory: the upstream then holds a request until it is, for a bounded time. */
  readonly loaded: boolean;
  /** Seconds since the epoch, as OpenAI's `created`. */
  readonly createdAtS: number;
}

/** What an upstream says of itself; read by the router on every request, so it must be cheap: no I/O, no waiting. */
export interface UpstreamDescription {
  readonly id: string;
  readonly route: UpstreamRoute;
  readonly dialects: readonly Dialect[];
  readonly operations: readonly Operation[];
  /** False while it takes no requests; `sentence` then says why. */
  readonly ready: boolean;
  readonly sentence: string;
  /** Read while it is not ready: whether it becomes so by itself, as while it starts. Left out: it does. */
  readonly comesUp?: boolean;
  readonly models: readonly ServedModel[];
  /** Which of `models` answers a request that names none; null when there is none. */
  readonly defaultModel: string | null;
  /** Requests it works on side by side. */
  readonly slots: number;
}

/**
 * Anything that can answer an inference request: a local engine, a peer, a cloud provider. The router chooses among
 * these and knows nothing else about them.
 */
export interface Upstream {
  describe(): UpstreamDescription;
  /**
   * Sends the request and resolves with the answer's head as soon as it is there; the body then flows through the
   * response. Rejects with an AppError (`engine_not_ready`, `engine_failed`, `upstream_failed`, `upstream_silent`)
   * when no head came. Aborting the signal ends the work upstream within a second, before or after the head.
   */
  generate(request: InferenceRequest, signal: AbortSignal): Promise<WireResponse>;
}
