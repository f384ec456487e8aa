import { useId, useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Refusal } from '../../components/command-button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { groupModels, speedWords, whyNotUsable } from '../../format/model-list.ts';
import { useConnection, usePanel, useSnapshot } from '../../panel-context.ts';

const sendKey = 'models.use overview';

/** Switches the node to another of its models. */
export function SwitchButton(): ReactElement {
  const [open, setOpen] = useState(false);
  const live = useConnection((state) => state.connection.phase === 'live');
  return (
    <>
      <button type="button" className="button min-h-8!" disabled={!live} onClick={() => setOpen(true)}>
        Switch…
      </button>
      {open && <SwitchDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function SwitchDialog({ onClose }: { onClose: () => void }): ReactElement {
  const { commands } = usePanel();
  const models = useSnapshot((all) => all.models);
  const live = useConnection((state) => state.connection.phase === 'live');
  const sending = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const [picked, setPicked] = useState<string | null>(null);
  const listed = groupModels(models).flatMap((group) => group.models);
  const chosen = listed.find(({ id }) => id === picked);
  const use = async (): Promise<void> => {
    if (chosen === undefined) return;
    if ((await commands.getState().send(sendKey, 'models.use', { model: chosen.id })) !== null) onClose();
  };
  return (
    <Dialog title="Switch to another model" onClose={onClose}>
      <p className="text-muted">Answers that are being written are finished by the old one; requests that come wait.</p>
      {listed.length === 0 ? (
        <p className="mt-4">No model is here yet.</p>
      ) : (
        <Choices models={listed} picked={picked} onPick={setPicked} />
      )}
      <div className="sheet-foot">
        <a href="#/models" className="mr-auto underline" onClick={onClose}>
          All about the models
        </a>
        <Refusal sendKey={sendKey} />
        <button
          type="button"
          className="button button-main"
          disabled={!live || chosen === undefined || sending}
          aria-busy={sending}
          onClick={() => void use()}
        >
          {chosen === undefined ? 'Pick one' : 'Switch to it'}
        </button>
      </div>
    </Dialog>
  );
}

function Choices(props: {
  models: readonly ModelSnapshot[];
  picked: string | null;
  onPick: (id: string) => void;
}): ReactElement {
  const name = useId();
  return (
    <fieldset className="mt-4">
      <legend className="sr-only">Models of this node</legend>
      <ul className="divide-y divide-line">
        {props.models.map((model) => (
          <li key={`${model.engineId ?? ''} ${model.id}`}>
            <Choice
              name={name}
              model={model}
              picked={props.picked === model.id}
              onPick={() => props.onPick(model.id)}
            />
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

function Choice(props: { name: string; model: ModelSnapshot; picked: boolean; onPick: () => void }): ReactElement {
  const { model } = props;
  const noteId = useId();
  const reason = whyNotUsable(model);
  const speed = speedWords(model)?.figure ?? null;
  const note = model.isDefault ? 'In use now.' : reason;
  return (
    <label className="flex items-start gap-3 py-2.5">
      <input
        type="radio"
        name={props.name}
        className="mt-1 size-4 shrink-0 accent-leather"
        checked={props.picked}
        disabled={reason !== null || model.isDefault}
        aria-describedby={note === null ? undefined : noteId}
        onChange={props.onPick}
      />
      <span className="min-w-0 flex-1">
        <span className="flex flex-wrap items-center justify-between gap-x-3">
          <AgentText text={model.id} />
          {model.state === 'loaded' && <StateBadge word="Loaded" tone="well" />}
        </span>
        <span className="block text-sm text-muted">
          {formatBytes(model.sizeBytes)}
          {speed !== null && `, ${speed}`}
          {note !== null && (
            <span id={noteId} className={`block ${reason === null ? '' : 'text-barn'}`}>
              <AgentText text={note} />
            </span>
          )}
        </span>
      </span>
    </label>
  );
}
