import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootId, isSameBoot } from '../../../../electron/agent/cloud/ledger/boot-id.ts';
import { Lease } from '../../../../electron/agent/cloud/ledger/lease.ts';

describe('the lease', () => {
  it('lets nothing out before it is on disk', () => {
    const lease = new Lease();
    expect(lease.fits(1)).toBe(false);
    expect(lease.fits(0)).toBe(true);
    expect(lease.wanted(1_000)).toBe(500_000_000);
    lease.grant(500_000_000);
    expect(lease.fits(500_000_000)).toBe(true);
    expect(lease.wanted(1_000)).toBeNull();
  });

  it('grows with what is asked of it', () => {
    const lease = new Lease();
    lease.grant(500_000_000);
    expect(lease.wanted(100_000_000)).toBe(800_000_000);
  });

  it('frees what is in the database, and only that', () => {
    const lease = new Lease();
    lease.grant(100);
    lease.take(3, 60);
    lease.take(7, 40);
    expect(lease.fits(1)).toBe(false);
    lease.committed(6);
    expect([lease.outTotal, lease.fits(60), lease.fits(61), lease.isIdle]).toEqual([40, true, false, false]);
    lease.committed(7);
    expect([lease.outTotal, lease.isIdle]).toEqual([0, true]);
  });

  it('never has more out than is granted, however it comes', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('take' as const), worst: fc.nat(400) }),
      fc.record({ kind: fc.constant('commit' as const), back: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(step), (granted, steps) => {
        const lease = new Lease();
        lease.grant(granted);
        let out: { seq: number; worst: number }[] = [];
        let seq = 0;
        for (const action of steps) {
          if (action.kind === 'take') {
            seq += 1;
            if (!lease.fits(action.worst)) continue;
            lease.take(seq, action.worst);
            out.push({ seq, worst: action.worst });
          } else {
            lease.committed(seq - action.back);
            out = out.filter((taken) => taken.seq > seq - action.back);
          }
          expect(lease.outTotal).toBe(out.reduce((sum, { worst }) => sum + worst, 0));
          expect(lease.outTotal).toBeLessThanOrEqual(granted);
        }
      }),
    );
  });
});

describe('the start of the machine', () => {
  it('is the same as long as it runs', () => {
    expect(isSameBoot(bootId(Date.now()), bootId(Date.now()))).toBe(true);
  });

  it.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['start:1000000', 'start:1090000', true],
    ['start:1000000', 'start:1200001', false],
    ['start:1000000', 'a', false],
    ['start:x', 'start:y', false],
  ])('%s and %s: %s', (before, now, same) => {
    expect(isSameBoot(before, now)).toBe(same);
  });
});
