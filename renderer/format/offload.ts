import { type CloudSnapshot, type OffloadMode } from '../../electron/contract/cloud.ts';
import { formatMoment, parseTime } from './time.ts';
import { type Tone } from './words.ts';

const words: Readonly<Record<OffloadMode, { word: string; tone: Tone }>> = {
  off: { word: 'Off', tone: 'quiet' },
  auto: { word: 'When busy', tone: 'elsewhere' },
  on: { word: 'Cloud first', tone: 'elsewhere' },
};

/** The switch's place as a word and a colour. */
export function offloadWord(mode: OffloadMode): { word: string; tone: Tone } {
  return words[mode];
}

/** States in which a provider can never answer before the operator does something about it. */
const unusable = ['no-key', 'locked', 'unauthorised', 'off'];

/** What the offload switch means at present, and what stands against it. */
export function offloadSentence(
  cloud: Pick<CloudSnapshot, 'offload' | 'providers'> & Partial<Pick<CloudSnapshot, 'budgets' | 'paused'>>,
): string {
  // Peers and other servers of the network are asked all the same: the switch is about the cloud alone.
  if (cloud.offload === 'off') return 'Nothing goes to the cloud.';
  const rule =
    cloud.offload === 'auto'
      ? 'Requests may go to the cloud when this node is busy, or when they ask for it by a name such as ranch/quality or by high priority.'
      : 'Requests go to the cloud first.';
  if (cloud.providers.length === 0) return `${rule} No provider is set up, so none does.`;
  if (cloud.providers.every(({ state }) => unusable.includes(state)))
    return `${rule} No provider can be used, so none does. Give one a key.`;
  if ((cloud.paused ?? null) !== null) return `${rule} It is paused, so none does.`;
  if (cloud.budgets?.some(({ scope, state }) => scope === 'all' && state === 'closed') === true)
    return `${rule} The money for it is used up, so none does.`;
  return rule;
}

/** Until when the switch stays as it is; null where it stays. */
export function offloadUntil(until: string | null, now: number): string | null {
  const at = parseTime(until);
  return at === null ? null : `This holds until ${formatMoment(at, now, '')}; then it goes back to what it was.`;
}

const minute = 60_000;

/** How long a change of the switch may hold; null: until the next one. */
export const offloadSpans = [
  { id: 'stay', word: 'until it is changed', forMs: null },
  { id: '30m', word: 'for 30 minutes', forMs: 30 * minute },
  { id: '2h', word: 'for 2 hours', forMs: 120 * minute },
  { id: '8h', word: 'for 8 hours', forMs: 480 * minute },
  { id: '1d', word: 'for a day', forMs: 1_440 * minute },
] as const;
