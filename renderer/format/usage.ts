import { controlPaths } from '../../electron/contract/control.ts';
import { type UsageAnswer, type UsageGroup, type UsageRow } from '../../electron/contract/cloud.ts';
import { formatClock, formatDay, parseTime } from './time.ts';

export const usageRanges = ['24h', '7d', '30d'] as const;
export type UsageRange = (typeof usageRanges)[number];

const rangeWords: Readonly<Record<UsageRange, string>> = { '24h': '24 hours', '7d': '7 days', '30d': '30 days' };

export function rangeWord(range: UsageRange): string {
  return rangeWords[range];
}

const hourMs = 3_600_000;

/** When a range begins: at a full hour or a midnight of the reader's clock, so that no first bar is half a one. */
export function rangeStart(range: UsageRange, now: number): number {
  const start = new Date(now);
  start.setMinutes(0, 0, 0);
  if (range === '24h') return start.getTime() - 23 * hourMs;
  start.setHours(0);
  start.setDate(start.getDate() - (range === '7d' ? 6 : 29));
  return start.getTime();
}

/** What a range is divided into over time. */
export function stepOf(range: UsageRange): 'hour' | 'day' {
  return range === '24h' ? 'hour' : 'day';
}

/** One bar of the plot. */
export interface TimeSlot {
  /** Where it begins, milliseconds since the epoch. */
  readonly at: number;
  readonly costUsd: number;
  readonly keptLocalUsd: number;
  /** 0–1; null where nothing was answered that has a price. */
  readonly localShare: number | null;
}

/** Every hour or day from `since` up to `until`, those without a request too. */
export function timeSlots(
  rows: readonly UsageRow[],
  { since, until, step }: { since: number; until: number; step: 'hour' | 'day' },
): readonly TimeSlot[] {
  const starts: number[] = [];
  for (let at = since; at <= until && starts.length < 1_000; at = next(at, step)) starts.push(at);
  const sums = new Map<number, { costUsd: number; keptLocalUsd: number }>();
  for (const row of rows) {
    const at = parseTime(row.name);
    const start = at === null ? undefined : starts.findLast((one) => one <= at);
    if (start === undefined) continue;
    const sum = sums.get(start) ?? { costUsd: 0, keptLocalUsd: 0 };
    sums.set(start, { costUsd: sum.costUsd + row.costUsd, keptLocalUsd: sum.keptLocalUsd + row.keptLocalUsd });
  }
  return starts.map((at) => {
    const { costUsd, keptLocalUsd } = sums.get(at) ?? { costUsd: 0, keptLocalUsd: 0 };
    return { at, costUsd, keptLocalUsd, localShare: shareOf(keptLocalUsd, costUsd) };
  });
}

function next(at: number, step: 'hour' | 'day'): number {
  if (step === 'hour') return at + hourMs;
  const day = new Date(at);
  day.setDate(day.getDate() + 1);
  return day.getTime();
}

function shareOf(keptLocalUsd: number, costUsd: number): number | null {
  const all = keptLocalUsd + costUsd;
  return all <= 0 ? null : keptLocalUsd / all;
}

/** A bar's name: "14:00" or "Mon 23 Nov". */
export function slotName(at: number, step: 'hour' | 'day'): string {
  return step === 'hour' ? formatClock(at).slice(0, 5) : formatDay(at);
}

export const tableGroups = [
  'provider',
  'model',
  'key',
  'persona',
  'node',
  'route',
] as const satisfies readonly UsageGroup[];
export type TableGroup = (typeof tableGroups)[number];

const groupWords: Readonly<Record<TableGroup, string>> = {
  provider: 'Provider',
  model: 'Model',
  key: 'Key',
  persona: 'Persona',
  node: 'Node',
  route: 'Route',
};

export function groupWord(group: TableGroup): string {
  return groupWords[group];
}

/** How the ledger calls what has no name. */
const noName = '(none)';

const nameless: Readonly<Partial<Record<UsageGroup, string>>> = {
  provider: 'No provider',
  model: 'No model',
  key: 'No key',
  persona: 'No persona',
  node: 'This node',
};
const routeNames: Readonly<Record<string, string>> = {
  local: 'Here',
  peer: 'A peer',
  cloud: 'Cloud',
  none: 'Nowhere',
};

/** A row's name for people; what has none is told so. */
export function usageName(name: string, by: UsageGroup): string {
  if (by === 'route') return Object.hasOwn(routeNames, name) ? (routeNames[name] ?? name) : name;
  return name === '' || name === noName ? (nameless[by] ?? 'None') : name;
}

/** The columns that the table can be sorted by. */
export const usageColumns = [
  { id: 'name', title: 'Name', number: false },
  { id: 'requests', title: 'Requests', number: true },
  { id: 'failed', title: 'Failed', number: true },
  { id: 'inputTokens', title: 'Fresh input', number: true },
  { id: 'cachedTokens', title: 'From cache', number: true },
  { id: 'cacheWriteTokens', title: 'To cache', number: true },
  { id: 'outputTokens', title: 'Output', number: true },
  { id: 'costUsd', title: 'Cost', number: true },
  { id: 'keptLocalUsd', title: 'Kept local', number: true },
  { id: 'ttftMs', title: 'First token', number: true },
  { id: 'tokensPerSecond', title: 'Tokens/s', number: true },
] as const;
export type UsageColumn = (typeof usageColumns)[number]['id'];

export interface UsageOrder {
  readonly column: UsageColumn;
  readonly falling: boolean;
}

/** The order after a click on a column: the other way round for the same one, else the most first, names from A. */
export function orderAfter(order: UsageOrder, column: UsageColumn): UsageOrder {
  if (order.column === column) return { column, falling: !order.falling };
  return { column, falling: column !== 'name' };
}

/** Rows in an order; what is not known stands last in both directions, equals by name. */
export function orderUsage(rows: readonly UsageRow[], { column, falling }: UsageOrder): readonly UsageRow[] {
  const turn = falling ? -1 : 1;
  return rows.toSorted((one, other) => {
    if (column === 'name') return turn * one.name.localeCompare(other.name);
    const [a, b] = [one[column], other[column]];
    if (a === null || b === null) return Number(a === null) - Number(b === null) || one.name.localeCompare(other.name);
    return turn * (a - b) || one.name.localeCompare(other.name);
  });
}

/** One side of the comparison and its part of all requests, 0–1; null where there were none. */
export interface UsageSide {
  readonly id: keyof UsageAnswer['sides'];
  readonly title: string;
  readonly row: UsageRow;
  readonly share: number | null;
}

/** Local against cloud; peers only where they answered something. */
export function usageSides({ sides }: Pick<UsageAnswer, 'sides'>): readonly UsageSide[] {
  const all = sides.local.requests + sides.peer.requests + sides.cloud.requests;
  const side = (id: UsageSide['id'], title: string): UsageSide => ({
    id,
    title,
    row: sides[id],
    share: all === 0 ? null : sides[id].requests / all,
  });
  return [side('local', 'Here'), ...(sides.peer.requests > 0 ? [side('peer', 'Peers')] : []), side('cloud', 'Cloud')];
}

/** The address that a range is exported from. */
export function exportAddress(range: { since: number; until: number }, format: 'csv' | 'json'): string {
  const params = new URLSearchParams({
    since: new Date(range.since).toISOString(),
    until: new Date(range.until).toISOString(),
    format,
  });
  return `${controlPaths.usageExport}?${params.toString()}`;
}
