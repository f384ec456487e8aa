import { type NodeSnapshot } from '../../electron/contract/snapshot.ts';
import { type Tone } from './words.ts';

type Gateway = NodeSnapshot['gateway'];

const levels: Readonly<Record<Gateway['level'], { word: string; tone: Tone }>> = {
  calm: { word: 'Calm', tone: 'well' },
  busy: { word: 'Busy', tone: 'busy' },
  saturated: { word: 'Saturated', tone: 'wrong' },
};

/** How full the node is, as a word and a colour. */
export function levelWord(level: Gateway['level']): { word: string; tone: Tone } {
  return levels[level];
}

/** The largest cause of the saturation as a sentence of its own; null when there is none. */
export function causeSentence(cause: string): string | null {
  const text = cause.trim();
  if (text === '') return null;
  const first = text.charAt(0).toUpperCase();
  return `${first}${text.slice(1)}${/[.!?]$/u.test(text) ? '' : '.'}`;
}

/** Share of prompt tokens that were found in a cache, 0–1; null while none was counted, or the engine does not tell. */
export function reuseShare(promptTokens: number, cachedTokens: number | null): number | null {
  if (cachedTokens === null || promptTokens <= 0) return null;
  return Math.min(1, Math.max(0, cachedTokens / promptTokens));
}

type Breaker = Gateway['breakers'][number];

const causes: Readonly<Record<NonNullable<Breaker['cause']>, string>> = {
  failing: 'It failed several times in a row. Its errors stand in Traffic.',
  busy: 'It said that it has no room. It is asked again when it said it would.',
  unauthorised:
    'It refused the key that this node sent. Give a provider another one under Money. For another server, change what its keyFile or keyEnv holds and restart the node.',
  'out-of-money': 'It said that its account has no money left. Pay there, or switch it off in the settings.',
};

/** Why an upstream is left out, and what to do. */
export function breakerWords(breaker: Pick<Breaker, 'cause'>): string {
  return causes[breaker.cause ?? 'failing'];
}
