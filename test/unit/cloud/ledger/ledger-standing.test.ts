import { describe, expect, it } from 'vitest';
import { LedgerStanding } from '../../../../electron/agent/cloud/ledger/ledger-standing.ts';

function opened(): LedgerStanding {
  const standing = new LedgerStanding({ nowMs: 1_000 });
  standing.well('writer');
  standing.openIfWell();
  return standing;
}

describe('whether the ledger is open', () => {
  it('is closed until its writer is there', () => {
    const standing = new LedgerStanding({ nowMs: 1_000 });
    expect(standing.openIfWell()).toBe(false);
    expect(standing.state).toMatchObject({ kind: 'closed', sinceMs: 1_000 });
    standing.well('writer');
    expect([standing.openIfWell(), standing.state]).toEqual([true, { kind: 'open' }]);
    expect(standing.openIfWell()).toBe(false);
  });

  it('closes with the trouble of either part, and opens when both are well', () => {
    const standing = opened();
    expect(standing.ill('journal', 'Full.', 5_000)).toBe(true);
    expect(standing.ill('writer', 'Full too.', 6_000)).toBe(true);
    // Another reason does not make it closed for a shorter time.
    expect(standing.state).toEqual({ kind: 'closed', sentence: 'Full too.', sinceMs: 5_000 });
    expect(standing.ill('writer', 'Full too.', 7_000)).toBe(false);
    standing.well('writer');
    expect(standing.openIfWell()).toBe(false);
    standing.well('journal');
    expect(standing.openIfWell()).toBe(true);
  });

  it('stays closed until what was held back is in the database', () => {
    const standing = opened();
    standing.ill('journal', 'Full.', 5_000);
    standing.well('journal');
    standing.mustReach(17);
    standing.committed(16);
    expect(standing.openIfWell()).toBe(false);
    standing.committed(17);
    expect(standing.openIfWell()).toBe(true);
  });

  it('tells a trouble once for each time it was open', () => {
    const standing = opened();
    expect(standing.isNewTrouble('writer')).toBe(true);
    standing.ill('writer', 'Full.', 1);
    expect(standing.countFailure()).toBe(1);
    expect(standing.isNewTrouble('writer')).toBe(false);
    expect(standing.isNewTrouble('journal')).toBe(true);
    standing.well('writer');
    standing.openIfWell();
    expect([standing.isNewTrouble('writer'), standing.countFailure()]).toEqual([true, 1]);
  });

  it('never opens again once it is being closed', () => {
    const standing = opened();
    expect(standing.close(9_000)).toBe('This node is shutting down.');
    expect(standing.ill('writer', 'Full.', 9_001)).toBe(false);
    standing.well('writer');
    expect(standing.openIfWell()).toBe(false);
    expect(standing.sentence).toBe('This node is shutting down.');
  });
});
