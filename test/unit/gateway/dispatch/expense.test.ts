import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { costOf, Expense } from '../../../../electron/agent/gateway/dispatch/expense.ts';
import type { PlannedCandidate } from '../../../../electron/agent/gateway/routing/plan.ts';
import type { Spending, SpendingAsk } from '../../../../electron/agent/inference/spending.ts';
import type { AnswerFigures, Usage } from '../../../../electron/agent/inference/usage.ts';

const price = { inputUsd: 3, outputUsd: 15, cachedInputUsd: 0.3 };

function candidate(priced = true): PlannedCandidate {
  const model = {
    id: 'big',
    contextLength: 1_000,
    capabilities: ['chat'] as const,
    sizeBytes: 0,
    loaded: true,
    createdAtS: 0,
    ...(priced ? { price } : {}),
  };
  return {
    upstream: {
      id: 'provider',
      route: 'cloud',
      dialects: ['anthropic'],
      operations: ['chat'],
      ready: true,
      sentence: '',
      models: [model],
      defaultModel: null,
      slots: 4,
    },
    model,
    reason: 'cloud-requested',
    sentence: '',
    estimate: {
      waitMs: 0,
      loadMs: 0,
      prefillMs: 0,
      ttftMs: 0,
      serviceMs: 0,
      promptTokens: 1_000,
      cachedTokens: 0,
      lostCacheTokens: 0,
      worstUsd: 0.5,
    },
  };
}

/** A ledger that writes down what happens to it. */
class Ledger implements Spending {
  readonly log: string[] = [];
  readonly asks: SpendingAsk[] = [];
  offload(): 'on' {
    return 'on';
  }
  judge(): { allowed: true } {
    return { allowed: true };
  }
  reserve(ask: SpendingAsk) {
    this.asks.push(ask);
    const log = this.log;
    return {
      reservation: {
        settle: (usd: number) => void log.push(`settle ${usd.toFixed(4)}`),
        release: () => void log.push('release'),
      },
    };
  }
}

function open(ledger: Spending, priced = true): Expense {
  const ask = { candidate: candidate(priced), priority: 'normal', caller: 'me', callerDollarsPerDay: 2 } as const;
  const expense = Expense.open(ledger, ask);
  if (expense instanceof AppError) throw expense;
  return expense;
}

function figures(usage: Usage | null, tokens = 0): AnswerFigures {
  const unknown = { ttftMs: null, durationMs: 1, tokensPerSecond: null, prefillTokensPerSecond: null, finish: null };
  return { usage, tokens, ...unknown };
}

const usage = { promptTokens: 1_000, completionTokens: 100, cachedTokens: 800 };

describe('Expense', () => {
  it('sets the worst aside and settles what the answer cost, once', () => {
    const ledger = new Ledger();
    const expense = open(ledger);
    expect(ledger.asks).toMatchObject([
      { upstreamId: 'provider', model: 'big', worstUsd: 0.5, callerDollarsPerDay: 2 },
    ]);
    expense.answered(figures(usage));
    expense.answered(figures(usage));
    expense.failed(new AppError('upstream_failed', 'x'));
    expect(ledger.log).toEqual(['settle 0.0023']);
  });

  it('F25 reckons with what came where the provider told no usage', () => {
    const ledger = new Ledger();
    open(ledger).answered(figures(null, 100));
    expect(ledger.log).toEqual(['settle 0.0045']);
  });

  it('gives everything back when nothing was done: no connection, or an error status', () => {
    const ledger = new Ledger();
    open(ledger).failed(new AppError('upstream_failed', 'cannot be reached'));
    open(ledger).failed(new AppError('too_busy', 'busy', { context: { status: 429 } }));
    expect(ledger.log).toEqual(['release', 'release']);
  });

  it('books all of it when nobody knows whether the provider went on', () => {
    const ledger = new Ledger();
    open(ledger).failed(new AppError('upstream_silent', 'nothing for 600 s'));
    open(ledger).failed(new AppError('caller_gone', 'left'));
    open(ledger).answered(null);
    expect(ledger.log).toEqual(['settle 0.5000', 'settle 0.5000', 'settle 0.5000']);
  });

  it('asks nobody about what costs nothing', () => {
    const ledger = new Ledger();
    open(ledger, false).answered(figures(usage));
    expect([...ledger.asks, ...ledger.log]).toEqual([]);
  });

  it.each([
    ['no-budget', 'key_limit'],
    ['offload-off', 'forbidden'],
  ] as const)('%s is an error that the caller can be told', (reason, code) => {
    const refused = { allowed: false, reason, sentence: 'No.' } as const;
    const spending: Spending = { offload: () => 'off', judge: () => refused, reserve: () => ({ refused }) };
    const ask = { candidate: candidate(), priority: 'normal', caller: 'me', callerDollarsPerDay: null } as const;
    expect(Expense.open(spending, ask)).toMatchObject({ code, message: 'No.' });
  });
});

describe('costOf', () => {
  it('takes cached tokens at their price, or at that of others where there is none', () => {
    expect(costOf(usage, price)).toBeCloseTo((200 * 3 + 800 * 0.3 + 100 * 15) / 1e6, 12);
    expect(costOf(usage, { ...price, cachedInputUsd: null })).toBeCloseTo((1_000 * 3 + 100 * 15) / 1e6, 12);
    expect(costOf({ ...usage, cachedTokens: null }, price)).toBeCloseTo((1_000 * 3 + 100 * 15) / 1e6, 12);
  });
});
