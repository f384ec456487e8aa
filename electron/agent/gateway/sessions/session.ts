/** What is known of the chat that a request belongs to. */
export interface SessionView {
  /** Made up by this node; tells nothing of the chat's text. */
  readonly id: string;
  /** Where its latest answer came from; null for a new one. */
  readonly lastUpstream: string | null;
  /** Tokens at the head of this prompt that the upstream has read before, as far as that is known; 0 when nothing is. */
  cachedTokens(upstreamId: string, model: string): number;
}

/** What an answer told of its chat. */
export interface SessionOutcome {
  readonly upstreamId: string;
  readonly model: string;
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly completionTokens: number | null;
}
