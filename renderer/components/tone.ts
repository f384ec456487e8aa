import { type Tone } from '../format/words.ts';

/** Text colour of a tone. */
export const toneText: Readonly<Record<Tone, string>> = {
  well: 'text-sage',
  busy: 'text-hay',
  wrong: 'text-barn',
  elsewhere: 'text-creek',
  quiet: 'text-muted',
};

/** Background of a tone, faint enough for text in the tone's own colour. */
export const toneTint: Readonly<Record<Tone, string>> = {
  well: 'tint-sage',
  busy: 'tint-hay',
  wrong: 'tint-barn',
  elsewhere: 'tint-creek',
  quiet: 'tint-muted',
};
