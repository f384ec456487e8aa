import type { Clock } from '../../base/clock.ts';
import { toAppError, type ErrorCode } from '../../base/errors.ts';

/** How often a fresh model is asked when something ends its process meanwhile. */
const mostQuestions = 3;
/** Long enough for the end of a process to have been noticed. */
const askAgainMs = 500;
const endedUnderIt: ReadonlySet<ErrorCode> = new Set(['upstream_failed', 'engine_not_ready']);

/**
 * Asks a model that was just loaded, and again when its process ended under the question: its supervisor brings it back,
 * and once that is noticed the next question waits for it. Any other failure is the model's own.
 *
 * @throws the last failure
 */
export async function askThroughFalls(
  ask: () => Promise<void>,
  signal: AbortSignal,
  { clock }: { readonly clock: Clock },
): Promise<void> {
  for (let left = mostQuestions - 1; ; left -= 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (left === 0 || signal.aborted || !endedUnderIt.has(toAppError(error).code)) throw error;
      await new Promise<void>((resolve) => clock.after(askAgainMs, resolve));
    }
  }
}
