import { useState, type ReactElement } from 'react';
import { type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { CommandButton, Refusal } from '../../components/command-button.tsx';
import { plainLine } from '../../format/plain-text.ts';
import { useConnection, useSnapshot } from '../../panel-context.ts';
import { switchIsOver } from '../../format/switching.ts';
import { RemoveDialog, removeKey } from './remove-dialog.tsx';

/** What may be done with a model. What comes of it is told by the model's state and the switch, never by these. */
export function ModelButtons(props: {
  model: ModelSnapshot;
  /** Why it cannot be used; null when it can. `reasonId` names the text that says so. */
  reason: string | null;
  reasonId: string;
}): ReactElement {
  const { model, reason } = props;
  const id = plainLine(model.id);
  const target = useSnapshot(({ switching }) =>
    switching === null || switchIsOver(switching.phase) ? null : switching.to,
  );
  const describedBy = reason === null ? undefined : props.reasonId;
  return (
    <div className="mt-3 flex flex-wrap items-center gap-2">
      {!(model.isDefault && model.state === 'loaded') && (
        <CommandButton
          sendKey={`models.use ${model.id}`}
          name="models.use"
          body={{ model: model.id }}
          disabled={reason !== null || target === model.id}
          describedBy={describedBy}
          label={`Use ${id}`}
        >
          Use
        </CommandButton>
      )}
      <LoadButton model={model} disabled={reason !== null || target === model.id} describedBy={describedBy} />
      {reason === null && !model.selfTest && (
        <CommandButton
          sendKey={`models.pin ${model.id}`}
          name="models.pin"
          body={{ model: model.id, pinned: !model.pinned }}
          pressed={model.pinned}
          label={`Pin ${id}: keep it loaded`}
        >
          Pin
        </CommandButton>
      )}
      {!model.selfTest && <RemoveButton model={model} />}
    </div>
  );
}

function LoadButton(props: {
  model: ModelSnapshot;
  disabled: boolean;
  describedBy: string | undefined;
}): ReactElement | null {
  const { model } = props;
  const id = plainLine(model.id);
  if (model.state === 'loaded') {
    return (
      <CommandButton
        sendKey={`models.unload ${model.id}`}
        name="models.unload"
        body={{ model: model.id }}
        label={`Unload ${id}`}
      >
        Unload
      </CommandButton>
    );
  }
  if (model.state !== 'idle') return null;
  return (
    <CommandButton
      sendKey={`models.load ${model.id}`}
      name="models.load"
      body={{ model: model.id }}
      disabled={props.disabled}
      describedBy={props.describedBy}
      label={`Load ${id} beside the one in use`}
    >
      Load
    </CommandButton>
  );
}

function RemoveButton({ model }: { model: ModelSnapshot }): ReactElement {
  const [asking, setAsking] = useState(false);
  const live = useConnection((state) => state.connection.phase === 'live');
  return (
    <>
      <button
        type="button"
        className="button"
        aria-label={`Remove ${plainLine(model.id)}`}
        disabled={!live || model.state === 'loading' || model.state === 'unloading'}
        onClick={() => setAsking(true)}
      >
        Remove…
      </button>
      <Refusal sendKey={removeKey(model)} />
      {asking && <RemoveDialog model={model} onClose={() => setAsking(false)} />}
    </>
  );
}
