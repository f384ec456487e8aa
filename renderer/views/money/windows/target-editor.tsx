import { Plus } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { type WindowSettings } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { Refusal } from '../../../components/command-button.tsx';
import { Section } from '../../../components/section.tsx';
import { StateBadge } from '../../../components/state-badge.tsx';
import { useClock } from '../../../components/use-clock.ts';
import { useCloudSetting } from '../../../components/use-cloud-setting.ts';
import { isOpen, nextWindow, sameWindows, unionWords, wallTime, windowWords } from '../../../format/windows.ts';
import { useConnection } from '../../../panel-context.ts';
import { Ring } from './ring.tsx';
import { Week } from './week.tsx';
import { WindowFields } from './window-fields.tsx';

/** All windows of one provider or model: dragged on a ring of the hour, walked by keys, or written as numbers. */
export function TargetEditor(props: {
  target: string;
  saved: readonly WindowSettings[];
  /** Of a model's provider: the model is used while both are open. */
  outer: readonly WindowSettings[];
  timeZone: string | undefined;
  onSaved: (left: readonly WindowSettings[]) => void;
}): ReactElement {
  const { target, saved } = props;
  const now = wallTime(useClock(), props.timeZone);
  // Null: nothing was changed here, so what the agent has is shown, whoever changed it.
  const [draft, setDraft] = useState<readonly WindowSettings[] | null>(() =>
    saved.length === 0 ? [nextWindow(target, [])] : null,
  );
  const [pickedIndex, setPicked] = useState(0);
  const [seen, setSeen] = useState(saved);
  if (!sameWindows(seen, saved)) {
    setSeen(saved);
    // What was saved here has arrived in the settings, and is no draft any longer.
    if (draft !== null && sameWindows(draft, saved)) setDraft(null);
  }
  const windows = draft ?? saved;
  const index = Math.min(pickedIndex, windows.length - 1);
  const picked = windows[index];
  const open = isOpen(windows, now) && isOpen(props.outer, now);
  const put = (window: WindowSettings): void => setDraft(windows.map((one, at) => (at === index ? window : one)));
  const add = (): void => {
    setDraft([...windows, nextWindow(target, windows)]);
    setPicked(windows.length);
  };
  const takeAway = (): void => {
    setDraft(windows.filter((_, at) => at !== index));
    setPicked(Math.max(0, index - 1));
  };
  return (
    <Section
      title={target}
      aside={<StateBadge word={open ? 'Open now' : 'Closed now'} tone={open ? 'well' : 'quiet'} />}
    >
      <div className="grid items-start gap-x-8 gap-y-5 md:grid-cols-[17rem_minmax(0,1fr)]">
        <div className="min-w-0">
          <Ring target={target} windows={windows} index={index} now={now} onPick={setPicked} onWindow={put} />
          <p className="mt-2 text-center text-sm" data-testid="union">
            {windows.length === 0 ? 'No window: it may be used at any time.' : unionWords(windows, now)}
          </p>
          {props.outer.length > 0 && (
            <p className="text-center text-sm text-muted">
              Its provider has times of its own; it needs both to be open.
            </p>
          )}
        </div>
        <div className="grid min-w-0 gap-4">
          <ul className="grid gap-1.5" aria-label="Windows">
            {windows.map((window, at) => (
              <li key={at}>
                <button
                  type="button"
                  className="button justify-start! text-left"
                  aria-pressed={at === index}
                  onClick={() => setPicked(at)}
                >
                  {windowWords(window)}
                </button>
              </li>
            ))}
          </ul>
          {picked !== undefined && <WindowFields window={picked} onWindow={put} />}
          <div className="flex flex-wrap gap-2">
            <button type="button" className="button" onClick={add}>
              <Plus aria-hidden size={15} />
              Add a window
            </button>
            {picked !== undefined && (
              <button type="button" className="button" onClick={takeAway}>
                Take this window away
              </button>
            )}
          </div>
          {windows.length > 0 && <Week windows={windows} now={now} />}
        </div>
      </div>
      <Save
        target={target}
        windows={windows}
        changed={draft !== null && !sameWindows(draft, saved)}
        onUndo={() => setDraft(null)}
        onSaved={() => props.onSaved(windows)}
      />
    </Section>
  );
}

function Save(props: {
  target: string;
  windows: readonly WindowSettings[];
  changed: boolean;
  onUndo: () => void;
  onSaved: () => void;
}): ReactElement {
  const { target, windows, changed } = props;
  const sendKey = `settings.update cloud.windows ${target}`;
  const { change, sending, failure } = useCloudSetting(sendKey);
  const live = useConnection((state) => state.connection.phase === 'live');
  const save = async (): Promise<void> => {
    const done = await change('windows', (all) => [...all.filter((window) => window.target !== target), ...windows]);
    if (done) props.onSaved();
  };
  return (
    <div className="mt-4 flex flex-wrap items-center gap-x-3 gap-y-2 border-t border-line pt-3">
      <button
        type="button"
        className="button button-main"
        disabled={!live || sending || !changed}
        aria-busy={sending}
        onClick={() => void save()}
      >
        Save
      </button>
      <button type="button" className="button" disabled={sending || !changed} onClick={props.onUndo}>
        Undo
      </button>
      <p role="status" className="text-sm text-muted">
        {changed ? 'Not saved yet.' : 'This holds now.'}
      </p>
      {failure !== null && (
        <span role="alert" className="text-sm text-barn">
          <AgentText text={failure} />
        </span>
      )}
      <Refusal sendKey={sendKey} />
    </div>
  );
}
