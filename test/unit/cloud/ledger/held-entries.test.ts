import { describe, expect, it } from 'vitest';
import { HeldEntries } from '../../../../electron/agent/cloud/ledger/held-entries.ts';
import { JournalDebt } from '../../../../electron/agent/cloud/ledger/journal-debt.ts';
import { aRow, aSettlement } from './examples.ts';

describe('what could not be written yet', () => {
  it('F16 keeps all money, and as many requests as fit', () => {
    const held = new HeldEntries({ mostRequests: 2 });
    for (const trace of ['a', 'b', 'c']) {
      held.hold({ kind: 'request', row: aRow({ trace }) });
      held.hold({ kind: 'settle', charge: aSettlement({ id: `${trace}#0` }), of: null });
    }
    expect([held.size, held.dropped]).toEqual([5, 1]);
    expect(held.oldest(3).map(({ kind }) => kind)).toEqual(['request', 'settle', 'request']);
    held.written(3);
    expect(held.oldest(9).map(({ kind }) => kind)).toEqual(['settle', 'settle']);
    held.hold({ kind: 'request', row: aRow() });
    held.hold({ kind: 'request', row: aRow() });
    expect([held.size, held.dropped]).toEqual([4, 1]);
  });
});

describe('how much of the journal is not in the database', () => {
  it('falls to nothing when all is', () => {
    const debt = new JournalDebt();
    for (let seq = 1; seq <= 100; seq += 1) debt.add(seq, 10_000);
    expect(debt.bytes).toBe(1_000_000);
    debt.committed(50);
    expect(debt.bytes).toBeGreaterThanOrEqual(500_000);
    expect(debt.bytes).toBeLessThan(600_000);
    debt.committed(100);
    expect(debt.bytes).toBe(0);
  });
});
