import type { EngineKind, MeasuredSpeed, ModelSnapshot } from '../../../contract/snapshot.ts';
import type { FinishReason } from '../../inference/usage.ts';

/** What this node says of a loaded model: the claims that a check holds against what the engine does. */
export interface CheckedModel {
  readonly engineId: string;
  readonly engineKind: EngineKind;
  /** False for an engine that somebody else started and that is only used. */
  readonly owned: boolean;
  /** As the engine's upstream takes it. */
  readonly modelId: string;
  /** For people. */
  readonly name: string;
  /** Tokens that callers are told a request may use; null where nothing is told. */
  readonly contextLength: number | null;
  /** Tokens that the model was trained for; null where that is not known. */
  readonly trainedContextLength: number | null;
  readonly quantization: string | null;
  readonly capabilities: ModelSnapshot['capabilities'];
  /** Null where neither the file nor the engine tells. */
  readonly hasChatTemplate: boolean | null;
  /** Speed of reading a prompt to expect, tokens per second; null where it is not known. */
  readonly prefillTokensPerSecond: number | null;
}

/** A short prompt of a known number of words and its count by the engine: what one word and the rest cost. */
export interface ShortProbe {
  readonly words: number;
  /** Null where the engine tells no usage. */
  readonly promptTokens: number | null;
  readonly tookMs: number;
}

/** The long prompt. `expectedTokens`: our own count of it. */
export type LongProbe =
  | {
      readonly kind: 'answered';
      readonly expectedTokens: number;
      readonly promptTokens: number | null;
      readonly tookMs: number;
    }
  /** Refused because it is too long, which is honest; `windowTokens` where the engine says how long it may be. */
  | { readonly kind: 'refused'; readonly expectedTokens: number; readonly windowTokens: number | null }
  | { readonly kind: 'skipped'; readonly why: string };

/** A prompt that was sent a moment ago, sent again without a limit and heard until enough of its answer has come. */
export interface AgainProbe {
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  /** What the first time took; null where that was too short a prompt to tell a difference by. */
  readonly firstTookMs: number | null;
  readonly ttftMs: number;
  /** What the beginning of the answer was, at most as many tokens as were wanted. */
  readonly text: string;
  readonly tokens: number;
  readonly tokensPerSecond: number | null;
  /** Null when it was broken off because enough had come. */
  readonly finish: FinishReason | null;
}

/** How one answer to a caller ended. */
export interface AnswerEnd {
  readonly promptTokens: number | null;
  readonly completionTokens: number;
  readonly maxTokens: number | null;
  readonly finish: FinishReason | null;
}

/** All that is known of how a model is served. */
export interface Evidence {
  readonly short: ShortProbe | null;
  readonly long: LongProbe | null;
  readonly again: AgainProbe | null;
  /** Of the latest answers, oldest first. */
  readonly ends: readonly AnswerEnd[];
  /** Decode speeds of the latest answers that had the engine for themselves, oldest first; tokens per second. */
  readonly speeds: readonly number[];
  /** What had been measured before the model was loaded this time. */
  readonly before: MeasuredSpeed | null;
}

export const noEvidence: Evidence = { short: null, long: null, again: null, ends: [], speeds: [], before: null };
