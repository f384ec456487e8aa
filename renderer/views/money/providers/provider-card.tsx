import { PlugZap } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { type CloudModelRow, type SecretRow } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { Refusal } from '../../../components/command-button.tsx';
import { Section } from '../../../components/section.tsx';
import { StateBadge } from '../../../components/state-badge.tsx';
import { useCloudSetting } from '../../../components/use-cloud-setting.ts';
import { formatCount } from '../../../format/numbers.ts';
import { plainLine } from '../../../format/plain-text.ts';
import { providerName, providerStateWord, type Provider } from '../../../format/providers.ts';
import { formatMoment, parseTime } from '../../../format/time.ts';
import { useConnection, useNow, usePanel } from '../../../panel-context.ts';
import { KeyField } from './key-field.tsx';
import { ProviderModels } from './provider-models.tsx';

/** One provider: how it stands, its key, and what of it may be used. */
export function ProviderCard(props: {
  provider: Provider;
  secret: SecretRow | undefined;
  models: readonly CloudModelRow[] | null;
  onKey: () => void;
  onSettings: () => void;
}): ReactElement {
  const { provider, secret, models } = props;
  const { word, tone } = providerStateWord(provider.state);
  const now = useNow();
  const until = parseTime(provider.until);
  return (
    <Section title={providerName(provider.id, [provider])} aside={<StateBadge word={plainLine(word)} tone={tone} />}>
      <div className="grid gap-4">
        <p data-testid={`provider ${plainLine(provider.id)}`}>
          {provider.sentence !== '' && (
            <>
              <AgentText text={provider.sentence} />{' '}
            </>
          )}
          {until !== null && <>Until {formatMoment(until, now, '')}. </>}
          <span className="text-muted">
            {formatCount(provider.modelsTotal)} {provider.modelsTotal === 1 ? 'model' : 'models'} may be used
            {provider.inFlight > 0 && `, ${formatCount(provider.inFlight)} under way`}.
          </span>
        </p>
        <KeyField provider={provider} secret={secret} onChanged={props.onKey} />
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          <Enabled provider={provider} onChanged={props.onSettings} />
          <Test provider={provider} />
        </div>
        {models !== null && models.length > 0 && <ProviderModels models={models} onChanged={props.onSettings} />}
      </div>
    </Section>
  );
}

function Enabled({ provider, onChanged }: { provider: Provider; onChanged: () => void }): ReactElement {
  const sendKey = `settings.update cloud.providers ${provider.id}`;
  const { change, sending, failure } = useCloudSetting(sendKey);
  const live = useConnection((state) => state.connection.phase === 'live');
  const off = provider.state === 'off';
  const toggle = async (): Promise<void> => {
    const done = await change('providers', (all) => {
      const own = Object.hasOwn(all, provider.id) ? all[provider.id] : undefined;
      const before = own ?? { enabled: true, slots: 16, models: [], prepaidUsd: null, quota: null };
      return { ...all, [provider.id]: { ...before, enabled: off } };
    });
    if (done) onChanged();
  };
  return (
    <span className="inline-flex max-w-full flex-wrap items-center gap-2">
      <button
        type="button"
        className="button"
        disabled={!live || sending}
        aria-busy={sending}
        aria-label={plainLine(`${off ? 'Switch on' : 'Switch off'} ${providerName(provider.id, [provider])}`)}
        onClick={() => void toggle()}
      >
        {off ? 'Switch on' : 'Switch off'}
      </button>
      {failure !== null && (
        <span role="alert" className="text-sm text-barn">
          <AgentText text={failure} />
        </span>
      )}
      <Refusal sendKey={sendKey} />
    </span>
  );
}

/** Asks whether the key works and the address answers. */
function Test({ provider }: { provider: Provider }): ReactElement {
  const { commands } = usePanel();
  const sendKey = `cloud.test ${provider.id}`;
  const sending = useStore(commands, (state) => state.sent[sendKey]?.state === 'sending');
  const live = useConnection((state) => state.connection.phase === 'live');
  const [answer, setAnswer] = useState<string | null>(null);
  const test = async (): Promise<void> => {
    setAnswer(null);
    const came = await commands.getState().send(sendKey, 'cloud.test', { provider: provider.id });
    if (came !== null) setAnswer(came.sentence ?? 'It answers.');
  };
  return (
    <span className="inline-flex max-w-full min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
      <button
        type="button"
        className="button"
        disabled={!live || sending}
        aria-busy={sending}
        aria-label={plainLine(`Test ${providerName(provider.id, [provider])}`)}
        onClick={() => void test()}
      >
        <PlugZap aria-hidden size={15} />
        Test
      </button>
      <span role="status" className="min-w-0 text-sm text-muted">
        {sending ? (
          'Asking…'
        ) : answer !== null ? (
          <AgentText text={answer} />
        ) : (
          'Asks for its list of models: no paid call.'
        )}
      </span>
      <Refusal sendKey={sendKey} />
    </span>
  );
}
