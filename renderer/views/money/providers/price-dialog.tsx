import { useState, type ReactElement, type SubmitEvent } from 'react';
import { type CloudModelRow } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { Refusal } from '../../../components/command-button.tsx';
import { Dialog } from '../../../components/dialog.tsx';
import { useCloudSetting } from '../../../components/use-cloud-setting.ts';
import { priceDraftOf, priceOf, type PriceDraft } from '../../../format/providers.ts';

const fields: readonly { readonly id: keyof PriceDraft; readonly name: string; readonly hint: string }[] = [
  { id: 'inputUsd', name: 'Prompt', hint: 'Needed' },
  { id: 'outputUsd', name: 'Answer', hint: 'Needed' },
  { id: 'cachedInputUsd', name: 'Prompt read from a cache', hint: 'As the prompt' },
  { id: 'cacheWriteUsd', name: 'Prompt written to a cache', hint: 'As the prompt' },
];

/** A price of the operator's own, which goes before the known one. */
export function PriceDialog(props: { model: CloudModelRow; onClose: () => void; onSaved: () => void }): ReactElement {
  const { model } = props;
  const sendKey = `settings.update cloud.prices ${model.id}`;
  const { change, sending, failure } = useCloudSetting(sendKey);
  const [draft, setDraft] = useState(() => priceDraftOf(model.price));
  const [tried, setTried] = useState(false);
  const price = priceOf(draft, model.price);
  const own = model.price !== null && model.priceSource === null;
  const finish = (done: boolean): void => {
    if (!done) return;
    props.onClose();
    props.onSaved();
  };
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (price !== null) finish(await change('prices', (all) => ({ ...all, [model.id]: price })));
  };
  const forget = async (): Promise<void> => {
    finish(await change('prices', (all) => Object.fromEntries(Object.entries(all).filter(([id]) => id !== model.id))));
  };
  return (
    <Dialog title={`Price of ${model.id}`} onClose={props.onClose}>
      <form noValidate onSubmit={(event) => void save(event)}>
        <p className="mb-3 text-muted">Dollars for a million tokens. A price of your own goes before the known one.</p>
        <div className="grid gap-3 sm:grid-cols-2">
          {fields.map(({ id, name, hint }) => (
            <label key={id} className="min-w-0">
              <span className="block text-sm text-muted">{name}</span>
              <input
                className="field"
                inputMode="decimal"
                autoComplete="off"
                placeholder={hint}
                value={draft[id]}
                onChange={(event) => setDraft((all) => ({ ...all, [id]: event.target.value }))}
              />
            </label>
          ))}
        </div>
        {tried && price === null && (
          <p role="alert" className="mt-3 text-sm text-barn">
            Write numbers of 0 or more, for the prompt and the answer at least.
          </p>
        )}
        <div className="mt-5 flex flex-wrap items-center justify-end gap-2">
          <Refusal sendKey={sendKey} />
          {failure !== null && (
            <span role="alert" className="text-sm text-barn">
              <AgentText text={failure} />
            </span>
          )}
          {own && (
            <button type="button" className="button" disabled={sending} onClick={() => void forget()}>
              Back to the known one
            </button>
          )}
          <button type="button" className="button" onClick={props.onClose}>
            Leave it
          </button>
          <button type="submit" className="button button-main" disabled={sending} aria-busy={sending}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
