import { ArrowRight, CircleCheck, RefreshCw, TriangleAlert, X, type LucideIcon } from 'lucide-react';
import { type ReactElement } from 'react';
import { useStore } from 'zustand';
import { type SwitchSnapshot } from '../../electron/contract/snapshot.ts';
import { plainLine } from '../format/plain-text.ts';
import { switchIsOver, switchIsTold, switchPhaseWord } from '../format/switching.ts';
import { formatSpan, parseTime } from '../format/time.ts';
import { type Tone } from '../format/words.ts';
import { useNow, usePanel, useSnapshot } from '../panel-context.ts';
import { AgentText } from './agent-text.tsx';
import { ProgressBar } from './progress-bar.tsx';
import { StateBadge } from './state-badge.tsx';

const faces: Readonly<Record<'well' | 'busy' | 'wrong', { icon: LucideIcon; classes: string; text: string }>> = {
  well: { icon: CircleCheck, classes: 'border-sage band-sage', text: 'text-sage' },
  busy: { icon: RefreshCw, classes: 'border-leather band-leather', text: 'text-leather' },
  wrong: { icon: TriangleAlert, classes: 'border-barn band-barn', text: 'text-barn' },
};

/** The switch to another model: how far it is, or how it ended. Nothing when there is none to tell of. */
export function SwitchBand(): ReactElement | null {
  const switching = useSnapshot((all) => all.switching);
  const now = useNow();
  const { preferences } = usePanel();
  const dismissed = useStore(preferences, (state) => state.dismissedSwitch);
  if (switching === null) return null;
  const endedAgoMs = now - (parseTime(switching.since) ?? 0);
  if (!switchIsTold(switching, { endedAgoMs, dismissed })) return null;
  return <Band switching={switching} now={now} onDismiss={() => preferences.getState().dismissSwitch(switching.id)} />;
}

function Band(props: { switching: SwitchSnapshot; now: number; onDismiss: () => void }): ReactElement {
  const { switching, now } = props;
  const { word, tone } = switchPhaseWord(switching.phase);
  const over = switchIsOver(switching.phase);
  const startedAt = parseTime(switching.startedAt);
  const { icon: Icon, classes, text } = faces[faceOf(tone)];
  return (
    <section
      aria-label="Model switch"
      className={`band sticky top-2 z-10 mb-5 rounded-md border-l-4 px-4 py-3 ${classes}`}
    >
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <Icon aria-hidden size={19} className={`mt-0.5 shrink-0 ${text}`} />
        <div className="min-w-0 flex-1 basis-60">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-semibold">
            {switching.from !== null && (
              <>
                <AgentText text={switching.from} />
                <ArrowRight aria-label="to" role="img" size={16} className="shrink-0 text-muted" />
              </>
            )}
            <AgentText text={switching.to} />
          </p>
          <p data-testid="switch-sentence">
            <AgentText text={switching.sentence} />
          </p>
        </div>
        <span className="flex items-center gap-2">
          <StateBadge word={word} tone={tone} />
          {!over && startedAt !== null && <span className="text-sm text-muted">{formatSpan(now - startedAt)}</span>}
          {over && (
            <button
              type="button"
              aria-label="Dismiss: model switch"
              className="grid size-8 shrink-0 place-items-center rounded"
              onClick={props.onDismiss}
            >
              <X aria-hidden size={17} />
            </button>
          )}
        </span>
      </div>
      {!over && (
        <div className="mt-2.5">
          <ProgressBar
            label={`Switch to ${plainLine(switching.to)}`}
            share={switching.progress}
            text={switching.progress === null ? word : `${word}, ${Math.floor(switching.progress * 100)} %`}
          />
        </div>
      )}
    </section>
  );
}

function faceOf(tone: Tone): keyof typeof faces {
  return tone === 'well' || tone === 'wrong' ? tone : 'busy';
}
