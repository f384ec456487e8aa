import type { NameSettings } from './names/resolve-name.ts';

/** What the operator decides about requests; the settings' `gateway` section has most of it. */
export interface GatewayPolicy {
  /** Names beside the models' own: aliases and personas. */
  readonly names: NameSettings;
  /** The first token should come within this, milliseconds. */
  readonly goalMs: number;
  /** Longest wait for a slot, milliseconds; `maxRoutineWaitMs` for requests of low priority. */
  readonly maxWaitMs: number;
  readonly maxRoutineWaitMs: number;
  /** Requests that single upstreams work on side by side, by id, where they do not tell it rightly. */
  readonly slots: Readonly<Record<string, number>>;
  /** Longest answer of a caller who names no limit, tokens. */
  readonly maxOutputTokens: number;
  /** Rules that even out prompts for engines of this machine; each may be switched off. */
  readonly promptRules: {
    readonly attributionLine: boolean;
    readonly tokenCountdown: boolean;
    readonly toolOrder: boolean;
  };
}

export const defaultPolicy: GatewayPolicy = {
  names: {},
  goalMs: 2_000,
  maxWaitMs: 60_000,
  maxRoutineWaitMs: 600_000,
  slots: {},
  maxOutputTokens: 8_192,
  promptRules: { attributionLine: true, tokenCountdown: true, toolOrder: true },
};
