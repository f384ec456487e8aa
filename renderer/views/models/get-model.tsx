import { Download } from 'lucide-react';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { useStore } from 'zustand';
import { digestTyped } from '../../../electron/contract/control.ts';
import { Refusal } from '../../components/command-button.tsx';
import { Section } from '../../components/section.tsx';
import { referenceKind } from '../../format/pulls.ts';
import { useConnection, usePanel } from '../../panel-context.ts';

const sendKey = 'models.pull';

/** Id of the field for the model's name, for buttons elsewhere on the screen that lead to it. */
export const referenceFieldId = 'model-reference';

/** Fetches a model that is named by a person. */
export function GetModel(): ReactElement {
  const { commands } = usePanel();
  const sending = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const live = useConnection((state) => state.connection.phase === 'live');
  const [reference, setReference] = useState('');
  const [sha256, setSha256] = useState('');
  const [use, setUse] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const hash = digestTyped(sha256);
    const body = { reference: reference.trim(), use, ...(hash === '' ? {} : { sha256: hash }) };
    if ((await commands.getState().send(sendKey, 'models.pull', body)) === null) return;
    setReference('');
    setSha256('');
  };
  return (
    <Section title="Get another model">
      <form onSubmit={(event) => void submit(event)} className="grid gap-3">
        <ReferenceField value={reference} onValue={setReference} />
        <label className="flex items-center gap-2">
          <input type="checkbox" className="size-4 accent-leather" checked={use} onChange={() => setUse(!use)} />
          Use it when it is here
        </label>
        <HashField value={sha256} onValue={setSha256} />
        <div className="flex flex-wrap items-center gap-2">
          <button
            type="submit"
            className="button button-main"
            disabled={!live || sending || reference.trim() === ''}
            aria-busy={sending}
          >
            <Download aria-hidden size={15} />
            Get it
          </button>
          <Refusal sendKey={sendKey} />
        </div>
      </form>
    </Section>
  );
}

function ReferenceField(props: { value: string; onValue: (value: string) => void }): ReactElement {
  const hintId = useId();
  const kind = referenceKind(props.value);
  return (
    <div>
      <label htmlFor={referenceFieldId} className="mb-1 block text-sm text-muted">
        Name, address or file
      </label>
      <input
        id={referenceFieldId}
        className="field"
        value={props.value}
        maxLength={4096}
        placeholder="llama3.1:8b-instruct-q5_K_M"
        aria-describedby={hintId}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => props.onValue(event.target.value)}
      />
      <p id={hintId} className="mt-1.5 text-sm text-muted">
        {kind ?? (
          <>
            A name of the Ollama library, <span className="code">hf.co/org/repo:Q4_K_M</span>, an https address, or the
            full path of a GGUF file.
          </>
        )}
      </p>
    </div>
  );
}

function HashField({ value, onValue }: { value: string; onValue: (value: string) => void }): ReactElement {
  const id = useId();
  return (
    <details>
      <summary className="cursor-pointer text-sm text-muted">Check it against a sha256</summary>
      <label htmlFor={id} className="sr-only">
        Expected sha256
      </label>
      <input
        id={id}
        className="field code mt-2"
        value={value}
        maxLength={200}
        autoComplete="off"
        spellCheck={false}
        placeholder="64 hexadecimal digits"
        onChange={(event) => onValue(event.target.value)}
      />
    </details>
  );
}
