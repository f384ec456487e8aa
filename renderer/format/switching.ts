import { type SwitchSnapshot } from '../../electron/contract/snapshot.ts';
import { type Tone } from './words.ts';

type Phase = SwitchSnapshot['phase'];

const phases: Readonly<Record<Phase, { word: string; tone: Tone }>> = {
  checking: { word: 'Checking the room', tone: 'busy' },
  draining: { word: 'Finishing answers', tone: 'busy' },
  loading: { word: 'Loading', tone: 'busy' },
  warming: { word: 'First words', tone: 'busy' },
  unloading: { word: 'Making room', tone: 'busy' },
  done: { word: 'Done', tone: 'well' },
  'rolled-back': { word: 'Taken back', tone: 'wrong' },
  failed: { word: 'Failed', tone: 'wrong' },
};

/** A switch's phase as a word and a colour. */
export function switchPhaseWord(phase: Phase): { word: string; tone: Tone } {
  return phases[phase];
}

/** Whether the switch has ended, well or not. */
export function switchIsOver(phase: Phase): boolean {
  return phase === 'done' || phase === 'rolled-back' || phase === 'failed';
}

/** A switch that went well is told for this long. */
const toldMs = 60_000;

/** Whether the switch is still worth telling: while it goes on, for a minute once done, else until it is dismissed. */
export function switchIsTold(
  switching: Pick<SwitchSnapshot, 'id' | 'phase'>,
  context: { endedAgoMs: number; dismissed: string | null },
): boolean {
  if (!switchIsOver(switching.phase)) return true;
  if (context.dismissed === switching.id) return false;
  return switching.phase !== 'done' || context.endedAgoMs < toldMs;
}
