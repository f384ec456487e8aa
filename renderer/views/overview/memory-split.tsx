import { type ReactElement } from 'react';
import { formatBytes } from '../../format/bytes.ts';
import { splitMemory } from '../../format/memory-split.ts';
import { useSnapshot } from '../../panel-context.ts';

const fills = { engine: 'bg-leather', agent: 'bg-sage', rest: 'bg-muted', free: 'bg-transparent' } as const;

/** Who holds the memory: engines, the agent, everything else. */
export function MemorySplit(): ReactElement {
  const memory = useSnapshot((all) => all.system.memory);
  const parts = splitMemory(memory);
  return (
    <div className="mt-3">
      <div aria-hidden className="flex h-2.5 overflow-hidden rounded-sm border border-line">
        {parts.map((part) => (
          <span key={part.id} className={fills[part.id]} style={{ flexBasis: 0, flexGrow: part.bytes }} />
        ))}
      </div>
      <dl className="mt-2 flex flex-wrap gap-x-6 gap-y-1 text-sm">
        {parts.map((part) => (
          <div key={part.id} className="flex items-baseline gap-1.5">
            <dt className="flex items-center gap-1.5 text-muted">
              <span aria-hidden className={`size-2.5 rounded-[2px] border border-muted ${fills[part.id]}`} />
              {part.name}
            </dt>
            <dd>{formatBytes(part.bytes)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
