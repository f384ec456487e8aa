import { useState, type ReactElement, type SubmitEvent } from 'react';
import { type WindowSettings } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { Section } from '../../../components/section.tsx';
import { useQuestion } from '../../../components/use-question.ts';
import { cloudSettingsOf } from '../../../format/cloud-settings.ts';
import { plainLine } from '../../../format/plain-text.ts';
import { useSnapshot } from '../../../panel-context.ts';
import { TargetEditor } from './target-editor.tsx';

/** When providers and models may be used, on this node; and where that meets other nodes' times. */
export function WindowsView(): ReactElement {
  const providers = useSnapshot((all) => all.cloud.providers);
  const news = providers.map(({ id, state }) => `${id} ${state}`).join('\n');
  const cloud = useQuestion('cloud', {}, news);
  const settings = useQuestion('settings', {}, news);
  const [added, setAdded] = useState<readonly string[]>([]);
  const windows = settings.answer === null ? null : (cloudSettingsOf(settings.answer.rows)?.windows ?? null);
  const failure = settings.failure ?? cloud.failure;
  if (windows === null) {
    return (
      <p
        role={failure === null ? undefined : 'alert'}
        className={`card ${failure === null ? 'text-muted' : 'text-barn'}`}
      >
        {failure === null ? 'Looking for the time windows.' : <AgentText text={failure} />}
      </p>
    );
  }
  const targets = [...new Set([...windows.map(({ target }) => target), ...added])];
  const saved = (): void => {
    settings.askAgain();
    cloud.askAgain();
  };
  return (
    <>
      <Intro timeZone={cloud.answer?.timeZone ?? null} />
      <Overlaps sentences={cloud.answer?.overlaps ?? []} />
      {targets.map((target) => (
        <TargetEditor
          key={target}
          target={target}
          saved={windows.filter((window) => window.target === target)}
          outer={windows.filter((window) => target.startsWith(`${window.target}/`))}
          timeZone={cloud.answer?.timeZone}
          onSaved={(left: readonly WindowSettings[]) => {
            if (left.length === 0) setAdded((all) => all.filter((one) => one !== target));
            saved();
          }}
        />
      ))}
      <AddTarget
        taken={targets}
        models={(cloud.answer?.models ?? []).filter(({ price }) => price !== null).map(({ id }) => id)}
        onAdd={(target) => setAdded((all) => [...all, target])}
      />
    </>
  );
}

function Intro({ timeZone }: { timeZone: string | null }): ReactElement {
  return (
    <p className="max-w-prose">
      With a window or more, a provider or a model is used inside of them alone; without any, at any time. Nodes that
      share an account take turns so; whether their windows meet is checked once nodes know each other as peers.{' '}
      {timeZone !== null && (
        <span className="text-muted">
          Times are those of <AgentText text={timeZone} />.
        </span>
      )}
    </p>
  );
}

function Overlaps({ sentences }: { sentences: readonly string[] }): ReactElement | null {
  if (sentences.length === 0) return null;
  return (
    <section aria-label="Overlaps with other nodes" className="paused">
      <ul className="grid gap-1">
        {sentences.map((sentence) => (
          <li key={sentence}>
            <AgentText text={sentence} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function AddTarget(props: {
  taken: readonly string[];
  models: readonly string[];
  onAdd: (target: string) => void;
}): ReactElement {
  const providers = useSnapshot((all) => all.cloud.providers);
  const offers = [...providers.map(({ id }) => id), ...props.models].filter((id) => !props.taken.includes(id));
  const [picked, setPicked] = useState('');
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!offers.includes(picked)) return;
    props.onAdd(picked);
    setPicked('');
  };
  return (
    <Section title="Limit another one">
      <form onSubmit={add} className="flex flex-wrap items-end gap-3">
        <label className="min-w-0 flex-1 basis-56 sm:max-w-sm">
          <span className="block text-sm text-muted">Provider or model</span>
          <select className="field" value={picked} onChange={(event) => setPicked(event.target.value)}>
            <option value="">Pick one</option>
            {offers.map((id) => (
              <option key={id} value={id}>
                {plainLine(id)}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" className="button" disabled={picked === ''}>
          Set its times
        </button>
      </form>
    </Section>
  );
}
