import type { Trace } from './trace.ts';

/** The most dollars that were set aside for a request, over all tries that left, as they were reckoned before; 0 for none. */
export function setAsideUsd({ candidates, attempts }: Pick<Trace, 'candidates' | 'attempts'>): number {
  return attempts
    .filter(({ outcome }) => outcome !== 'skipped')
    .map((tried) => {
      const planned = candidates.find(
        ({ verdict, upstream, model }) => verdict === 'planned' && upstream === tried.upstream && model === tried.model,
      );
      return planned?.estimate?.worstUsd ?? 0;
    })
    .reduce((sum, usd) => sum + usd, 0);
}
