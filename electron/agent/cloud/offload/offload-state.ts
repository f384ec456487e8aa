import * as z from 'zod';
import { offloadModes, type OffloadMode } from '../../../contract/cloud.ts';

/** How the switch stands: for good, or for a while and then as before. */
export type OffloadState =
  | { readonly kind: 'lasting'; readonly mode: OffloadMode }
  | {
      readonly kind: 'passing';
      readonly mode: OffloadMode;
      /** By the wall clock, milliseconds since the epoch. */
      readonly untilMs: number;
      /** How long it was to be: it never lasts longer, however clocks are set. */
      readonly forMs: number;
      readonly then: OffloadMode;
    };

const mode = z.enum(offloadModes);
const span = z.number().min(0).max(1e15);
/** The file `offload.json`. */
export const offloadFileSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('lasting'), mode }),
  z.object({ kind: z.literal('passing'), mode, untilMs: span, forMs: span, then: mode }),
]);

/** The state after the operator has chosen. Pure. */
export function chosen(
  before: OffloadState,
  choice: { readonly mode: OffloadMode; readonly forMs?: number | null | undefined },
  nowMs: number,
): OffloadState {
  const forMs = choice.forMs ?? null;
  if (forMs === null) return { kind: 'lasting', mode: choice.mode };
  const then = before.kind === 'passing' ? before.then : before.mode;
  return { kind: 'passing', mode: choice.mode, untilMs: nowMs + forMs, forMs, then };
}

/** Milliseconds that a passing state still lasts, by whichever clock ends it sooner; 0 when it is over. Pure. */
export function lasts(state: OffloadState, nowMs: number, elapsedMs: number): number | null {
  if (state.kind === 'lasting') return null;
  return Math.max(0, Math.min(state.untilMs - nowMs, state.forMs - elapsedMs));
}

/** Whether a state that was kept would ever, from now on, send more to the cloud than another ever does. Pure. */
export function opensFurther(kept: OffloadState, other: OffloadState, nowMs: number): boolean {
  const most = Math.max(...modesFrom(kept, nowMs).map(openness));
  const least = Math.min(...modesFrom(other, nowMs).map(openness));
  return most > least;
}

/** The modes that a state still goes through, by the wall clock alone: nothing else outlives a restart. */
function modesFrom(state: OffloadState, nowMs: number): readonly OffloadMode[] {
  if (state.kind === 'lasting') return [state.mode];
  return nowMs < state.untilMs ? [state.mode, state.then] : [state.then];
}

/** In the order of {@link offloadModes}, from closed to open. */
function openness(mode: OffloadMode): number {
  return offloadModes.indexOf(mode);
}
