import { type ReactElement } from 'react';
import { type ModelFit } from '../../electron/contract/snapshot.ts';
import { formatBytes } from '../format/bytes.ts';
import { fitBar } from '../format/fit.ts';

/** What a model needs of the memory, term by term, against what is free. */
export function FitBar({ fit, legend }: { fit: ModelFit; legend: boolean }): ReactElement {
  const bar = fitBar(fit);
  const over = bar.freeShare < 0.9995;
  return (
    <div>
      <div role="img" aria-label={bar.text} className="fit-bar">
        {bar.parts.map((part) => (
          <span key={part.id} className={`fit-${part.id}`} style={{ width: `${(part.share * 100).toFixed(2)}%` }} />
        ))}
        {over && <span className="fit-over" style={{ left: `${(bar.freeShare * 100).toFixed(2)}%` }} />}
      </div>
      {legend && (
        <ul aria-hidden className="mt-1.5 flex flex-wrap gap-x-4 gap-y-0.5 text-sm text-muted">
          {bar.parts.map((part) => (
            <li key={part.id} className="flex items-center gap-1.5">
              <span className={`fit-dot fit-${part.id}`} />
              {part.name} <span className="text-ink">{formatBytes(part.bytes)}</span>
            </li>
          ))}
          <li className="ml-auto">
            Needs <span className="text-ink">{formatBytes(fit.neededBytes)}</span>,{' '}
            <span className="text-ink">{formatBytes(fit.freeBytes)}</span> free
          </li>
        </ul>
      )}
    </div>
  );
}
