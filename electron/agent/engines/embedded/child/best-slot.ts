/** What decides whether a slot is taken for a prompt. */
export interface SlotView<Token> {
  /** The conversation that it worked on last; null for none. */
  readonly session: string | null;
  /** Tokens of the prompt that it read last. */
  readonly promptTokens: number;
  /** When that was, as a figure that grows; 0 for never. */
  readonly usedMs: number;
  /** How many tokens of this prompt its cache has. */
  cachedPrefix(prompt: readonly Token[]): number;
}

/** Of a slot's prompt so much must be the new one's too for that to be the same conversation, gone on. */
const sameShare = 0.5;

/**
 * The slot that worked on this conversation; else the one whose prompt goes on in this one; else the one that was used
 * longest ago, so that no conversation loses its cache to another that only begins alike.
 */
export function bestSlot<Token, Slot extends SlotView<Token>>(
  free: readonly Slot[],
  { prompt, session }: { readonly prompt: readonly Token[]; readonly session: string | null },
): Slot {
  const own = session === null ? undefined : free.find((slot) => slot.session === session);
  if (own) return own;
  const alike = free
    .map((slot) => ({ slot, cached: slot.cachedPrefix(prompt) }))
    .filter(({ slot, cached }) => cached > 0 && cached >= slot.promptTokens * sameShare)
    .sort((a, b) => b.cached - a.cached)[0];
  const oldest = [...free].sort((a, b) => a.usedMs - b.usedMs)[0];
  const best = alike?.slot ?? oldest;
  if (!best) throw new Error('no slot is free');
  return best;
}
