import type { Priority } from '../../../contract/routing.ts';

/** Ids of the upstreams that may answer a request, any of which will do, the preferred one first. */
export type Lanes = readonly [string, ...string[]];

/** What a request tells when it asks for a place. */
export interface AdmissionAsk {
  readonly lanes: Lanes;
  readonly priority: Priority;
  /** Places are shared out fairly among these ({@link Caller.id}). */
  readonly caller: string;
  /** How long the request is expected to hold its place, milliseconds. */
  readonly serviceMs: number;
  /** Refused at once when the expected wait is longer, and when it has waited this long. */
  readonly mostWaitMs: number;
  /** It has a model brought into memory first: how long it takes says nothing about others. */
  readonly loads?: boolean;
  /** Being refused is not the end of it, and so not counted as one. */
  readonly tentative?: boolean;
}

/** How full one upstream's lane is. */
export interface LaneLoad {
  readonly inFlight: number;
  readonly queued: number;
  readonly slots: number;
  /** Requests that gave their place back so lately that figures which the engine told may still count them. */
  readonly endedLately?: number;
}
