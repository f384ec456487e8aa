import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usageGroups } from '../../../../electron/contract/cloud.ts';
import { usageExportSchema } from '../../../../electron/contract/control.ts';
import {
  exportAddress,
  orderAfter,
  orderUsage,
  rangeStart,
  slotName,
  timeSlots,
  usageColumns,
  usageName,
  usageSides,
} from '../../../../renderer/format/usage.ts';
import { fakeUsage } from '../../../fakes/fake-control-cloud.ts';

const now = new Date(2026, 10, 22, 15, 20).getTime();
const hour = 3_600_000;

describe('a range', () => {
  it('begins at a full hour, or at a midnight, with what runs now as its last part', () => {
    expect(new Date(rangeStart('24h', now))).toEqual(new Date(2026, 10, 21, 16, 0));
    expect(new Date(rangeStart('7d', now))).toEqual(new Date(2026, 10, 16));
    expect(new Date(rangeStart('30d', now))).toEqual(new Date(2026, 9, 24));
  });

  it('has a slot for every hour or day of it, whether anything came or not', () => {
    const since = rangeStart('24h', now);
    const empty = timeSlots([], { since, until: now, step: 'hour' });
    expect(empty).toHaveLength(24);
    expect(empty.every(({ costUsd, localShare }) => costUsd === 0 && localShare === null)).toBe(true);
    expect(timeSlots([], { since: rangeStart('30d', now), until: now, step: 'day' })).toHaveLength(30);
    expect(timeSlots([], { since: 0, until: now, step: 'hour' })).toHaveLength(1_000);
  });

  it('puts rows where they belong, and nothing of the sum is lost or doubled', () => {
    const since = rangeStart('24h', now);
    const { rows, total } = fakeUsage({
      since: new Date(since).toISOString(),
      until: new Date(now).toISOString(),
      by: 'hour',
    });
    const slots = timeSlots(rows, { since, until: now, step: 'hour' });
    const sum = (pick: (slot: (typeof slots)[number]) => number): number =>
      slots.reduce((all, one) => all + pick(one), 0);
    expect(sum(({ costUsd }) => costUsd)).toBeCloseTo(total.costUsd, 9);
    expect(sum(({ keptLocalUsd }) => keptLocalUsd)).toBeCloseTo(total.keptLocalUsd, 9);
    const [row] = rows;
    if (row === undefined) throw new Error('the fake has no row');
    const odd = timeSlots(
      [
        { ...row, name: 'never' },
        { ...row, name: new Date(since - hour).toISOString() },
      ],
      {
        since,
        until: now,
        step: 'hour',
      },
    );
    expect(odd.every(({ costUsd }) => costUsd === 0)).toBe(true);
  });

  it('names its slots by the clock or by the day', () => {
    expect(slotName(new Date(2026, 10, 22, 9).getTime(), 'hour')).toBe('09:00');
    expect(slotName(new Date(2026, 10, 22).getTime(), 'day')).toBe('Sun 22 Nov');
  });
});

describe('the table', () => {
  const { rows } = fakeUsage({ by: 'model' });

  it('is ordered by any column both ways, with what is unknown last both times', () => {
    const [first, ...rest] = rows;
    if (first === undefined) throw new Error('the fake has no row');
    const some = [{ ...first, name: 'unknown', ttftMs: null }, ...rest];
    for (const { id } of usageColumns) {
      for (const falling of [true, false]) {
        const ordered = orderUsage(some, { column: id, falling });
        expect(ordered).toHaveLength(some.length);
        if (id === 'ttftMs') expect(ordered.at(-1)?.name).toBe('unknown');
      }
    }
    const costs = orderUsage(rows, { column: 'costUsd', falling: true }).map(({ costUsd }) => costUsd);
    expect(costs).toEqual(costs.toSorted((one, other) => other - one));
    expect(orderUsage(rows, { column: 'name', falling: false })[0]?.name).toBe('anthropic/claude-haiku');
  });

  it('turns round on a second click, and begins with the most, names with A', () => {
    expect(orderAfter({ column: 'costUsd', falling: true }, 'costUsd')).toEqual({ column: 'costUsd', falling: false });
    expect(orderAfter({ column: 'costUsd', falling: false }, 'requests')).toEqual({
      column: 'requests',
      falling: true,
    });
    expect(orderAfter({ column: 'costUsd', falling: true }, 'name')).toEqual({ column: 'name', falling: false });
  });

  it('names what has no name', () => {
    for (const by of usageGroups) expect(usageName('', by) === '' && by !== 'route').toBe(false);
    expect(usageName('', 'key')).toBe('No key');
    expect(usageName('(none)', 'persona')).toBe('No persona');
    expect(usageName('local', 'route')).toBe('Here');
    expect(usageName('toString', 'key')).toBe('toString');
  });
});

describe('the sides', () => {
  it('share all requests among them, peers only where there were some', () => {
    const answer = fakeUsage({ by: 'provider' });
    const sides = usageSides(answer);
    expect(sides.map(({ id }) => id)).toEqual(['local', 'peer', 'cloud']);
    expect(sides.reduce((sum, { share }) => sum + (share ?? 0), 0)).toBeCloseTo(1);
    const alone = usageSides({ sides: { ...answer.sides, peer: { ...answer.sides.peer, requests: 0 } } });
    expect(alone.map(({ title }) => title)).toEqual(['Here', 'Cloud']);
  });

  it('know no share before anything was asked', () => {
    const { sides } = fakeUsage({ by: 'provider', since: '2026-11-22T00:00:00Z', until: '2026-11-22T00:00:00Z' });
    expect(usageSides({ sides }).every(({ share }) => share === null)).toBe(true);
  });
});

it('an export is asked for as the agent takes it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4e12 }),
      fc.constantFrom('csv' as const, 'json' as const),
      (since, format) => {
        const [path = '', search = ''] = exportAddress({ since, until: since + 1 }, format).split('?');
        expect(path).toBe('/control/v1/export/usage');
        expect(usageExportSchema.parse(Object.fromEntries(new URLSearchParams(search))).format).toBe(format);
      },
    ),
  );
});
