import { ArrowUp, X } from 'lucide-react';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { type CloudModelRow } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { Refusal } from '../../../components/command-button.tsx';
import { Dialog } from '../../../components/dialog.tsx';
import { useCloudSetting } from '../../../components/use-cloud-setting.ts';
import { plainLine } from '../../../format/plain-text.ts';
import { movedUp } from '../../../format/providers.ts';
import { useSnapshot } from '../../../panel-context.ts';

const sendKey = 'settings.update cloud.equivalents';

/** The models that stand in for one name, in their order. */
export function EquivalentDialog(props: {
  /** Empty for a new one. */
  name: string;
  models: readonly string[];
  offers: readonly CloudModelRow[];
  onClose: () => void;
  onSaved: () => void;
}): ReactElement {
  const { change, sending, failure } = useCloudSetting(sendKey);
  const local = useSnapshot((all) => all.models);
  const listId = useId();
  const [name, setName] = useState(props.name);
  const [models, setModels] = useState<readonly string[]>(props.models);
  const [tried, setTried] = useState(false);
  const finish = (done: boolean): void => {
    if (!done) return;
    props.onClose();
    props.onSaved();
  };
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (name.trim() !== '') finish(await change('equivalents', (all) => ({ ...all, [name.trim()]: [...models] })));
  };
  const forget = async (): Promise<void> =>
    finish(await change('equivalents', (all) => Object.fromEntries(Object.entries(all).filter(([id]) => id !== name))));
  const left = props.offers.filter(({ id, price }) => price !== null && !models.includes(id));
  return (
    <Dialog title={props.name === '' ? 'What stands in' : `What stands in for ${props.name}`} onClose={props.onClose}>
      <form noValidate onSubmit={(event) => void save(event)} className="grid gap-3">
        {props.name === '' && (
          <label className="min-w-0">
            <span className="block text-sm text-muted">Asked for</span>
            <input
              className="field"
              autoComplete="off"
              spellCheck={false}
              list={listId}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
            <datalist id={listId}>
              {local.map(({ id }) => (
                <option key={id} value={plainLine(id)} />
              ))}
            </datalist>
          </label>
        )}
        <Order models={models} onModels={setModels} />
        <label className="min-w-0">
          <span className="block text-sm text-muted">Add a model that has a price</span>
          <select className="field" value="" onChange={(event) => setModels((all) => [...all, event.target.value])}>
            <option value="" disabled>
              {left.length === 0 ? 'None is left' : 'Pick one'}
            </option>
            {left.map(({ id }) => (
              <option key={id} value={id}>
                {plainLine(id)}
              </option>
            ))}
          </select>
        </label>
        {tried && name.trim() === '' && (
          <p role="alert" className="text-sm text-barn">
            Say what they stand in for: a model, a name such as ranch/auto, or * for all others.
          </p>
        )}
        <div className="flex flex-wrap items-center justify-end gap-2">
          <Refusal sendKey={sendKey} />
          {failure !== null && (
            <span role="alert" className="text-sm text-barn">
              <AgentText text={failure} />
            </span>
          )}
          {props.name !== '' && (
            <button type="button" className="button" disabled={sending} onClick={() => void forget()}>
              Back to the default
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

function Order(props: {
  models: readonly string[];
  onModels: (next: (models: readonly string[]) => readonly string[]) => void;
}): ReactElement {
  if (props.models.length === 0)
    return <p className="text-muted">Nothing stands in: such requests stay on the ranch.</p>;
  return (
    <ol className="grid gap-1.5" aria-label="Order">
      {props.models.map((model, index) => (
        <li key={model} className="flex items-center gap-2">
          <span className="w-5 text-right text-muted">{index + 1}</span>
          <span className="min-w-0 flex-1">
            <AgentText text={model} />
          </span>
          <button
            type="button"
            className="button px-2!"
            disabled={index === 0}
            aria-label={plainLine(`Move ${model} up`)}
            onClick={() => props.onModels((all) => movedUp(all, index))}
          >
            <ArrowUp aria-hidden size={15} />
          </button>
          <button
            type="button"
            className="button px-2!"
            aria-label={plainLine(`Take ${model} away`)}
            onClick={() => props.onModels((all) => all.filter((one) => one !== model))}
          >
            <X aria-hidden size={15} />
          </button>
        </li>
      ))}
    </ol>
  );
}
