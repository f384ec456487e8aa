import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../../electron/agent/cloud/ledger/entries.ts';
import { requestRow } from '../../../../electron/agent/cloud/ledger/entries.ts';
import { exportPage } from '../../../../electron/agent/cloud/ledger/export-query.ts';
import { remembered, spentByHour, spentPage } from '../../../../electron/agent/cloud/ledger/spent-queries.ts';
import { aTrace } from '../../../fixtures/example-trace.ts';
import { aBook, aCharge, aRow, aSettlement, atNoonMs, numbered, quarterMs, usageOf } from './examples.ts';

const reserve = { kind: 'reserve', charge: aCharge(), leased: true } as const;
const settle = { kind: 'settle', charge: aSettlement(), of: aCharge() } as const;

describe('the book', () => {
  it('F32 takes every entry once, however often it comes', () => {
    const { book, database } = aBook();
    const entries = numbered([reserve, settle, { kind: 'request', row: aRow({ route: 'cloud' }) }]);
    for (let times = 0; times < 3; times += 1) book.apply(1, entries);
    book.apply(1, entries.slice(0, 1));
    expect(book.position(1)).toBe(3);
    expect(usageOf(database).total).toMatchObject({ requests: 1, costUsd: 0.001234567, inputTokens: 100 });
    expect(spentPage(database, 0, null).rows).toEqual([
      {
        quarterMs: atNoonMs,
        provider: 'anthropic',
        model: 'claude-opus',
        caller: 'k1',
        key: 'laptop',
        persona: null,
        cost: 1_234_567,
        tokens: 173,
      },
    ]);
  });

  it('ends a charge once: what is told first counts', () => {
    const second = aSettlement({ cost: 9, basis: 'estimated' });
    const { book, database } = aBook();
    const late: JournalEntry[] = [
      { kind: 'release', id: 't1#0', atMs: 1 },
      { kind: 'settle', charge: second, of: aCharge() },
    ];
    book.apply(1, numbered([reserve, settle, ...late]));
    expect(usageOf(database).total.costUsd).toBe(0.001234567);
    book.apply(
      1,
      numbered(
        [
          { ...reserve, charge: aCharge({ id: 't2#0' }) },
          { kind: 'release', id: 't2#0', atMs: 1 },
        ],
        10,
      ),
    );
    book.apply(1, numbered([{ kind: 'settle', charge: aSettlement({ id: 't2#0' }), of: null }], 20));
    expect(usageOf(database).total.costUsd).toBe(0.001234567);
  });

  it('books a settlement whose reservation was lost with a database', () => {
    const { book, database } = aBook();
    book.apply(1, numbered([settle]));
    expect(usageOf(database).total.costUsd).toBe(0.001234567);
    book.apply(1, numbered([{ kind: 'settle', charge: aSettlement({ id: 'never#0' }), of: null }], 2));
    expect(usageOf(database).total.costUsd).toBe(0.001234567);
  });

  it.each([
    ['told', 4_000_000, 0],
    ['told', 6_000_000, 1],
    ['estimated', 4_000_000, 1],
    ['forfeited', 5_000_000, 1],
  ] as const)('flags a charge that is %s at %d: %d', (basis, cost, flagged) => {
    const { book, database } = aBook();
    book.apply(1, numbered([reserve, { ...settle, charge: aSettlement({ basis, cost }) }]));
    expect(database.prepare('SELECT flagged FROM charges').get()?.['flagged']).toBe(flagged);
    expect(usageOf(database).total.estimatedUsd).toBe(basis === 'told' ? 0 : cost / 1e9);
  });

  it('F32 books what an earlier run left open in full, once, in the time it was set aside', () => {
    const { database, book } = aBook();
    book.apply(1, numbered([reserve]));
    const next = aBook({ run: 2, database }).book;
    next.apply(2, numbered([{ ...reserve, charge: aCharge({ id: 't9#0' }) }]));
    const nowMs = atNoonMs + 5 * quarterMs;
    expect(next.closeEarlierRuns({ nowMs, isLeaseLost: false })).toEqual({ charges: 1, cost: 5_000_000 });
    expect(next.closeEarlierRuns({ nowMs, isLeaseLost: false })).toEqual({ charges: 0, cost: 0 });
    expect(spentPage(database, 0, null).rows).toMatchObject([{ quarterMs: atNoonMs, cost: 5_000_000, tokens: 900 }]);
    const row = database.prepare("SELECT state, basis, flagged FROM charges WHERE id = 't1#0'").get();
    expect(row).toMatchObject({ state: 'settled', basis: 'forfeited', flagged: 1 });
    expect(database.prepare("SELECT state FROM charges WHERE id = 't9#0'").get()).toMatchObject({ state: 'reserved' });
  });

  it('books the rest of a lease after a power cut, without what came through, once', () => {
    const { database, book } = aBook();
    book.grant(20_000_000);
    // The machine starts again: one leased reservation stood in the part of the journal that was kept.
    const next = aBook({ run: 2, boot: 'boot-2', database }).book;
    expect(next.lease()).toEqual({ run: 1, boot: 'boot-1', amount: 20_000_000 });
    next.apply(
      1,
      numbered([reserve, { ...reserve, charge: aCharge({ id: 't2#0', worst: 1_000_000 }), leased: false }]),
    );
    const forfeited = next.closeEarlierRuns({ nowMs: atNoonMs, isLeaseLost: true });
    expect(forfeited).toEqual({ charges: 3, cost: 5_000_000 + 1_000_000 + 15_000_000 });
    expect(next.closeEarlierRuns({ nowMs: atNoonMs, isLeaseLost: true })).toEqual({ charges: 0, cost: 0 });
    const lost = database.prepare("SELECT provider, cost, basis FROM charges WHERE trace = 'lost-1'").all();
    expect(lost).toMatchObject([{ provider: 'unknown', cost: 15_000_000, basis: 'forfeited' }]);
    expect(next.lease()).toBeNull();
  });

  it('books nothing of a lease while the machine runs on', () => {
    const { database, book } = aBook();
    book.grant(20_000_000);
    const next = aBook({ run: 2, database }).book;
    expect(next.closeEarlierRuns({ nowMs: atNoonMs, isLeaseLost: false })).toEqual({ charges: 0, cost: 0 });
    expect(next.lease()).toBeNull();
  });

  it('keeps its own lease when its thread starts again', () => {
    const { book } = aBook();
    book.grant(20_000_000);
    book.closeEarlierRuns({ nowMs: atNoonMs, isLeaseLost: true });
    expect(book.lease()?.amount).toBe(20_000_000);
  });

  it('counts a cost in the time in which it ended', () => {
    const { book, database } = aBook();
    book.apply(1, numbered([reserve, { ...settle, charge: aSettlement({ atMs: atNoonMs + quarterMs }) }]));
    expect(spentPage(database, 0, null).rows).toMatchObject([{ quarterMs: atNoonMs + quarterMs, cost: 1_234_567 }]);
    expect(usageOf(database, { untilMs: atNoonMs + quarterMs }).total.costUsd).toBe(0);
    expect(usageOf(database, { sinceMs: atNoonMs + quarterMs }).total.costUsd).toBe(0.001234567);
  });

  describe('F22 where the clock was ahead once and was set back', () => {
    const aheadMs = 8 * quarterMs;
    /** Budgets run on from the latest time that they saw. */
    const times = { atMs: atNoonMs + aheadMs, wallMs: atNoonMs };
    const later = { atMs: times.atMs + 2_000, wallMs: times.wallMs + 2_000 };
    const under: JournalEntry = { ...reserve, charge: aCharge(times) };
    const ended: JournalEntry = { kind: 'settle', charge: aSettlement(later), of: aCharge(times) };
    const quarters = (database: DatabaseSync) =>
      spentPage(database, 0, null).rows.map(({ quarterMs: startMs, cost }) => [startMs, cost]);
    const linesOf = (database: DatabaseSync) =>
      exportPage(database, { sinceMs: 0, untilMs: atNoonMs + quarterMs, format: 'json', cursor: null })
        .text.split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const { kind, at, costUsd } = JSON.parse(line) as Record<string, unknown>;
          return [kind, at, costUsd];
        });

    it.each([
      ['as they come', [under, ended]],
      ['where the reservation was lost with a database', [ended]],
    ])('reports show a cost beside its request, and budgets count it in their own time: %s', (_, entries) => {
      const { book, database } = aBook();
      book.apply(1, numbered([...entries, { kind: 'request', row: aRow({ route: 'cloud' }) }]));
      for (const untilMs of [atNoonMs + 3_000, atNoonMs + quarterMs]) {
        const { rows } = usageOf(database, { untilMs, by: 'hour' });
        expect(rows).toMatchObject([{ requests: 1, costUsd: 0.001234567, inputTokens: 100 }]);
      }
      expect(usageOf(database, { sinceMs: atNoonMs + quarterMs }).total.costUsd).toBe(0);
      expect(quarters(database)).toEqual([[times.atMs, 1_234_567]]);
      expect(linesOf(database)).toEqual([
        ['request', '2026-11-22T12:00:00.000Z', undefined],
        ['charge', '2026-11-22T12:00:02.000Z', 0.001234567],
      ]);
    });

    it('what was open at a kill is booked in both of its times', () => {
      const { book, database } = aBook();
      book.apply(1, numbered([under]));
      const next = aBook({ run: 2, database }).book;
      next.closeEarlierRuns({ nowMs: atNoonMs + 3 * quarterMs, isLeaseLost: false });
      expect(quarters(database)).toEqual([[times.atMs, 5_000_000]]);
      expect(usageOf(database, { untilMs: atNoonMs + quarterMs }).total.costUsd).toBe(0.005);
      expect(linesOf(database)).toEqual([['charge', '2026-11-22T12:00:00.000Z', 0.005]]);
    });

    it.each([
      ['it was remembered', [{ kind: 'remember', name: 'latestMs', value: String(times.atMs) }]],
      ['something was spent then', [under, ended]],
    ] as const)('a lost lease counts in the period that budgets begin with, where %s', (_, entries) => {
      const { book, database } = aBook();
      book.apply(1, numbered(entries));
      book.grant(20_000_000);
      const before = usageOf(database, { untilMs: atNoonMs + quarterMs }).total.costUsd;
      const next = aBook({ run: 2, boot: 'boot-2', database }).book;
      next.closeEarlierRuns({ nowMs: atNoonMs, isLeaseLost: true });
      const lost = spentPage(database, 0, null).rows.filter(({ provider }) => provider === 'unknown');
      expect(lost).toMatchObject([{ quarterMs: times.atMs, cost: 20_000_000 }]);
      const { total } = usageOf(database, { untilMs: atNoonMs + quarterMs });
      expect(total.costUsd).toBeCloseTo(before + 0.02, 12);
    });

    it('what was given back is told at the time at which it was', () => {
      const { book, database } = aBook();
      book.apply(1, numbered([under, { kind: 'release', id: 't1#0', atMs: later.wallMs }]));
      expect(linesOf(database)).toEqual([['charge', '2026-11-22T12:00:02.000Z', undefined]]);
      expect(quarters(database)).toEqual([]);
    });

    it('lines of an earlier version, with one time for both, are booked in that', () => {
      const { book, database } = aBook();
      const old = [
        { ...under, charge: aCharge({ atMs: atNoonMs + aheadMs }) },
        { ...ended, charge: aSettlement({ atMs: later.atMs }), of: aCharge({ atMs: times.atMs }) },
        { ...under, charge: aCharge({ id: 't2#0', atMs: times.atMs }) },
      ];
      book.apply(1, numbered(old));
      aBook({ run: 2, database }).book.closeEarlierRuns({ nowMs: atNoonMs, isLeaseLost: false });
      expect(quarters(database)).toEqual([[times.atMs, 6_234_567]]);
      expect(usageOf(database, { sinceMs: times.atMs }).total.costUsd).toBe(0.006234567);
    });
  });

  it('undoes the whole of what it could not write', () => {
    const { book, database } = aBook();
    const bad = { ...reserve, charge: aCharge({ id: 't2#0', worst: Number.NaN }) };
    expect(() => {
      book.apply(1, numbered([reserve, settle, { kind: 'request', row: aRow() }, bad]));
    }).toThrow();
    expect([book.position(1), usageOf(database).total.requests]).toEqual([0, 0]);
    book.apply(1, numbered([reserve, settle, { kind: 'request', row: aRow() }]));
    expect([book.position(1), usageOf(database).total.requests]).toEqual([3, 1]);
  });

  it('remembers the last value of a name', () => {
    const { book, database } = aBook();
    const said = ['1', '2'].map((value): JournalEntry => ({ kind: 'remember', name: 'latestMs', value }));
    book.apply(1, numbered(said));
    expect([remembered(database, 'latestMs'), remembered(database, 'nothing')]).toEqual(['2', null]);
  });

  it('forgets where journals stood that are gone', () => {
    const { book } = aBook({ run: 3 });
    for (const run of [1, 2, 3]) book.apply(run, numbered([{ kind: 'probe' }]));
    book.forgetRuns([2]);
    expect([1, 2, 3].map((run) => book.position(run))).toEqual([0, 1, 1]);
  });

  it('tells what was spent in each full hour, oldest first', () => {
    const { book, database } = aBook();
    const charges = [-3, -2, -1, 0].map((quarters, index) => {
      const charge = aCharge({ id: `t${index}#0`, atMs: atNoonMs + quarters * 2 * quarterMs });
      return {
        kind: 'settle',
        charge: aSettlement({ id: charge.id, atMs: charge.atMs, cost: 10 ** index }),
        of: charge,
      } as const;
    });
    book.apply(1, numbered(charges));
    // 10:30, 11:00, 11:30 and 12:00; the hour from 12:00 is not full yet.
    expect(spentByHour(database, 3, atNoonMs + quarterMs)).toEqual([0, 1, 110]);
  });

  it('pages through what was spent without a gap', () => {
    const { book, database } = aBook();
    const charges = Array.from({ length: 1_203 }, (_, index) => {
      const charge = aCharge({ id: `t${index}#0`, caller: `k${index}`, atMs: atNoonMs + (index % 7) * quarterMs });
      return {
        kind: 'settle',
        charge: aSettlement({ id: charge.id, atMs: charge.atMs, cost: 1 }),
        of: charge,
      } as const;
    });
    book.apply(1, numbered(charges));
    const callers = new Set<string>();
    let pages = 0;
    for (let page = spentPage(database, atNoonMs, null); ; page = spentPage(database, atNoonMs, page.next)) {
      for (const { caller } of page.rows) callers.add(caller);
      pages += 1;
      if (page.next === null) break;
    }
    expect([callers.size, pages]).toEqual([1_203, 3]);
    expect(spentPage(database, atNoonMs + 6 * quarterMs, null).rows).toHaveLength(171);
  });
});

describe('what of a request is kept', () => {
  it('has prompt tokens that never overlap', () => {
    const trace = aTrace({ promptTokens: 1_000, cachedTokens: 600, cacheWriteTokens: 150, completionTokens: 40 });
    expect(requestRow({ trace, node: 'barn', equivalent: 17 })).toMatchObject({
      inputTokens: 250,
      cachedTokens: 600,
      cacheWriteTokens: 150,
      outputTokens: 40,
      equivalent: 17,
    });
  });

  it('takes what is not told for nothing, and keeps no essays', () => {
    const trace = aTrace({
      promptTokens: null,
      cachedTokens: null,
      completionTokens: null,
      requestedModel: 'x'.repeat(9_999),
    });
    const row = requestRow({ trace, node: 'barn', equivalent: null });
    expect(row).toMatchObject({ inputTokens: 0, cachedTokens: 0, outputTokens: 0, equivalent: null });
    expect(row.requestedModel).toHaveLength(200);
    expect(JSON.stringify(row)).not.toContain('sentence');
  });
});
