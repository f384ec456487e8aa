import { Plus } from 'lucide-react';
import { type ReactElement } from 'react';
import { SwitchBand } from '../../components/switch-band.tsx';
import { groupModels } from '../../format/model-list.ts';
import { useSnapshot } from '../../panel-context.ts';
import { GetModel, referenceFieldId } from './get-model.tsx';
import { ModelGroupCard } from './model-group.tsx';
import { Pulls, PullsLink } from './pulls.tsx';

/** What this node can answer with, what is on its way here, and how to get more. */
export function ModelsView(): ReactElement {
  const models = useSnapshot((all) => all.models);
  const groups = groupModels(models);
  return (
    <>
      <div className="mb-5 flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-2xl sm:text-3xl">Models</h1>
        <span className="flex flex-wrap gap-2">
          <PullsLink />
          <button type="button" className="button" onClick={() => document.getElementById(referenceFieldId)?.focus()}>
            <Plus aria-hidden size={16} />
            Get another model
          </button>
        </span>
      </div>
      <SwitchBand />
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_23rem]">
        <div className="grid gap-5">
          {groups.length === 0 ? (
            <p className="card">No model is here yet. Name one under “Get another model”, and it is fetched.</p>
          ) : (
            groups.map((group) => (
              <ModelGroupCard key={`${group.group} ${String(group.models[0]?.selfTest)}`} group={group} />
            ))
          )}
        </div>
        <div className="grid gap-5">
          <Pulls />
          <GetModel />
        </div>
      </div>
    </>
  );
}
