import { useState, type ReactElement } from 'react';
import { Section } from '../../components/section.tsx';
import { plainLine } from '../../format/plain-text.ts';
import { type ModelGroup } from '../../format/model-list.ts';
import { useConnection } from '../../panel-context.ts';
import { Chooser } from './chooser.tsx';
import { ModelRow } from './model-row.tsx';

/** A model with its variants that are here. */
export function ModelGroupCard({ group }: { group: ModelGroup }): ReactElement {
  const [choosing, setChoosing] = useState(false);
  const live = useConnection((state) => state.connection.phase === 'live');
  const [first] = group.models;
  const selfTest = first?.selfTest === true;
  return (
    <Section
      title={group.group}
      aside={
        first !== undefined &&
        !selfTest && (
          <button
            type="button"
            className="button"
            disabled={!live}
            aria-label={`Choose quantization of ${plainLine(group.group)}`}
            onClick={() => setChoosing(true)}
          >
            Choose quantization…
          </button>
        )
      }
    >
      {selfTest && (
        <p className="mb-3 text-muted">
          It proves the path from a question to an answer: it says one fixed sentence and knows nothing.
        </p>
      )}
      <div className="divide-y divide-line">
        {group.models.map((model) => (
          <ModelRow key={`${model.engineId ?? ''} ${model.id}`} model={model} />
        ))}
      </div>
      {choosing && first !== undefined && (
        <Chooser group={group.group} model={first.id} onClose={() => setChoosing(false)} />
      )}
    </Section>
  );
}
