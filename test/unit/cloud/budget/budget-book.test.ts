import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import type { BudgetAsk } from '../../../../electron/agent/cloud/budget/budget-ask.ts';
import { BudgetBook } from '../../../../electron/agent/cloud/budget/budget-book.ts';
import { BudgetClock } from '../../../../electron/agent/cloud/budget/budget-clock.ts';
import { BudgetSums } from '../../../../electron/agent/cloud/budget/budget-sums.ts';
import { nanosFrom } from '../../../../electron/agent/cloud/prices/cost.ts';
import type { CloudSettings } from '../../../../electron/contract/cloud.ts';
import { cloudSettings } from '../cloud-settings.ts';

const noonMs = Date.UTC(2026, 10, 22, 12);
const hourMs = 3_600_000;
const scope = { provider: 'anthropic', model: 'opus', caller: 'k1', key: 'laptop', persona: null };

type Change = Omit<Partial<BudgetAsk>, 'scope'> & { usd?: number; scope?: Partial<BudgetAsk['scope']> };

function ask({ usd = 0.62, scope: own = {}, ...change }: Change = {}): BudgetAsk {
  const plain = { worst: nanosFrom(usd), worstTokens: 1_000, isElective: false, dollarsPerDay: null } as const;
  return { ...plain, ...change, scope: { ...scope, ...own } };
}

function bookWith(settings: CloudSettings) {
  const wall = new ManualClock(noonMs);
  const clock = new BudgetClock(wall);
  const held = { settings };
  const sums = new BudgetSums({ settings: () => held.settings }, { clock });
  const book = new BudgetBook({ settings: () => held.settings }, { clock, sums });
  const spend = (usd: number, change: Change = {}): void => {
    sums.add(ask(change).scope, { cost: nanosFrom(usd), tokens: change.worstTokens ?? 1_000 });
  };
  return { wall, clock, sums, book, spend, held };
}

const aDay = (limit: number, change: object = {}) => ({ scope: 'all', period: 'day', limit, ...change }) as const;

describe('BudgetBook', () => {
  it('says what is left, what it may cost and when it opens again', () => {
    const { book, spend } = bookWith(cloudSettings({ budgets: [aDay(10)] }));
    spend(9.6);
    expect(book.check(ask())).toEqual({
      sentence: '$0.40 of $10.00 a day is left; this may cost $0.62. It opens again at 00:00.',
      untilMs: Date.UTC(2026, 10, 23),
    });
    expect(book.check(ask({ usd: 0.4 }))).toBeNull();
  });

  it('says for whom the budget is', () => {
    const { book, spend } = bookWith(cloudSettings({ budgets: [aDay(1, { scope: 'key:laptop' })] }));
    spend(0.5);
    expect(book.check(ask())?.sentence).toBe(
      '$0.50 of $1.00 a day for the key laptop is left; this may cost $0.62. It opens again at 00:00.',
    );
    expect(book.check(ask({ scope: { key: 'other' } }))).toBeNull();
    expect(book.check(ask({ scope: { key: null } }))).toBeNull();
  });

  it('knows that time brings no money for what costs more than the whole limit', () => {
    const { book } = bookWith(cloudSettings({ budgets: [aDay(0.5)] }));
    const found = book.check(ask());
    expect(found?.untilMs).toBeNull();
    expect(found?.sentence).toContain('shorter answer');
  });

  it('sends back soon those who only requests under way stand in the way of', () => {
    const { book } = bookWith(cloudSettings({ budgets: [aDay(1)] }));
    expect(book.reserve('a', ask())).toBeNull();
    expect(book.reserve('b', ask())).toMatchObject({ untilMs: noonMs + 10_000 });
    book.release('a');
    expect(book.reserve('b', ask())).toBeNull();
  });

  it('counts each scope by itself', () => {
    const scopes = ['all', 'provider:anthropic', 'model:anthropic/opus', 'key:laptop', 'persona:poet'];
    for (const name of scopes) {
      const { book, spend } = bookWith(cloudSettings({ budgets: [aDay(1, { scope: name })] }));
      spend(1, { scope: { provider: 'openai', model: 'x', key: 'other', persona: 'other' } });
      const here = ask({ scope: { persona: 'poet' } });
      expect(book.check(here) === null, name).toBe(name !== 'all');
      spend(1, { scope: { persona: 'poet' } });
      expect(book.check(here), name).not.toBeNull();
    }
  });

  it('holds what a caller may spend a day, beside the budgets', () => {
    const { book, spend, wall } = bookWith(cloudSettings({ budgets: [] }));
    spend(1.5);
    expect(book.check(ask({ dollarsPerDay: 2 }))?.sentence).toContain('for this caller');
    expect(book.check(ask({ dollarsPerDay: 2, scope: { caller: 'k2' } }))).toBeNull();
    expect(book.check(ask())).toBeNull();
    wall.advance(12 * hourMs);
    expect(book.check(ask({ dollarsPerDay: 2 }))).toBeNull();
  });

  it('tells the daily dollars of keys and personas that asked today, apart from budgets of the same name', () => {
    const { book, spend, wall } = bookWith(cloudSettings({ budgets: [aDay(9, { scope: 'key:laptop' })] }));
    const asked = ask({ dollarsPerDay: 2, personaDollarsPerDay: 3, scope: { persona: 'poet' } });
    expect(book.check(asked)).toBeNull();
    spend(2, { scope: { persona: 'poet' } });
    expect(book.rows()).toMatchObject([
      { scope: 'key:laptop', limit: 9, spent: 2, state: 'open' },
      { scope: 'own-key:laptop', limit: 2, spent: 2, state: 'closed', period: 'day', unit: 'usd' },
      { scope: 'own-persona:poet', limit: 3, spent: 2, state: 'open' },
    ]);
    book.check({ ...asked, dollarsPerDay: null });
    expect(book.rows().map(({ scope: name }) => name)).toEqual(['key:laptop', 'own-persona:poet']);
    wall.advance(12 * hourMs);
    expect(book.rows()).toMatchObject([{ scope: 'key:laptop' }]);
  });

  it('tells the last few of many keys with daily dollars, and holds all', () => {
    const { book, spend } = bookWith(cloudSettings({ budgets: [] }));
    for (let index = 0; index < 500; index += 1) {
      book.check(ask({ dollarsPerDay: 1, scope: { caller: `k${index}`, key: `key-${index}` } }));
    }
    expect(book.rows()).toHaveLength(32);
    expect(book.rows().some(({ scope: name }) => name === 'own-key:key-499')).toBe(true);
    spend(1, { scope: { caller: 'k0', key: 'key-0' } });
    expect(book.check(ask({ dollarsPerDay: 1, scope: { caller: 'k0', key: 'key-0' } }))).not.toBeNull();
  });

  it('holds what all who name a persona may spend a day together, and nothing else of theirs', () => {
    const { book, spend } = bookWith(cloudSettings({ budgets: [] }));
    const poet = (caller: string): BudgetAsk =>
      ask({ personaDollarsPerDay: 2, scope: { caller, key: caller, persona: 'poet' } });
    spend(5, { scope: { caller: 'k1' } });
    expect(book.check(poet('k1'))).toBeNull();
    spend(0.75, { scope: { caller: 'k1', persona: 'poet' } });
    spend(0.75, { scope: { caller: 'k2', persona: 'poet' } });
    expect(book.check(poet('k3'))?.sentence).toContain('for the persona poet');
  });

  it('counts tokens where a budget counts tokens', () => {
    const { book, spend } = bookWith(cloudSettings({ budgets: [aDay(10_000, { unit: 'tokens' })] }));
    spend(500, { worstTokens: 9_500 });
    expect(book.check(ask())?.sentence).toBe(
      '500 of 10,000 tokens a day are left; this may take 1,000. It opens again at 00:00.',
    );
    expect(book.check(ask({ worstTokens: 500 }))).toBeNull();
  });

  it('counts a share of a provider’s week from the day and hour on which its quota begins', () => {
    const quota = { tokensPerWeek: 100_000, resetDay: 3, resetHour: 9 };
    const budget = { scope: 'provider:anthropic', period: 'week', unit: 'percent', limit: 50, softLimit: 25 } as const;
    const { book, spend, wall } = bookWith(cloudSettings({ providers: { anthropic: { quota } }, budgets: [budget] }));
    spend(1, { worstTokens: 49_500 });
    expect(book.check(ask())).toEqual({
      sentence:
        "0.5 % of 50 % of a week's quota for the provider anthropic is left; this may take 1 %. It opens again on Wednesday at 09:00.",
      untilMs: Date.UTC(2026, 10, 25, 9),
    });
    expect(book.rows()).toMatchObject([{ spent: 49.5, limit: 50, unit: 'percent', state: 'soft' }]);
    wall.advance(2 * 24 * hourMs + 21 * hourMs);
    expect(book.check(ask())).toBeNull();
  });

  it.each([
    ['provider:anthropic', 'cloud.providers.anthropic.quota'],
    ['all', 'provider:ID'],
  ])('spends nothing under a share of a quota that nobody has set: %s', (name, mend) => {
    const { book } = bookWith(cloudSettings({ budgets: [aDay(50, { scope: name, unit: 'percent' })] }));
    expect(book.check(ask())).toMatchObject({ untilMs: null });
    expect(book.check(ask())?.sentence).toContain(mend);
    expect(book.rows()[0]?.state).toBe('closed');
  });

  it('keeps what nobody asked the cloud for local from the soft limit on, and nothing else', () => {
    const { book, spend } = bookWith(cloudSettings({ budgets: [aDay(10, { softLimit: 8 })] }));
    expect(book.check(ask({ isElective: true }))).toBeNull();
    spend(8);
    expect(book.check(ask({ isElective: true }))?.sentence).toBe(
      '$8.00 of $10.00 a day is used, and from $8.00 on only what asks for the cloud goes there, by high priority, by ranch/quality, by a purpose or by naming its model; all else stays local. It opens again at 00:00.',
    );
    expect(book.check(ask())).toBeNull();
    expect(book.rows()).toMatchObject([{ state: 'soft', spent: 8, softLimit: 8 }]);
  });

  it('names the reason that holds longest', () => {
    const month = { scope: 'all', period: 'month', limit: 2 } as const;
    const { book, spend } = bookWith(cloudSettings({ budgets: [aDay(1), month, { ...month, period: 'hour' }] }));
    spend(2);
    expect(book.check(ask())?.sentence).toContain('a month');
  });

  it('holds a changed budget at once, and knows what was spent before under it', () => {
    const { book, spend, held } = bookWith(cloudSettings({ budgets: [] }));
    spend(5);
    expect(book.check(ask())).toBeNull();
    held.settings = cloudSettings({ budgets: [{ scope: 'model:anthropic/opus', period: 'month', limit: 5.5 }] });
    expect(book.check(ask())).not.toBeNull();
    held.settings = cloudSettings({ budgets: [] });
    expect(book.check(ask())).toBeNull();
  });

  it('goes by the new time zone at once', () => {
    const { book, spend, held, wall } = bookWith(cloudSettings({ budgets: [aDay(1)] }));
    spend(1);
    wall.advance(11.5 * hourMs);
    expect(book.check(ask())).not.toBeNull();
    held.settings = cloudSettings({ budgets: [aDay(1)], timeZone: 'Europe/Berlin' });
    expect(book.check(ask())).toBeNull();
  });

  it('opens with each period', () => {
    for (const [period, hours] of [
      ['hour', 1],
      ['day', 12],
      ['week', 12],
      ['month', 9 * 24 - 12],
    ] as const) {
      const { book, spend, wall } = bookWith(cloudSettings({ budgets: [{ scope: 'all', period, limit: 1 }] }));
      spend(1);
      wall.advance(hours * hourMs - 1);
      expect(book.check(ask()), period).not.toBeNull();
      wall.advance(1);
      expect(book.check(ask()), period).toBeNull();
    }
  });

  it('F22 keeps a closed period closed when the clock goes a day ahead and back', () => {
    const { book, spend, wall } = bookWith(cloudSettings({ budgets: [aDay(1)] }));
    spend(1);
    wall.setWallTime(noonMs + 24 * hourMs);
    expect(book.check(ask())).toBeNull();
    spend(1);
    wall.setWallTime(noonMs);
    expect(book.check(ask())).not.toBeNull();
    wall.advance(11 * hourMs);
    expect(book.check(ask())).not.toBeNull();
    wall.advance(hourMs);
    expect(book.check(ask())).toBeNull();
  });

  it('books what a provider billed beyond the reservation, and once only', () => {
    const { book } = bookWith(cloudSettings({ budgets: [aDay(1)] }));
    book.reserve('a', ask());
    book.settle('a', { cost: nanosFrom(1.2), tokens: 5 });
    book.settle('a', { cost: nanosFrom(1.2), tokens: 5 });
    book.release('a');
    expect(book.rows()).toMatchObject([{ spent: 1.2, reserved: 0, state: 'closed' }]);
  });

  it('keeps the periods closed in which the ledger was lost, until the operator counts from here', () => {
    const { book, wall } = bookWith(cloudSettings({ budgets: [aDay(10)] }));
    book.lostMs = noonMs - hourMs;
    expect(book.check(ask())?.sentence).toContain('is not known');
    expect(book.rows()[0]?.state).toBe('closed');
    expect(book.isLost).toBe(true);
    wall.advance(12 * hourMs);
    expect(book.check(ask())).toBeNull();
    expect(book.isLost).toBe(false);
    wall.setWallTime(noonMs);
    book.lostMs = null;
    expect(book.check(ask())).toBeNull();
  });

  it('L6 lets exactly ten of two hundred through with money for ten', () => {
    for (const usd of [0.1, 0.07, 0.3, 1 / 3]) {
      const limit = Number((usd * 10).toFixed(9));
      const { book } = bookWith(cloudSettings({ budgets: [aDay(limit)] }));
      const through = Array.from({ length: 200 }, (_, id) => book.reserve(String(id), ask({ usd }))).filter(
        (refusal) => refusal === null,
      );
      expect(through).toHaveLength(usd === 1 / 3 ? 9 : 10);
    }
  });

  const step = fc.oneof(
    fc.record({ do: fc.constant('reserve' as const), usd: fc.double({ min: 0, max: 2, noNaN: true }) }),
    fc.record({ do: fc.constant('settle' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ do: fc.constant('release' as const) }),
    fc.record({ do: fc.constant('jump' as const), byMs: fc.integer({ min: -30 * hourMs, max: 30 * hourMs }) }),
    fc.record({ do: fc.constant('pass' as const), byMs: fc.integer({ min: 0, max: 8 * hourMs }) }),
  );
  it('never lets spent and set aside exceed a hard limit, whatever comes in whatever order', () => {
    const budgets = [
      aDay(3),
      { scope: 'all', period: 'hour', limit: 2 },
      { scope: 'provider:anthropic', period: 'week', limit: 5 },
      { scope: 'key:laptop', period: 'month', limit: 9 },
      { scope: 'all', period: 'day', unit: 'tokens', limit: 4_000 },
    ] as const;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { book, wall } = bookWith(cloudSettings({ budgets: [...budgets], timeZone: 'Europe/Berlin' }));
        const open: { id: string; asked: BudgetAsk }[] = [];
        for (const [index, one] of steps.entries()) {
          if (one.do === 'reserve') {
            const asked = ask({ usd: one.usd });
            const id = String(index);
            if (book.reserve(id, asked) === null) open.push({ id, asked });
          } else if (one.do === 'settle') {
            const ended = open.shift();
            if (ended) book.settle(ended.id, { cost: Math.floor(ended.asked.worst * one.share), tokens: 900 });
          } else if (one.do === 'release') book.release(open.pop()?.id ?? 'none');
          else if (one.do === 'jump') wall.setWallTime(wall.now() + one.byMs);
          else wall.advance(one.byMs);
          for (const { spent, reserved, limit, scope: name } of book.rows()) {
            expect(spent + reserved, name).toBeLessThanOrEqual(limit + 1e-9);
            expect(spent >= 0 && reserved >= 0, name).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('tells the same from running sums as from a ledger that is read anew', () => {
    const amounts = fc.array(
      fc.record({ usd: fc.double({ min: 0, max: 2, noNaN: true }), afterMs: fc.nat(40 * hourMs), other: fc.boolean() }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(amounts, (charges) => {
        const settings = cloudSettings({
          budgets: (['hour', 'day', 'week', 'month'] as const).map((period) => ({
            scope: 'key:laptop',
            period,
            limit: 99,
          })),
          timeZone: 'America/New_York',
        });
        const live = bookWith(settings);
        const quarters = charges.map(({ usd, afterMs, other }) => {
          live.wall.advance(afterMs);
          live.book.rows();
          const here = { ...scope, key: other ? 'other' : 'laptop' };
          const amount = { cost: nanosFrom(usd), tokens: 1 };
          live.sums.add(here, amount);
          return { ...here, ...amount, quarterMs: Math.floor(live.clock.now() / 900_000) * 900_000 };
        });
        const anew = bookWith(settings);
        anew.wall.setWallTime(live.wall.now());
        anew.sums.seed(quarters.filter(({ quarterMs }) => quarterMs >= anew.sums.neededSince()));
        expect(anew.book.rows()).toEqual(live.book.rows());
      }),
      { numRuns: 60 },
    );
  });
});
