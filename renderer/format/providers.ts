import {
  priceSchema,
  type CloudModelRow,
  type CloudSnapshot,
  type Price,
  type SecretRow,
} from '../../electron/contract/cloud.ts';
import { formatCount } from './numbers.ts';
import { type Tone } from './words.ts';

export type Provider = CloudSnapshot['providers'][number];

const states: Readonly<Record<string, { word: string; tone: Tone }>> = {
  ready: { word: 'Ready', tone: 'well' },
  'no-key': { word: 'No key', tone: 'quiet' },
  locked: { word: 'Key locked', tone: 'busy' },
  unauthorised: { word: 'Key refused', tone: 'wrong' },
  'out-of-money': { word: 'Out of money', tone: 'wrong' },
  busy: { word: 'Busy', tone: 'busy' },
  broken: { word: 'Does not answer', tone: 'wrong' },
  off: { word: 'Off', tone: 'quiet' },
  closed: { word: 'Outside its times', tone: 'quiet' },
};

/** How a provider stands as a word and a colour; a state newer than this page as it is. */
export function providerStateWord(state: string): { word: string; tone: Tone } {
  return Object.hasOwn(states, state)
    ? (states[state] ?? { word: state, tone: 'quiet' })
    : { word: state, tone: 'quiet' };
}

/** A provider's name for people; its id where it has none, or is not known here. */
export function providerName(id: string, providers: readonly Pick<Provider, 'id' | 'name'>[]): string {
  const name = providers.find((one) => one.id === id)?.name ?? '';
  return name === '' ? id : name;
}

/** Where a key is, in a sentence. */
export function secretSentence(row: SecretRow | undefined): string {
  if (row === undefined || row.state === 'missing') return 'No key is set.';
  const where =
    row.store === 'keyring'
      ? 'in the system’s keyring'
      : row.store === 'credential'
        ? 'in a systemd credential'
        : 'in a file that only this user may read';
  if (row.state === 'locked') return row.store === null ? 'The key is locked.' : `A key is ${where}, which is locked.`;
  return row.store === null ? 'A key is set.' : `A key is set, ${where}.`;
}

/** Whether the key can be written here: a systemd credential is the service's own. */
export function secretIsFixed(row: SecretRow | undefined): boolean {
  return row?.store === 'credential' && row.state !== 'missing';
}

/** Parts of a price: "$3.00 in", "$15.00 out", "$0.30 from cache". What is not told apart is left out. */
export function priceParts(price: Price): string[] {
  const part = (usd: number | null, words: string): string[] => (usd === null ? [] : [`${formatPrice(usd)} ${words}`]);
  const longPrompt = price.longPrompt ?? null;
  const textless = price.inputUsd === 0 && price.outputUsd === 0;
  const spoken = price.charactersUsd !== null || price.imageUsd !== null;
  return [
    ...(textless && spoken ? [] : [...part(price.inputUsd, 'in'), ...part(price.outputUsd, 'out')]),
    ...part(price.cachedInputUsd, 'from cache'),
    ...part(price.cacheWriteUsd, 'to cache'),
    ...(longPrompt === null
      ? []
      : [
          `prompts above ${formatCount(longPrompt.aboveTokens)} tokens: ${formatPrice(longPrompt.inputUsd)} in, ${formatPrice(longPrompt.outputUsd)} out`,
        ]),
    ...part(price.imageUsd, 'an image'),
    ...part(price.charactersUsd, 'a million characters'),
  ];
}

/** A price: cents at least, and further places where the tariff has some: "$3.00", "$0.125". */
export function formatPrice(usd: number): string {
  return `$${usd.toFixed(6).replace(/(\.\d\d\d*?)0+$/u, '$1')}`;
}

/** Where a price is from; `address` only where it is one that can be opened. */
export function priceOrigin(row: Pick<CloudModelRow, 'price' | 'priceSource' | 'priceDate'>): {
  readonly words: string;
  readonly address: string | null;
} {
  if (row.price === null) return { words: 'No price is known, so it is not used', address: null };
  if (row.priceSource === null) return { words: 'Your own price', address: null };
  const date = row.priceDate === null ? '' : `, ${row.priceDate}`;
  const url = URL.canParse(row.priceSource) ? new URL(row.priceSource) : null;
  if (url?.protocol !== 'https:') return { words: `${row.priceSource}${date}`, address: null };
  return { words: `${url.host}${date}`, address: url.href };
}

/** A price as it stands in a form. */
export interface PriceDraft {
  readonly inputUsd: string;
  readonly outputUsd: string;
  readonly cachedInputUsd: string;
  readonly cacheWriteUsd: string;
}

export function priceDraftOf(price: Price | null): PriceDraft {
  const text = (usd: number | null | undefined): string => (usd === null || usd === undefined ? '' : `${usd}`);
  return {
    inputUsd: text(price?.inputUsd),
    outputUsd: text(price?.outputUsd),
    cachedInputUsd: text(price?.cachedInputUsd),
    cacheWriteUsd: text(price?.cacheWriteUsd),
  };
}

/** The price of a draft; kinds without a field of their own stay as they were. Null where a number is wrong. */
export function priceOf(draft: PriceDraft, before: Price | null): Price | null {
  // What is no number must not become a kind left out, which has a meaning of its own.
  const number = (text: string): number | null => (text.trim() === '' ? null : Number(text.trim()));
  const read = priceSchema.safeParse({
    ...before,
    inputUsd: number(draft.inputUsd),
    outputUsd: number(draft.outputUsd),
    cachedInputUsd: number(draft.cachedInputUsd),
    cacheWriteUsd: number(draft.cacheWriteUsd),
  });
  return read.success ? read.data : null;
}

/** The list with one entry moved one place up. */
export function movedUp<Item>(items: readonly Item[], index: number): readonly Item[] {
  const [item, before] = [items[index], items[index - 1]];
  if (item === undefined || before === undefined) return items;
  return items.map((one, at) => (at === index - 1 ? item : at === index ? before : one));
}
