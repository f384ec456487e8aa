import { describe, expect, it } from 'vitest';
import { accessNotices, type AccessFacts } from '../../../../electron/agent/gateway/access/access-notices.ts';

const facts: AccessFacts = {
  problem: null,
  wanted: 'loopback',
  scope: 'loopback',
  keysTotal: 0,
  startedAt: '2026-11-22T12:00:00.000Z',
};

describe('accessNotices', () => {
  it('says nothing while all is as the settings want it', () => {
    expect(accessNotices(facts)).toEqual([]);
    expect(accessNotices({ ...facts, wanted: 'lan', scope: 'lan', keysTotal: 1 })).toEqual([]);
  });

  it('says that the network waits for the first key', () => {
    expect(accessNotices({ ...facts, wanted: 'lan' })).toMatchObject([
      { id: 'lan-not-listening', severity: 'warning', fix: { kind: 'terminal', line: 'ranch-hand keys add NAME' } },
    ]);
    expect(accessNotices({ ...facts, wanted: 'lan', keysTotal: 1 })).toMatchObject([{ fix: null }]);
  });

  it('says aloud that the keys cannot be read', () => {
    const problem = { sentence: 'It is damaged.', since: '2026-11-22T11:00:00.000Z' };
    expect(accessNotices({ ...facts, problem })).toMatchObject([
      { id: 'keys-unreadable', severity: 'problem', sentence: 'It is damaged.', since: problem.since },
    ]);
  });
});
