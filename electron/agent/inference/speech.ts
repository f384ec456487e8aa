import type { WireResponse } from './wire-response.ts';

/** A text to be spoken, judged and complete. */
export interface SpeechOrder {
  /** Id of the request, the same as in the X-Ranch-Trace header. */
  readonly trace: string;
  /** Id of the provider. */
  readonly provider: string;
  /** As the provider names it. */
  readonly model: string;
  readonly input: string;
  /** Name of a voice, or the id of one of the caller's own. */
  readonly voice: string | { readonly id: string };
  /** How to speak; null for nothing said about it. */
  readonly instructions: string | null;
  /** Such as mp3. */
  readonly format: string;
  /** Null for the provider's own. */
  readonly speed: number | null;
  /** Whether the sound comes as it is or in events; null for the provider's own. */
  readonly streamFormat: 'audio' | 'sse' | null;
}

/** What of the settings holds for callers who do not say. */
export interface SpeechDefaults {
  /** `provider/model`. */
  readonly model: string;
  readonly voice: string;
  readonly format: string;
}

export type SpeechOffer =
  | {
      readonly kind: 'offered';
      /** Dollars for a million characters; an average where sound is billed. */
      readonly charactersUsd: number;
      /** Dollars for a million tokens of text and of sound, where these are billed; null where characters are. */
      readonly sound: { readonly textUsd: number; readonly soundUsd: number } | null;
    }
  /** `unknown`: no such provider or model, or one that does not speak. `unready`: not at present; null: time alone does not help. */
  | { readonly kind: 'unknown'; readonly sentence: string }
  | { readonly kind: 'unready'; readonly sentence: string; readonly retryAtMs: number | null };

/** Whoever turns text into speech. */
export interface SpeechUpstream {
  /** Read on use. */
  defaults(): SpeechDefaults;
  /** Whether this model of this provider would speak now, and for how much. Never rejects. */
  offer(provider: string, model: string): Promise<SpeechOffer>;
  /**
   * Sends the order and resolves with the answer's head, statuses of failure included; the sound then flows through its
   * body. Rejects with an AppError when no head came; its context's `connected` is false where nothing was sent.
   * Aborting the signal ends the work there.
   */
  speak(order: SpeechOrder, signal: AbortSignal): Promise<WireResponse>;
}
