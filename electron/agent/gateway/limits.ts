import type { BodyLimits } from './request-body.ts';

/** Every bound of the gateway in one place. */
export interface GatewayLimits extends BodyLimits {
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** Longest time that the head of a request may take. */
  readonly headersMs: number;
  /** How long an idle connection is kept; above what callers' own pools keep. */
  readonly keepAliveMs: number;
  /** Requests that may wait for a slot; the next one is refused. */
  readonly queueLimit: number;
  /** A caller of a stream that has heard nothing for this long is told what its request waits for. */
  readonly pingMs: number;
  /** A caller that takes nothing of its answer for this long is given up. */
  readonly stalledMs: number;
  /** Chats that are remembered. */
  readonly sessions: number;
  /** How long error events get to leave when answers are cut at shutdown. */
  readonly cutMs: number;
}

export const defaultLimits: GatewayLimits = {
  maxBodyBytes: 32 * 1024 * 1024,
  bodySilenceMs: 10_000,
  bodyMs: 300_000,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,
  headersMs: 10_000,
  keepAliveMs: 75_000,
  queueLimit: 64,
  pingMs: 5_000,
  stalledMs: 120_000,
  sessions: 2_000,
  cutMs: 1_000,
};
