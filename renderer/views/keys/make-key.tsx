import { KeyRound } from 'lucide-react';
import { useState, type ReactElement, type SubmitEvent } from 'react';
import { useStore } from 'zustand';
import { keyScopes, type KeyRow } from '../../../electron/contract/keys.ts';
import { Refusal } from '../../components/command-button.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Section } from '../../components/section.tsx';
import { emptyDraft, policyOf, type PolicyDraft } from '../../format/policy.ts';
import { useConnection, usePanel, useSnapshot } from '../../panel-context.ts';
import { PolicyFields } from './policy-fields.tsx';

const sendKey = 'keys.add';

const scopeWords: Readonly<Record<KeyRow['scope'], string>> = {
  inference: 'Requests to models',
  admin: 'The same, marked as an administrator’s',
};

/** Makes a key, and shows it the one time that it can be shown. */
export function MakeKey({ onMade }: { onMade: () => void }): ReactElement {
  const { commands } = usePanel();
  const sending = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const live = useConnection((state) => state.connection.phase === 'live');
  const first = useSnapshot((all) => all.gateway.keysTotal === 0);
  const [name, setName] = useState('');
  const [scope, setScope] = useState<KeyRow['scope']>('inference');
  const [draft, setDraft] = useState<PolicyDraft>(emptyDraft);
  const [made, setMade] = useState<{ readonly name: string; readonly key: string } | null>(null);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const order = { name: name.trim(), scope, policy: policyOf(draft) };
    const answer = await commands.getState().send(sendKey, 'keys.add', order);
    if (answer === null) return;
    if (answer.key !== undefined) setMade({ name: order.name, key: answer.key });
    setName('');
    setScope('inference');
    setDraft(emptyDraft);
    onMade();
  };
  return (
    <Section title="Make a key">
      <form onSubmit={(event) => void submit(event)} className="grid gap-3">
        <div className="grid gap-3 sm:grid-cols-2">
          <label className="min-w-0">
            <span className="block text-sm text-muted">Name, such as the program that will use it</span>
            <input
              className="field"
              autoComplete="off"
              spellCheck={false}
              maxLength={64}
              pattern="[\p{L}\p{N} ._\-]+"
              title="Letters, digits, spaces, dots, dashes and underscores"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
          <label className="min-w-0">
            <span className="block text-sm text-muted">Opens</span>
            <select
              className="field"
              value={scope}
              onChange={(event) => setScope(keyScopes.find((one) => one === event.target.value) ?? 'inference')}
            >
              {keyScopes.map((one) => (
                <option key={one} value={one}>
                  {scopeWords[one]}
                </option>
              ))}
            </select>
          </label>
        </div>
        <details>
          <summary className="cursor-pointer py-1">What it may do</summary>
          <div className="mt-2">
            <PolicyFields draft={draft} onDraft={setDraft} />
          </div>
        </details>
        {first && (
          <p className="text-sm text-hay">From the first key on, every program needs one: those without are refused.</p>
        )}
        <div className="flex flex-wrap items-center gap-2">
          <button
            type="submit"
            className="button button-main"
            disabled={!live || sending || name.trim() === ''}
            aria-busy={sending}
          >
            <KeyRound aria-hidden size={15} />
            Make it
          </button>
          <Refusal sendKey={sendKey} />
        </div>
      </form>
      {made !== null && <ShownOnce name={made.name} text={made.key} onClose={() => setMade(null)} />}
    </Section>
  );
}

/** The key itself. A click beside the dialog does not close it: what it shows cannot be shown again. */
function ShownOnce(props: { name: string; text: string; onClose: () => void }): ReactElement {
  return (
    <Dialog title={`The key ${props.name}`} firm onClose={props.onClose}>
      <p className="mb-3">Copy it now: it is shown this once. The node keeps only a hash of it.</p>
      <Copyable text={props.text} label="Copy the key" />
      <p className="mt-3 text-muted">
        A program sends it as <span className="code">Authorization: Bearer</span> or{' '}
        <span className="code">x-api-key</span>, wherever it asks for an API key.
      </p>
      <div className="mt-5 flex justify-end">
        <button type="button" className="button button-main" onClick={props.onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  );
}
