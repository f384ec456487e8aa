import { Clock, Pause, type LucideIcon } from 'lucide-react';
import { type ReactElement } from 'react';
import { type PullSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { CommandButton } from '../../components/command-button.tsx';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { plainLine } from '../../format/plain-text.ts';
import {
  canTryAgain,
  pullActions,
  pullFigures,
  pullIsOver,
  pullShare,
  pullSourceWords,
  pullStateWord,
  pullTellsWhy,
} from '../../format/pulls.ts';
import { formatAgo, parseTime } from '../../format/time.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';

const sectionId = 'pulls';

/** Leads to the pulls under way where they stand below a long list. */
export function PullsLink(): ReactElement | null {
  const coming = useSnapshot(({ pulls }) => pulls.filter(({ state }) => !pullIsOver(state)).length);
  if (coming === 0) return null;
  const show = (): void => {
    const section = document.getElementById(sectionId);
    section?.scrollIntoView();
    section?.focus({ preventScroll: true });
  };
  return (
    <button type="button" className="button lg:hidden" onClick={show}>
      {coming} on {coming === 1 ? 'its' : 'their'} way
    </button>
  );
}

/** Ended pulls that are shown beside those under way. */
const shownEnded = 5;

/** Models on their way here, then the last that ended. Nothing when there are none. */
export function Pulls(): ReactElement | null {
  const pulls = useSnapshot((all) => all.pulls);
  if (pulls.length === 0) return null;
  const coming = pulls.filter(({ state }) => !pullIsOver(state));
  const ended = pulls.filter(({ state }) => pullIsOver(state)).slice(0, shownEnded);
  return (
    <div id={sectionId} tabIndex={-1} className="scroll-mt-2 outline-none">
      <Section title="On their way">
        <ul className="divide-y divide-line">
          {[...coming, ...ended].map((pull) => (
            <PullRow key={pull.id} pull={pull} />
          ))}
        </ul>
      </Section>
    </div>
  );
}

function PullRow({ pull }: { pull: PullSnapshot }): ReactElement {
  const now = useNow();
  const { word, tone } = pullStateWord(pull);
  const figures = pullFigures(pull);
  const over = pullIsOver(pull.state);
  const name = plainLine(pull.name);
  return (
    <li aria-label={name} className="py-3 first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <span className="min-w-0 font-semibold">
          <AgentText text={pull.name} />
        </span>
        <StateBadge word={word} tone={tone} {...iconOf(pull.state)} />
      </div>
      <p className="text-sm text-muted">
        {pullSourceWords(pull.source)}
        {over && `, ${formatAgo(parseTime(pull.endedAt), now)}`}
        {!over && pull.thenUse && ', used when it is here'}
      </p>
      {!over && (
        <div className="mt-2">
          <ProgressBar
            label={`${name}, on its way`}
            share={pullShare(pull)}
            text={figures}
            still={pull.state === 'paused' || pull.state === 'queued'}
          />
          <p data-testid="pull-figures" className="mt-1 text-sm">
            {figures}
          </p>
        </div>
      )}
      {pullTellsWhy(pull) && (
        <p className={`mt-1 text-sm ${pull.state === 'failed' ? 'text-barn' : ''}`}>
          <AgentText text={pull.sentence} />
        </p>
      )}
      <PullButtons pull={pull} />
    </li>
  );
}

/** States for which the sign of their tone would say too little. */
function iconOf(state: PullSnapshot['state']): { icon?: LucideIcon } {
  if (state === 'paused') return { icon: Pause };
  return state === 'queued' ? { icon: Clock } : {};
}

function PullButtons({ pull }: { pull: PullSnapshot }): ReactElement | null {
  const inUse = useSnapshot(({ models }) => models.find(({ isDefault }) => isDefault)?.id ?? null);
  const actions = pullActions(pull);
  const name = plainLine(pull.name);
  const usable = pull.state === 'done' && pull.model !== null && pull.model !== inUse;
  if (actions.length === 0 && !canTryAgain(pull) && !usable) return null;
  return (
    <div className="mt-2 flex flex-wrap gap-2">
      {actions.map(({ command, label }) => (
        <CommandButton
          key={command}
          sendKey={`${command} ${pull.id}`}
          name={command}
          body={{ id: pull.id }}
          label={`${label} ${name}`}
        >
          {label}
        </CommandButton>
      ))}
      {canTryAgain(pull) && (
        <CommandButton
          sendKey={`again ${pull.id}`}
          name="models.pull"
          body={{ reference: pull.reference, use: pull.thenUse }}
          label={`Try again: ${name}`}
        >
          Try again
        </CommandButton>
      )}
      {usable && (
        <CommandButton
          sendKey={`models.use pulled ${pull.id}`}
          name="models.use"
          body={{ model: pull.model }}
          label={`Use ${name}`}
        >
          Use
        </CommandButton>
      )}
    </div>
  );
}
