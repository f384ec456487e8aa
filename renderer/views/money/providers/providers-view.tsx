import { Plus } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { AgentText } from '../../../components/agent-text.tsx';
import { Section } from '../../../components/section.tsx';
import { useQuestion } from '../../../components/use-question.ts';
import { useConnection, useSnapshot } from '../../../panel-context.ts';
import { AddProvider } from './add-provider.tsx';
import { Equivalents } from './equivalents.tsx';
import { ProviderCard } from './provider-card.tsx';

/** Every provider with its state, its key and its models; and which of their models stand in for which others. */
export function ProvidersView(): ReactElement {
  const providers = useSnapshot((all) => all.cloud.providers);
  // What can be used changes with a key, a window or a switch elsewhere; the snapshot tells of each of them.
  const news = providers.map(({ id, state, modelsTotal }) => `${id} ${state} ${modelsTotal}`).join('\n');
  const cloud = useQuestion('cloud', {}, news);
  const secrets = useQuestion('secrets', {}, news);
  const live = useConnection((state) => state.connection.phase === 'live');
  const [adding, setAdding] = useState(false);
  const failure = cloud.failure ?? secrets.failure;
  return (
    <>
      {failure !== null && (
        <p role="alert" className="card text-barn">
          <AgentText text={failure} />
        </p>
      )}
      {providers.length === 0 && (
        <p className="card text-muted">This node tells of no provider. Update it, or add one of your own below.</p>
      )}
      {providers.map((provider) => (
        <ProviderCard
          key={provider.id}
          provider={provider}
          secret={secrets.answer?.secrets.find((row) => row.provider === provider.id)}
          models={cloud.answer?.models.filter((model) => model.provider === provider.id) ?? null}
          onKey={secrets.askAgain}
          onSettings={cloud.askAgain}
        />
      ))}
      <Section title="Another provider">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <p className="min-w-0 flex-1 basis-64 text-muted">
            Any address that speaks as OpenAI or Anthropic does. Its models are used once they have a price.
          </p>
          <button type="button" className="button" disabled={!live} onClick={() => setAdding(true)}>
            <Plus aria-hidden size={15} />
            Add a provider…
          </button>
        </div>
        {adding && <AddProvider onClose={() => setAdding(false)} onAdded={cloud.askAgain} />}
      </Section>
      <Equivalents overview={cloud.answer} onSaved={cloud.askAgain} />
    </>
  );
}
