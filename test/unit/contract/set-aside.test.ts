import { expect, it } from 'vitest';
import { setAsideUsd } from '../../../electron/contract/set-aside.ts';
import type { TraceAttempt } from '../../../electron/contract/trace.ts';
import { aCandidate } from '../../fixtures/example-trace.ts';

function candidate(upstream: string, worstUsd: number): ReturnType<typeof aCandidate> {
  const { estimate } = aCandidate();
  return aCandidate({ upstream, model: 'big', route: 'cloud', estimate: estimate && { ...estimate, worstUsd } });
}

function tried(upstream: string, outcome: TraceAttempt['outcome']): TraceAttempt {
  return { upstream, model: 'big', atMs: 1, outcome, error: null };
}

it('what was set aside is that of all tries that left', () => {
  const candidates = [
    candidate('vendor', 0.25),
    candidate('other', 0.5),
    aCandidate({ upstream: 'third', model: 'big', verdict: 'rejected' }),
    candidate('unused', 8),
  ];
  const of = (...attempts: TraceAttempt[]) => setAsideUsd({ candidates, attempts });
  expect(of()).toBe(0);
  expect(of(tried('vendor', 'failed'), tried('other', 'answered'))).toBe(0.75);
  expect(of(tried('vendor', 'failed'), tried('other', 'skipped'))).toBe(0.25);
  expect(of(tried('third', 'failed'), tried('nobody', 'failed'))).toBe(0);
});
