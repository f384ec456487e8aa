import { FlaskConical, Pin, Star } from 'lucide-react';
import { useId, type ReactElement } from 'react';
import { type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { FitBar } from '../../components/fit-bar.tsx';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { Fact } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { verdictWord } from '../../format/fit.ts';
import { contextWords, prefillWords, speedWords, whyNotUsable, type SpeedWords } from '../../format/model-list.ts';
import { formatParameters, unknown } from '../../format/numbers.ts';
import { plainLine } from '../../format/plain-text.ts';
import { formatAgo, parseTime } from '../../format/time.ts';
import { useConnection, useSnapshot } from '../../panel-context.ts';
import { ModelButtons } from './model-buttons.tsx';

/** One variant of a model: how it stands, what it needs, how fast it is, and what may be done with it. */
export function ModelRow({ model }: { model: ModelSnapshot }): ReactElement {
  const headingId = useId();
  const reasonId = useId();
  const reason = whyNotUsable(model);
  return (
    <article aria-labelledby={headingId} className="row-lazy py-4 first:pt-0 last:pb-1">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h3 id={headingId} className="flex min-w-0 flex-wrap items-baseline gap-x-3 font-sans! font-semibold">
          <span className="sr-only">{plainLine(model.id)}, </span>
          <AgentText text={model.quantization ?? 'Quantization not known'} />
          <span className="font-normal text-muted">{formatBytes(model.sizeBytes)}</span>
        </h3>
        <Marks model={model} />
      </div>
      <LoadProgress model={model} />
      <RowFacts model={model} />
      {model.fit !== null && !model.selfTest && (
        <div className="mt-3">
          <FitBar fit={model.fit} legend />
        </div>
      )}
      <Reason id={reasonId} model={model} reason={reason} />
      <ModelButtons model={model} reason={reason} reasonId={reasonId} />
      <Details model={model} />
    </article>
  );
}

function Marks({ model }: { model: ModelSnapshot }): ReactElement {
  const verdict = model.fit === null ? null : verdictWord(model.fit.verdict);
  return (
    <span className="flex flex-wrap gap-1.5">
      {model.isDefault && <StateBadge word="In use" tone="quiet" icon={Star} />}
      {model.pinned && <StateBadge word="Pinned" tone="quiet" icon={Pin} />}
      {model.selfTest && <StateBadge word="Self-test" tone="busy" icon={FlaskConical} />}
      {model.problem !== null ? (
        <StateBadge word="Cannot be loaded" tone="wrong" />
      ) : model.state === 'loaded' ? (
        <StateBadge word="Loaded" tone="well" />
      ) : model.state === 'loading' ? (
        <StateBadge word="Loading" tone="busy" />
      ) : model.state === 'unloading' ? (
        <StateBadge word="Being unloaded" tone="busy" />
      ) : verdict === null || model.selfTest ? (
        <StateBadge word="Not loaded" tone="quiet" />
      ) : (
        <StateBadge word={verdict.word} tone={verdict.tone} />
      )}
    </span>
  );
}

/** While it comes into memory; its share is known only where the switch tells it. */
function LoadProgress({ model }: { model: ModelSnapshot }): ReactElement | null {
  const progress = useSnapshot(({ switching }) =>
    switching?.to === model.id && switching.phase === 'loading' ? switching.progress : null,
  );
  if (model.state !== 'loading') return null;
  return (
    <div className="mt-2">
      <ProgressBar label={`Loading ${plainLine(model.id)}`} share={progress} />
    </div>
  );
}

function RowFacts({ model }: { model: ModelSnapshot }): ReactElement {
  const lastUsed = parseTime(model.lastUsedAt);
  // The words, not the time: of hundreds of rows only those are drawn anew whose words change.
  const ago = useConnection(({ receivedAt }) => (lastUsed === null ? 'Not yet' : formatAgo(lastUsed, receivedAt)));
  return (
    <dl className="mt-2.5 grid grid-cols-2 gap-x-6 gap-y-2.5 sm:grid-cols-4">
      <Fact name="Answers">
        <Speed speed={speedWords(model)} />
      </Fact>
      <Fact name="Reads prompts">
        <Speed speed={prefillWords(model)} />
      </Fact>
      <Fact name="Context, tokens">{contextWords(model) ?? unknown}</Fact>
      <Fact name="Last used">{ago}</Fact>
    </dl>
  );
}

function Speed({ speed }: { speed: SpeedWords | null }): ReactElement {
  if (speed === null) return <span className="text-muted">Not measured yet</span>;
  return (
    <>
      {speed.figure} <span className="block text-sm text-muted">{speed.note}</span>
    </>
  );
}

/** Why it cannot be used, or what has to go first. */
function Reason(props: { id: string; model: ModelSnapshot; reason: string | null }): ReactElement | null {
  const { model, reason } = props;
  if (reason !== null) {
    return (
      <p id={props.id} className="mt-3 text-barn">
        <AgentText text={reason} />
      </p>
    );
  }
  const verdict = model.fit?.verdict;
  if (model.fit === null || model.state !== 'idle' || (verdict !== 'tight' && verdict !== 'after-unload')) return null;
  return (
    <p className="mt-3 text-hay">
      <AgentText text={model.fit.sentence} />
    </p>
  );
}

function Details({ model }: { model: ModelSnapshot }): ReactElement {
  return (
    <details className="mt-2">
      <summary className="w-fit cursor-pointer py-1 text-sm text-muted">Where it is, and more</summary>
      <dl className="mt-2 grid gap-x-6 gap-y-2.5 sm:grid-cols-4">
        <div className="sm:col-span-4">
          <Fact name="Id that programs put into “model”">
            <Copyable text={model.id} label={`Copy the id ${plainLine(model.id)}`} />
          </Fact>
        </div>
        <Fact name="Weights">{formatParameters(model.parameters)}</Fact>
        <Fact name="Family">
          <AgentText text={model.family ?? unknown} />
        </Fact>
        <Fact name="Engines">
          <AgentText text={model.engines.length === 0 ? 'None here' : model.engines.join(', ')} />
        </Fact>
        <Fact name="Can do">{model.capabilities.length === 0 ? unknown : model.capabilities.join(', ')}</Fact>
        <LongFact name="File" value={model.path ?? 'Kept by its engine'} />
        {model.origin !== null && <LongFact name="Came from" value={model.origin} />}
        {model.digest !== null && <LongFact name="Digest" value={model.digest} />}
      </dl>
    </details>
  );
}

function LongFact({ name, value }: { name: string; value: string }): ReactElement {
  return (
    <div className="min-w-0 sm:col-span-4">
      <Fact name={name}>
        <span className="code">
          <AgentText text={value} />
        </span>
      </Fact>
    </div>
  );
}
