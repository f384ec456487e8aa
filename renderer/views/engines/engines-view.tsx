import { type ReactElement } from 'react';
import { type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { SwitchBand } from '../../components/switch-band.tsx';
import { useQuestion } from '../../components/use-question.ts';
import { unlistedKinds } from '../../format/installs.ts';
import { useSnapshot } from '../../panel-context.ts';
import { AbsentEngine } from './absent-engine.tsx';
import { EngineCard } from './engine-card.tsx';
import { Readiness } from './readiness.tsx';

/** The engines of this node: how each is, how it got there, and what it says; and those that could be here. */
export function EnginesView(): ReactElement {
  const engines = useSnapshot((all) => all.engines);
  const node = useSnapshot((all) => all.node);
  // An engine that comes or goes begins or ends an outage; nothing else does.
  const news = engines.map(({ id, state }) => `${id} ${state}`).join();
  const { answer, failure } = useQuestion('availability', {}, news);
  const present = engines.filter(({ state }) => state !== 'absent');
  const absent = engines.filter(({ state }) => state === 'absent');
  const unlisted = unlistedKinds(engines);
  return (
    <>
      <h1 className="mb-5 text-2xl sm:text-3xl">Engines</h1>
      <SwitchBand />
      <div className="grid gap-5">
        {present.length === 0 && (
          <p className="card">No engine is at work on this node. Install one of those below, or start your own.</p>
        )}
        {present.toSorted(worstFirst).map((engine) => (
          <EngineCard key={engine.id} engine={engine} alone={present.length === 1} readiness={answer} />
        ))}
        <Readiness
          title="Ready to answer: the node"
          availability={node.availability}
          engineId={null}
          answer={answer}
          failure={failure}
        />
        {absent.length + unlisted.length > 0 && <h2 className="mt-3 text-xl">Could be here too</h2>}
        {absent.map((engine) => (
          <AbsentEngine key={engine.id} kind={engine.kind} engine={engine} />
        ))}
        {unlisted.map((kind) => (
          <AbsentEngine key={kind} kind={kind} engine={null} />
        ))}
      </div>
    </>
  );
}

/** What needs someone comes first; the agent's own order otherwise. */
function worstFirst(one: EngineSnapshot, other: EngineSnapshot): number {
  return Number(needsSomeone(other)) - Number(needsSomeone(one));
}

function needsSomeone({ state }: EngineSnapshot): boolean {
  return state === 'failed' || state === 'conflict';
}
