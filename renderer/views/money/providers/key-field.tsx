import { useId, useRef, useState, type ReactElement, type SubmitEvent } from 'react';
import { useStore } from 'zustand';
import { type SecretRow } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { Refusal } from '../../../components/command-button.tsx';
import { plainLine } from '../../../format/plain-text.ts';
import { providerName, secretIsFixed, secretSentence, type Provider } from '../../../format/providers.ts';
import { useConnection, usePanel } from '../../../panel-context.ts';

/**
 * A provider's key, which can be set and taken away and never read. What is typed stays in the field alone: no state
 * of the page holds it, and the field is empty from the moment it is sent.
 */
export function KeyField(props: {
  provider: Provider;
  secret: SecretRow | undefined;
  onChanged: () => void;
}): ReactElement {
  const { provider, secret } = props;
  const { commands } = usePanel();
  const [setKey, clearKey] = [`secrets.set ${provider.id}`, `secrets.clear ${provider.id}`];
  const sending = useStore(
    commands,
    ({ sent }) => sent[setKey]?.state === 'sending' || sent[clearKey]?.state === 'sending',
  );
  const live = useConnection((state) => state.connection.phase === 'live');
  const field = useRef<HTMLInputElement>(null);
  const [filled, setFilled] = useState(false);
  const id = useId();
  const name = plainLine(providerName(provider.id, [provider]));
  const warning = secret?.sentence ?? null;
  const isSet = secret !== undefined && secret.state !== 'missing';
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const input = field.current;
    const body = { provider: provider.id, value: input?.value.trim() ?? '' };
    if (input !== null) input.value = '';
    setFilled(false);
    if (body.value === '') return;
    const sent = commands.getState().send(setKey, 'secrets.set', body);
    // The request has its text by now; this object would otherwise keep it until the answer.
    body.value = '';
    if ((await sent) !== null) props.onChanged();
  };
  const clear = async (): Promise<void> => {
    if ((await commands.getState().send(clearKey, 'secrets.clear', { provider: provider.id })) !== null)
      props.onChanged();
  };
  return (
    <form onSubmit={(event) => void save(event)} className="grid gap-1.5" autoComplete="off">
      <label htmlFor={id} className="text-sm text-muted">
        {isSet ? 'Another key' : 'Key'}
      </label>
      <div className="flex flex-wrap items-center gap-2">
        <input
          ref={field}
          id={id}
          type="password"
          className="field min-w-0 flex-1 basis-56 sm:max-w-md"
          autoComplete="off"
          spellCheck={false}
          data-1p-ignore=""
          data-lpignore="true"
          maxLength={10_000}
          aria-label={`Key of ${name}`}
          aria-describedby={`${id}-where`}
          disabled={secretIsFixed(secret)}
          placeholder={isSet ? 'Kept; it is never shown' : 'Paste it here'}
          onInput={(event) => setFilled(event.currentTarget.value !== '')}
        />
        <button
          type="submit"
          className="button"
          disabled={!live || sending || !filled}
          aria-label={`Set the key of ${name}`}
        >
          Set it
        </button>
        {isSet && !secretIsFixed(secret) && (
          <button
            type="button"
            className="button button-danger"
            disabled={!live || sending}
            aria-label={`Clear the key of ${name}`}
            onClick={() => void clear()}
          >
            Clear it
          </button>
        )}
        <Refusal sendKey={setKey} />
        <Refusal sendKey={clearKey} />
      </div>
      <p id={`${id}-where`} className="text-sm text-muted" data-testid={`secret ${plainLine(provider.id)}`}>
        {secretSentence(secret)}
        {warning !== null && (
          <span className="text-hay">
            {' '}
            <AgentText text={warning} />
          </span>
        )}
      </p>
    </form>
  );
}
