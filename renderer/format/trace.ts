import { type Trace, type TraceCandidate } from '../../electron/contract/trace.ts';
import { formatCount } from './numbers.ts';
import { formatLatency } from './time.ts';

const ceilings: Readonly<Record<Trace['ceiling'], string>> = {
  local: 'This machine only',
  ranch: 'No further than the ranch',
  cloud: 'Anywhere, the cloud too',
};

export function ceilingWords(ceiling: Trace['ceiling']): string {
  return ceilings[ceiling];
}

const priorities: Readonly<Record<Trace['priority'], string>> = { low: 'Low', normal: 'Normal', high: 'High' };

export function priorityWord(priority: Trace['priority']): string {
  return priorities[priority];
}

/** The candidate whose answer the caller got; null where nobody answered, or nobody that was planned. */
export function chosenOf(trace: Pick<Trace, 'candidates' | 'upstream' | 'model'>): TraceCandidate | null {
  const planned = trace.candidates.filter(
    ({ verdict, upstream }) => verdict === 'planned' && upstream === trace.upstream,
  );
  return planned.find(({ model }) => model === trace.model) ?? planned[0] ?? null;
}

/** One figure as it was expected and as it came; the shares, 0–1 of the larger one, are for bars. */
export interface Comparison {
  readonly name: string;
  readonly expected: string;
  readonly actual: string;
  readonly expectedShare: number;
  readonly actualShare: number;
  /** Such as "2.1 × as long"; null where it came about as expected, or is not known. */
  readonly difference: string | null;
}

/** What the router expected of the upstream that answered, beside what came. Empty where nobody answered. */
export function comparisons(trace: Trace): Comparison[] {
  const estimate = chosenOf(trace)?.estimate ?? null;
  if (estimate === null) return [];
  const { queuedMs, ttftMs, durationMs, promptTokens, cachedTokens } = trace;
  const held = trace.state === 'done' ? durationMs - queuedMs : null;
  return [
    compared('Wait for a slot', estimate.waitMs, queuedMs, formatLatency, 'long'),
    compared('First token', estimate.ttftMs, ttftMs, formatLatency, 'long'),
    compared('Slot held', estimate.serviceMs, held, formatLatency, 'long'),
    compared('Prompt tokens', estimate.promptTokens, promptTokens, formatCount, 'many'),
    compared('Of them cached', estimate.cachedTokens, cachedTokens, formatCount, 'many'),
  ];
}

function compared(
  name: string,
  expected: number,
  actual: number | null,
  format: (value: number | null) => string,
  measure: 'long' | 'many',
): Comparison {
  const most = Math.max(expected, actual ?? 0);
  const share = (value: number): number => (most <= 0 ? 0 : Math.max(0, value) / most);
  return {
    name,
    expected: format(expected),
    actual: format(actual),
    expectedShare: share(expected),
    actualShare: share(actual ?? 0),
    difference: actual === null ? null : times(expected, actual, measure),
  };
}

/** Differences that nobody would notice are none: below a quarter, and times that are both next to nothing. */
function times(expected: number, actual: number, measure: 'long' | 'many'): string | null {
  if (expected <= 0 || actual <= 0 || (measure === 'long' && Math.max(expected, actual) < 20)) return null;
  const factor = actual / expected;
  if (factor > 0.75 && factor < 1.25) return null;
  return `${factor.toFixed(factor < 10 ? 1 : 0)} × as ${measure}`;
}
