import { useState, type ReactElement, type SubmitEvent } from 'react';
import { providerSettingsSchema } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { Refusal } from '../../../components/command-button.tsx';
import { Dialog } from '../../../components/dialog.tsx';
import { useCloudSetting } from '../../../components/use-cloud-setting.ts';
import { useSnapshot } from '../../../panel-context.ts';

const sendKey = 'settings.update cloud.providers new';
const kinds = [
  { id: 'openai-compatible', word: 'Speaks as OpenAI' },
  { id: 'anthropic-compatible', word: 'Speaks as Anthropic' },
] as const;

/** A provider by its address. Its key is set on its card, once it is there. */
export function AddProvider({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }): ReactElement {
  const { change, sending, failure } = useCloudSetting(sendKey);
  const taken = useSnapshot((all) => all.cloud.providers);
  const [id, setId] = useState('');
  const [url, setUrl] = useState('');
  const [model, setModel] = useState('');
  const [kind, setKind] = useState<(typeof kinds)[number]['id']>('openai-compatible');
  const [tried, setTried] = useState(false);
  const problem = problemOf(
    id,
    url,
    model,
    taken.map((one) => one.id),
  );
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (problem !== null) return;
    const read = providerSettingsSchema.parse({ kind, url: url.trim(), models: [{ id: model.trim() }] });
    if (!(await change('providers', (all) => ({ ...all, [id]: read })))) return;
    onClose();
    onAdded();
  };
  return (
    <Dialog title="Another provider" onClose={onClose}>
      <form noValidate onSubmit={(event) => void save(event)} className="grid gap-3">
        <Text name="Short name, such as groq" value={id} onValue={(text) => setId(text.trim().toLowerCase())} />
        <Text name="Address, without /v1" hint="https://api.example.com" value={url} onValue={setUrl} />
        <Text name="A model of it, by its own name" value={model} onValue={setModel} />
        <label className="min-w-0">
          <span className="block text-sm text-muted">It</span>
          <select
            className="field"
            value={kind}
            onChange={(event) => setKind(kinds.find((one) => one.id === event.target.value)?.id ?? 'openai-compatible')}
          >
            {kinds.map((one) => (
              <option key={one.id} value={one.id}>
                {one.word}
              </option>
            ))}
          </select>
        </label>
        {tried && problem !== null && (
          <p role="alert" className="text-sm text-barn">
            {problem}
          </p>
        )}
        <p className="text-sm text-muted">Next, set its key on its card, and a price for its model.</p>
        <div className="flex flex-wrap items-center justify-end gap-2">
          <Refusal sendKey={sendKey} />
          {failure !== null && (
            <span role="alert" className="text-sm text-barn">
              <AgentText text={failure} />
            </span>
          )}
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" className="button button-main" disabled={sending} aria-busy={sending}>
            Add it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function problemOf(id: string, url: string, model: string, taken: readonly string[]): string | null {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/u.test(id)) return 'The short name is of letters, digits and dashes.';
  if (taken.includes(id)) return `There is a provider ${id} already. Pick another name.`;
  if (!providerSettingsSchema.shape.url.safeParse(url.trim()).success || url.trim() === '')
    return 'The address begins with https://, or with http:// on this machine, and has no password in it.';
  return model.trim() === '' ? 'Name one of its models.' : null;
}

function Text(props: { name: string; hint?: string; value: string; onValue: (value: string) => void }): ReactElement {
  return (
    <label className="min-w-0">
      <span className="block text-sm text-muted">{props.name}</span>
      <input
        className="field"
        autoComplete="off"
        spellCheck={false}
        placeholder={props.hint}
        value={props.value}
        onChange={(event) => props.onValue(event.target.value)}
      />
    </label>
  );
}
