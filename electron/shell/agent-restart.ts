/** How an agent that the shell started has ended. */
export interface AgentExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  /** It was stopped on purpose. */
  | { readonly kind: 'leave' }
  /** It keeps ending by itself. */
  | { readonly kind: 'giveUp' };

const windowMs = 10 * 60_000;
const delaysMs = [1_000, 2_000, 5_000, 15_000, 30_000] as const;

/**
 * Whether an agent that ended is started again. One that ended in order (somebody stopped it, with whatever surface)
 * is left alone; one that broke off is started again, later each time, at most five times in ten minutes.
 *
 * @param restartsMs when it was started again before, milliseconds since the epoch
 */
export function restartDecision(exit: AgentExit, restartsMs: readonly number[], nowMs: number): RestartDecision {
  if (exit.code === 0) return { kind: 'leave' };
  const recent = restartsMs.filter((at) => nowMs - at < windowMs).length;
  const delayMs = delaysMs[recent];
  return delayMs === undefined ? { kind: 'giveUp' } : { kind: 'restart', delayMs };
}
