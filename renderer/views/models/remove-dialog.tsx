import { type ReactElement } from 'react';
import { type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { usePanel } from '../../panel-context.ts';

/** Tells the removal of a model from other commands; its refusal is kept under it. */
export function removeKey(model: Pick<ModelSnapshot, 'id'>): string {
  return `models.remove ${model.id}`;
}

/** Asks before a model's file is deleted, and names what would be. */
export function RemoveDialog({ model, onClose }: { model: ModelSnapshot; onClose: () => void }): ReactElement {
  const { commands } = usePanel();
  const remove = (): void => {
    onClose();
    void commands.getState().send(removeKey(model), 'models.remove', { model: model.id });
  };
  return (
    <Dialog title="Remove this model?" role="alertdialog" onClose={onClose}>
      <p>
        <strong className="font-semibold">
          <AgentText text={model.id} />
        </strong>{' '}
        goes from this node, and {formatBytes(model.sizeBytes)} of disk become free.
      </p>
      {model.path === null ? (
        <p className="mt-2 text-muted">Its engine deletes its own copy.</p>
      ) : (
        <p className="mt-2">
          <span className="text-muted">This file is deleted: </span>
          <span className="code">
            <AgentText text={model.path} />
          </span>
        </p>
      )}
      {model.isDefault && (
        <p className="mt-2 text-hay">It is the model in use. Switch to another one first if programs rely on it.</p>
      )}
      {!model.isDefault && model.state === 'loaded' && (
        <p className="mt-2 text-hay">It is loaded now. Programs that ask for it by name find nothing afterwards.</p>
      )}
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <button type="button" className="button" data-first-focus onClick={onClose}>
          Keep it
        </button>
        <button type="button" className="button button-danger" onClick={remove}>
          Remove it
        </button>
      </div>
    </Dialog>
  );
}
