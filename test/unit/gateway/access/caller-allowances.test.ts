import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { toAppError } from '../../../../electron/agent/base/errors.ts';
import type { Allowance, LimitedBy } from '../../../../electron/agent/gateway/access/caller.ts';
import { CallerAllowances } from '../../../../electron/agent/gateway/access/caller-allowances.ts';

const by = (limits: Partial<LimitedBy['policy']>, id = 'key:1'): LimitedBy => ({
  id,
  policy: { requestsPerMinute: null, tokensPerMinute: null, concurrency: null, ...limits },
});

function rig() {
  const clock = new ManualClock();
  const settled: [string, number][] = [];
  const allowances = new CallerAllowances({ clock, settled: (id, tokens) => settled.push([id, tokens]) });
  const take = (ids: LimitedBy | readonly LimitedBy[], tokens = 10): Allowance =>
    allowances.take(Array.isArray(ids) ? ids : [ids].flat(), tokens);
  /** Seconds to come back after; null when there is room. */
  const refused = (ids: LimitedBy | readonly LimitedBy[], tokens = 10): number | null => {
    try {
      take(ids, tokens).settle(null);
      return null;
    } catch (error) {
      const { code, context } = toAppError(error);
      expect(code).toBe('key_limit');
      return Number(context['retryAfterS']);
    }
  };
  return { clock, settled, allowances, take, refused };
}

describe('CallerAllowances', () => {
  it('refuses what comes too soon, and takes it after the time that it named', () => {
    const { clock, take, refused } = rig();
    const key = by({ requestsPerMinute: 3 });
    for (let index = 0; index < 3; index += 1) {
      take(key).settle(0);
      clock.advance(10_000);
    }
    const retryAfterS = refused(key);
    expect(retryAfterS).toBe(31);
    clock.advance(30_000);
    expect(refused(key)).toBe(1);
    clock.advance(1_000);
    expect(refused(key)).toBeNull();
  });

  it('never lets more than the limit through in any minute, and names honest times', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 6 }), (steps, limit) => {
        const { clock, refused } = rig();
        const key = by({ requestsPerMinute: limit });
        const passed: number[] = [];
        for (const step of steps) {
          clock.advance(step);
          const wait = refused(key);
          if (wait === null) passed.push(clock.monotonic());
          else {
            clock.advance(wait * 1000);
            expect(refused(key)).toBeNull();
            passed.push(clock.monotonic());
          }
        }
        for (const at of passed) {
          expect(passed.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('lets one that was refused come back at the time it was told, however often', () => {
    const { clock, take, refused } = rig();
    const key = by({ requestsPerMinute: 2 });
    for (let time = 0; time < 20; time += 1) {
      clock.advance(345);
      take(key).settle(0, 5);
      clock.advance(5_000);
    }
    expect(refused(key)).toBeNull();
    expect(refused(key)).toBeNull();
    expect(refused(key)).toBe(61);
  });

  it('refuses one that comes back sooner than it was told, and names that time', () => {
    const { clock, take, refused } = rig();
    const key = by({ requestsPerMinute: 3 });
    for (let time = 0; time < 3; time += 1) take(key).settle(0, 20);
    expect(refused(key)).toBe(20);
    clock.advance(19_999);
    expect(refused(key)).toBe(1);
    clock.advance(1);
    for (let time = 0; time < 3; time += 1) expect(refused(key)).toBeNull();
    expect(refused(key)).not.toBeNull();
  });

  it('counts one that was refused for longer than a minute no longer than any other', () => {
    const { clock, take, refused } = rig();
    const key = by({ requestsPerMinute: 1 });
    take(key).settle(0, 3_600);
    expect(refused(key)).toBe(61);
    clock.advance(61_000);
    expect(refused(key)).toBeNull();
  });

  it('gives only its own place back, also in the second in which another one came', () => {
    const { clock, take, refused } = rig();
    const key = by({ requestsPerMinute: 2 });
    const told = take(key);
    take(key).settle(10);
    told.settle(0, 2);
    clock.advance(2_000);
    expect(refused(key)).toBeNull();
    expect(refused(key)).toBe(59);
    // One that ran so long that it counts no more takes nothing from those after it.
    clock.advance(61_000);
    const long = take(key);
    clock.advance(61_000);
    take(key).settle(10);
    long.settle(0, 1);
    clock.advance(1_000);
    expect(refused(key)).toBeNull();
    expect(refused(key)).not.toBeNull();
  });

  it('never lets more answers through than the limit in any minute, whatever is refused between them', () => {
    const steps = fc.array(
      fc.record({ gap: fc.integer({ min: 0, max: 20_000 }), told: fc.option(fc.integer({ min: 1, max: 90 })) }),
      { minLength: 1, maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, limit) => {
        const { clock, take, refused } = rig();
        const key = by({ requestsPerMinute: limit });
        const answered: number[] = [];
        for (const { gap, told } of all) {
          clock.advance(gap);
          let allowance: Allowance;
          try {
            allowance = take(key);
          } catch (error) {
            clock.advance(Number(toAppError(error).context['retryAfterS']) * 1_000);
            allowance = take(key);
          }
          allowance.settle(told === null ? 10 : 0, told);
          if (told === null) answered.push(clock.monotonic());
        }
        for (const at of answered) {
          expect(answered.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(limit);
        }
        clock.advance(61_000);
        expect(refused(key)).toBeNull();
      }),
      { numRuns: 200 },
    );
  });

  it('books tokens as guessed and puts them right at the end', () => {
    const { clock, take, refused, settled } = rig();
    const key = by({ tokensPerMinute: 1_000 });
    const first = take(key, 900);
    expect(refused(key, 200)).toBe(61);
    first.settle(100);
    first.settle(5_000);
    expect(settled).toEqual([['key:1', 100]]);
    const second = take(key, 800);
    second.settle(900);
    expect(refused(key, 1)).toBe(61);
    clock.advance(61_000);
    expect(refused(key, 1_000)).toBeNull();
  });

  it('keeps the guess when nothing was told, and gives all of it back to what took nothing', () => {
    const { take, refused, settled } = rig();
    const key = by({ tokensPerMinute: 100 });
    take(key, 80).settle(null);
    expect(refused(key, 30)).not.toBeNull();
    expect(settled).toEqual([['key:1', 80]]);
    const other = by({ tokensPerMinute: 100 }, 'key:2');
    take(other, 80).settle(0);
    expect(refused(other, 100)).toBeNull();
  });

  it('takes a request above a whole minute when nothing else is left, and lets it hold up what follows', () => {
    const { clock, take, refused } = rig();
    const key = by({ tokensPerMinute: 1_000 });
    take(key, 3_000).settle(null);
    clock.advance(61_000);
    expect(refused(key, 1)).toBe(122);
    clock.advance(122_000);
    expect(refused(key, 1_000)).toBeNull();
    // What it did not take after all is given back, the last minute first.
    const other = by({ tokensPerMinute: 1_000 }, 'key:2');
    take(other, 3_000).settle(1_500);
    clock.advance(61_000);
    expect(refused(other, 500)).toBeNull();
  });

  it('frees a place at the end of a request, and says when that should be', () => {
    const { clock, take, refused } = rig();
    const key = by({ concurrency: 2 });
    const first = take(key);
    clock.advance(20_000);
    first.settle(null);
    const running = [take(key), take(key)];
    expect(refused(key)).toBe(20);
    clock.advance(15_000);
    expect(refused(key)).toBe(5);
    running[0]?.settle(null);
    expect(refused(key)).toBeNull();
  });

  it('does not take a refusal further on for a short answer', () => {
    const { clock, take, refused } = rig();
    const key = by({ concurrency: 1 });
    const first = take(key);
    clock.advance(30_000);
    first.settle(500);
    for (let index = 0; index < 10; index += 1) take(key).settle(0);
    take(key);
    expect(refused(key)).toBe(30);
  });

  it('books nothing anywhere when one of the limits refuses', () => {
    const { take, refused } = rig();
    const key = by({ requestsPerMinute: 2, concurrency: 1 });
    const persona = by({ requestsPerMinute: 1 }, 'persona:coach');
    take(persona).settle(0);
    for (let index = 0; index < 5; index += 1) expect(refused([key, persona])).not.toBeNull();
    take(key).settle(0);
    take(key).settle(0);
    expect(refused(key)).not.toBeNull();
  });

  it('names the longest of the waits and whose limit it is', () => {
    const { clock, take, allowances } = rig();
    const key = by({ requestsPerMinute: 1 });
    const persona = by({ requestsPerMinute: 1 }, 'persona:coach');
    take(key).settle(0);
    clock.advance(30_000);
    take(persona).settle(0);
    expect(() => allowances.take([key, persona], 0)).toThrow('The persona coach may send 1 request a minute.');
  });

  it('shares no limit between two keys', () => {
    const { take, refused } = rig();
    take(by({ requestsPerMinute: 1 })).settle(0);
    expect(refused(by({ requestsPerMinute: 1 }, 'key:2'))).toBeNull();
  });

  it('forgets keys that have been idle for a minute', () => {
    const { clock, take, allowances } = rig();
    for (let index = 0; index < 2_000; index += 1) {
      clock.advance(500);
      take(by({ requestsPerMinute: 5, tokensPerMinute: 100 }, `key:${index}`)).settle(3);
    }
    expect(allowances.size).toBeLessThan(300);
  });
});
