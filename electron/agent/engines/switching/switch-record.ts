import type { SwitchSnapshot } from '../../../contract/snapshot.ts';
import { assertNever } from '../../base/errors.ts';

export type SwitchPhase = SwitchSnapshot['phase'];

/** A switch from its beginning; `progress` is read from the engine when it is shown. */
export function beginSwitch(
  facts: { readonly id: string; readonly to: string; readonly from: string | null; readonly engineId: string },
  nowMs: number,
): SwitchSnapshot {
  const at = new Date(nowMs).toISOString();
  const begun = { ...facts, phase: 'checking' as const, progress: null, startedAt: at, since: at, error: null };
  return { ...begun, sentence: sentenceOf(begun, null) };
}

/** The switch in its next phase; `failure` says why it was given up. */
export function inPhase(
  record: SwitchSnapshot,
  phase: SwitchPhase,
  nowMs: number,
  failure: { readonly code: string; readonly message: string } | null = null,
): SwitchSnapshot {
  const next = { ...record, phase, since: new Date(nowMs).toISOString(), error: failure?.code ?? null };
  return { ...next, sentence: sentenceOf(next, failure?.message ?? null) };
}

function sentenceOf(
  { phase, to, from }: Pick<SwitchSnapshot, 'phase' | 'to' | 'from'>,
  failure: string | null,
): string {
  const why = failure ?? 'It did not answer.';
  switch (phase) {
    case 'checking':
      return `Looking whether there is room for ${to}.`;
    case 'draining':
      return `There is no room for two models, so ${from ?? 'the one before'} finishes its answers first. New requests wait for ${to}.`;
    case 'loading':
      return `Loading ${to}.`;
    case 'warming':
      return `${to} is loaded and is asked for a first word.`;
    case 'unloading':
      return `${to} answers. ${from ?? 'The model before'} finishes its answers and is unloaded.`;
    case 'done':
      return `${to} answers.`;
    case 'rolled-back':
      return from === null
        ? `${to} cannot be used. ${why}`
        : `${to} cannot be used, and ${from} answers as before. ${why}`;
    case 'failed':
      return from === null || from === to
        ? `${to} cannot be used. ${why}`
        : `${to} cannot be used, and ${from} could not be loaded again. ${why}`;
    default:
      return assertNever(phase);
  }
}
