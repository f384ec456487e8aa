import { todaysLimitUsd } from '../../electron/contract/todays-limit.ts';
import {
  budgetPeriods,
  budgetSettingsSchema,
  budgetUnits,
  type BudgetPeriod,
  type BudgetSettings,
  type CloudSnapshot,
} from '../../electron/contract/cloud.ts';
import { formatAmount } from './money.ts';
import { providerName } from './providers.ts';
import { formatMoment, parseTime } from './time.ts';
import { type Tone } from './words.ts';

export type Budget = CloudSnapshot['budgets'][number];

const periods: Readonly<Record<BudgetPeriod, string>> = {
  hour: 'an hour',
  day: 'a day',
  week: 'a week',
  month: 'a month',
};

/** "a day"; a period newer than this page as it is. */
export function periodWords(period: string): string {
  return Object.entries(periods).find(([one]) => one === period)?.[1] ?? `a ${period}`;
}

/** What a budget is for: "Everything", "Anthropic", "openai/gpt-5", "Key aider". */
export function scopeWords(scope: string, providers: CloudSnapshot['providers']): string {
  if (scope === 'all') return 'Everything';
  const [kind = '', ...rest] = scope.split(':');
  const name = rest.join(':');
  switch (kind) {
    case 'provider':
      return providerName(name, providers);
    case 'model':
      return name;
    case 'key':
      return `Key ${name}`;
    case 'persona':
      return `Persona ${name}`;
    case 'own-key':
      return `Key ${name}, by its own limit`;
    case 'own-persona':
      return `Persona ${name}, by its own limit`;
    default:
      return scope;
  }
}

/** How a budget stands as a word and a colour. */
export function budgetStateWord(state: string): { word: string; tone: Tone } {
  switch (state) {
    case 'open':
      return { word: 'Open', tone: 'well' };
    case 'soft':
      return { word: 'Beyond the soft mark', tone: 'busy' };
    case 'closed':
      return { word: 'Used up', tone: 'wrong' };
    case 'unknown':
      return { word: 'Not known', tone: 'wrong' };
    default:
      return { word: state, tone: 'quiet' };
  }
}

/** What was spent, in the unit of the budget, or that it cannot be read. */
export function spentOf({ state, spent, unit }: Budget): string {
  return state === 'unknown' ? 'Not known' : formatAmount(spent, unit);
}

/** What is left of it and until when: "$8.04 is left. It starts anew at 00:00." */
export function budgetSentence(budget: Budget, now: number): string {
  if (budget.state === 'unknown') return 'What was spent cannot be read, so nothing more is.';
  const left = Math.max(0, budget.limit - budget.spent - budget.reserved);
  const resetsAt = parseTime(budget.resetsAt);
  const anew = resetsAt === null ? '' : ` It starts anew ${formatMoment(resetsAt, now)}.`;
  if (budget.state === 'closed' || left === 0) return `Nothing is left.${anew}`;
  const rule = budget.state === 'soft' ? ' Only what asks for the cloud goes there.' : '';
  return `${formatAmount(left, budget.unit)} ${budget.unit === 'tokens' ? 'are' : 'is'} left.${rule}${anew}`;
}

/** Parts of a budget's bar, each 0–1 of it. What goes beyond the limit fills it. */
export interface BudgetBar {
  readonly spent: number;
  readonly reserved: number;
  readonly soft: number | null;
}

export function budgetBar(budget: Budget): BudgetBar {
  const { limit, softLimit } = budget;
  const share = (value: number): number => (limit <= 0 ? 1 : Math.min(1, Math.max(0, value / limit)));
  const spent = share(budget.spent);
  return {
    spent,
    reserved: Math.min(1 - spent, limit <= 0 ? 0 : share(budget.reserved)),
    soft: softLimit === null || limit <= 0 || softLimit >= limit ? null : share(softLimit),
  };
}

/** The budget that "today" is measured by, as on every surface: the lowest of a day for everything in dollars. */
export function budgetOfToday(budgets: readonly Budget[]): Budget | null {
  const lowest = todaysLimitUsd(budgets);
  const ofDay = budgets.filter(({ scope, period, unit }) => scope === 'all' && period === 'day' && unit === 'usd');
  return ofDay.find(({ limit }) => limit === lowest) ?? null;
}

export const scopeKinds = ['all', 'provider', 'model', 'key', 'persona'] as const;
export type ScopeKind = (typeof scopeKinds)[number];

/** A budget as it stands in a form: numbers as they were typed. */
export interface BudgetDraft {
  readonly kind: ScopeKind;
  readonly name: string;
  readonly period: BudgetPeriod;
  readonly unit: BudgetSettings['unit'];
  readonly limit: string;
  /** Empty for none. */
  readonly softLimit: string;
}

export const newBudget: BudgetDraft = { kind: 'all', name: '', period: 'day', unit: 'usd', limit: '', softLimit: '' };

export function budgetDraftOf(budget: BudgetSettings): BudgetDraft {
  const [kind = '', ...rest] = budget.scope.split(':');
  return {
    kind: scopeKinds.find((one) => one === kind) ?? 'all',
    name: rest.join(':'),
    period: budget.period,
    unit: budget.unit,
    limit: `${budget.limit}`,
    softLimit: budget.softLimit === null ? '' : `${budget.softLimit}`,
  };
}

export type BudgetField = 'name' | 'unit' | 'limit' | 'softLimit';

/** What is wrong with a draft, by field, in sentences; empty where nothing is. */
export function budgetProblems(draft: BudgetDraft): Partial<Readonly<Record<BudgetField, string>>> {
  const limit = amountOf(draft.limit);
  const soft = draft.softLimit.trim() === '' ? null : amountOf(draft.softLimit);
  const problems: Partial<Record<BudgetField, string>> = {};
  if (draft.kind !== 'all' && draft.name.trim() === '') problems.name = `Say which ${draft.kind} it is for.`;
  else if (draft.kind === 'model' && !draft.name.includes('/'))
    problems.name = 'Write the provider and its model, such as openai/gpt-5.';
  if (draft.unit === 'percent' && draft.kind !== 'provider')
    problems.unit = 'A share of the weekly quota needs a provider. Pick one, or another unit.';
  if (limit === null) problems.limit = 'Write a number of 0 or more.';
  else if (draft.unit === 'percent' && limit > 100) problems.limit = 'A share is at most 100 percent.';
  if (draft.softLimit.trim() !== '' && soft === null) problems.softLimit = 'Write a number of 0 or more, or nothing.';
  else if (soft !== null && limit !== null && soft > limit)
    problems.softLimit = 'The soft mark is at most the limit. Lower it, or raise the limit.';
  return problems;
}

/** The drafts that limit the same thing as one before them: only one of the two can be meant. */
export function budgetDoubles(drafts: readonly BudgetDraft[]): readonly number[] {
  const seen = new Set<string>();
  return drafts.flatMap((draft, index) => {
    const mark = JSON.stringify([scopeOf(draft), draft.period, draft.unit]);
    if (seen.has(mark)) return [index];
    seen.add(mark);
    return [];
  });
}

/** The setting of drafts without problems; null where one has some. */
export function budgetsOf(drafts: readonly BudgetDraft[]): BudgetSettings[] | null {
  if (budgetDoubles(drafts).length > 0) return null;
  const budgets: BudgetSettings[] = [];
  for (const draft of drafts) {
    if (Object.keys(budgetProblems(draft)).length > 0) return null;
    const { period, unit } = draft;
    const softLimit = draft.softLimit.trim() === '' ? null : amountOf(draft.softLimit);
    const read = budgetSettingsSchema.safeParse({
      scope: scopeOf(draft),
      period,
      unit,
      limit: amountOf(draft.limit),
      softLimit,
    });
    if (!read.success) return null;
    budgets.push(read.data);
  }
  return budgets;
}

function scopeOf({ kind, name }: BudgetDraft): string {
  return kind === 'all' ? 'all' : `${kind}:${name.trim()}`;
}

function amountOf(text: string): number | null {
  const value = Number(text.trim().replace(',', '.'));
  return text.trim() === '' || !Number.isFinite(value) || value < 0 ? null : value;
}

/** Choices of the form, in its words. */
export const periodChoices = budgetPeriods;
export const unitChoices = budgetUnits;

const units: Readonly<Record<BudgetSettings['unit'], string>> = {
  usd: 'Dollars',
  tokens: 'Tokens',
  percent: 'Percent of the weekly quota',
};

export function unitWord(unit: BudgetSettings['unit']): string {
  return units[unit];
}

const kinds: Readonly<Record<ScopeKind, string>> = {
  all: 'Everything',
  provider: 'A provider',
  model: 'A model',
  key: 'A key',
  persona: 'A persona',
};

export function scopeKindWord(kind: ScopeKind): string {
  return kinds[kind];
}
