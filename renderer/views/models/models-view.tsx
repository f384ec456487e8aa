import { FlaskConical, Star } from 'lucide-react';
import { type ReactElement } from 'react';
import { type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { formatCount, formatParameters, formatRate, unknown } from '../../format/numbers.ts';
import { useSnapshot } from '../../panel-context.ts';

/** What this node can answer with. */
export function ModelsView(): ReactElement {
  const models = useSnapshot((all) => all.models);
  return (
    <>
      <h1 className="mb-5 text-2xl sm:text-3xl">Models</h1>
      {models.length === 0 ? (
        <p className="card">
          No model was found. Put a GGUF file into the models folder of the data folder, then restart the engine.
        </p>
      ) : (
        <div className="grid gap-5 lg:grid-cols-2">
          {models.map((model) => (
            <ModelCard key={`${model.engineId ?? ''} ${model.id}`} model={model} />
          ))}
        </div>
      )}
    </>
  );
}

function ModelCard({ model }: { model: ModelSnapshot }): ReactElement {
  return (
    <Section title={model.id} aside={<Marks model={model} />}>
      {model.selfTest && (
        <p className="mb-3 text-muted">
          The self-test model proves the path from a question to an answer. It says one fixed sentence and knows
          nothing.
        </p>
      )}
      {model.problem !== null && (
        <p className="tint-barn mb-3 rounded border-l-4 border-barn px-3 py-2">
          <AgentText text={model.problem} />
        </p>
      )}
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-3">
        <Fact name="Measured here">
          {model.tokensPerSecond === null ? 'Not yet' : `${formatRate(model.tokensPerSecond)} tokens/s`}
        </Fact>
        <Fact name="Quantization">
          <AgentText text={model.quantization ?? unknown} />
        </Fact>
        <Fact name="Size">{formatBytes(model.sizeBytes)}</Fact>
        <Fact name="Context">
          {model.contextLength === null ? unknown : `${formatCount(model.contextLength)} tokens`}
        </Fact>
        <Fact name="Weights">{formatParameters(model.parameters)}</Fact>
        <Fact name="Family">
          <AgentText text={model.family ?? unknown} />
        </Fact>
        <Fact name="Engine">
          <AgentText text={model.engineId ?? 'None'} />
        </Fact>
        <Fact name="Can do">{model.capabilities.length === 0 ? unknown : model.capabilities.join(', ')}</Fact>
      </dl>
      {model.path !== null && (
        <p className="code mt-3 text-muted">
          <AgentText text={model.path} />
        </p>
      )}
    </Section>
  );
}

function Marks({ model }: { model: ModelSnapshot }): ReactElement {
  return (
    <span className="flex flex-wrap gap-1.5">
      {model.isDefault && <StateBadge word="Default" tone="quiet" icon={Star} />}
      {model.selfTest && <StateBadge word="Self-test" tone="busy" icon={FlaskConical} />}
      {model.problem !== null ? (
        <StateBadge word="Cannot be loaded" tone="wrong" />
      ) : model.loaded ? (
        <StateBadge word="Loaded" tone="well" />
      ) : (
        <StateBadge word="Not loaded" tone="quiet" />
      )}
    </span>
  );
}
