export type Verdict = 'ok' | 'warning' | 'problem';

/** One thing that was looked at. `fix` says what to do; null when there is nothing to do. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly fix: string | null;
}

interface Named {
  readonly id: string;
  readonly title: string;
}

export function ok(is: Named, reason: string): Check {
  return { ...is, verdict: 'ok', reason, fix: null };
}

export function warning(is: Named, reason: string, fix: string | null): Check {
  return { ...is, verdict: 'warning', reason, fix };
}

export function problem(is: Named, reason: string, fix: string): Check {
  return { ...is, verdict: 'problem', reason, fix };
}
