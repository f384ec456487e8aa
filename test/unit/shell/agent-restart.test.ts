import { describe, expect, it } from 'vitest';
import { restartDecision } from '../../../electron/shell/agent-restart.ts';

const nowMs = 1_000_000_000;
const crash = { code: 1, signal: null };

describe('restartDecision', () => {
  it('leaves an agent alone that ended in order', () => {
    expect(restartDecision({ code: 0, signal: null }, [], nowMs)).toEqual({ kind: 'leave' });
  });

  it('starts one again that broke off, later each time, and gives up after five', () => {
    const restarts: number[] = [];
    const delays: number[] = [];
    for (;;) {
      const decision = restartDecision(crash, restarts, nowMs);
      if (decision.kind !== 'restart') {
        expect(decision).toEqual({ kind: 'giveUp' });
        break;
      }
      delays.push(decision.delayMs);
      restarts.push(nowMs);
    }
    expect(delays).toEqual([1_000, 2_000, 5_000, 15_000, 30_000]);
  });

  it('counts a signal as breaking off', () => {
    expect(restartDecision({ code: null, signal: 'SIGKILL' }, [], nowMs).kind).toBe('restart');
  });

  it('forgets restarts of more than ten minutes ago', () => {
    const longAgo = Array.from({ length: 9 }, () => nowMs - 10 * 60_000);
    expect(restartDecision(crash, longAgo, nowMs)).toEqual({ kind: 'restart', delayMs: 1_000 });
  });
});
