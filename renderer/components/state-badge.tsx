import { Ban, CircleCheck, CircleDashed, Cloud, TriangleAlert, type LucideIcon } from 'lucide-react';
import { type ReactElement } from 'react';
import { type Tone } from '../format/words.ts';
import { toneText, toneTint } from './tone.ts';

const icons: Readonly<Record<Tone, LucideIcon>> = {
  well: CircleCheck,
  busy: CircleDashed,
  wrong: TriangleAlert,
  elsewhere: Cloud,
  quiet: Ban,
};

/** A state as a word; its shape says the same as its colour. */
export function StateBadge(props: { word: string; tone: Tone; icon?: LucideIcon }): ReactElement {
  const { word, tone } = props;
  const Icon = props.icon ?? icons[tone];
  return (
    <span
      className={`inline-flex items-center gap-1 rounded px-1.5 py-0.5 text-sm font-medium whitespace-nowrap ${toneText[tone]} ${toneTint[tone]}`}
    >
      <Icon aria-hidden size={14} strokeWidth={2.25} />
      {word}
    </span>
  );
}
