import type { KeyRow, Policy } from '../../contract/keys.ts';
import { count, counted, span } from './figures.ts';
import type { Palette } from './palette.ts';
import { table, type Cell, type Column } from './table.ts';
import { safeLine } from './text.ts';

const heads: readonly Column[] = [
  { title: 'Name', shrinkTo: 12 },
  { title: 'Key' },
  { title: 'Scope' },
  { title: 'Limits', shrinkTo: 16 },
  { title: 'Requests', align: 'right' },
  { title: 'Tokens', align: 'right' },
  { title: 'Last used', shrinkTo: 10 },
];

export interface KeysScreen {
  readonly columns: number;
  readonly palette: Palette;
  readonly nowMs: number;
  /** Revoked ones too. */
  readonly all: boolean;
}

/** The keys of callers; what they may do, how much they were used and when last. */
export function keysLines(keys: readonly KeyRow[], { columns, palette, nowMs, all }: KeysScreen): string[] {
  const valid = keys.filter(({ revokedAt }) => revokedAt === null);
  const revoked = keys.length - valid.length;
  const shown = all ? keys : valid;
  const rows = shown.map((key): Cell[] => [
    { text: safeLine(key.name), paint: key.revokedAt === null ? palette.plain : palette.dim },
    safeLine(`${key.prefix}…`),
    key.scope,
    key.revokedAt === null ? limitsText(key.policy) : { text: 'revoked', paint: palette.bad },
    count(key.requestsTotal),
    count(key.tokensTotal),
    lastUsed(key, nowMs),
  ]);
  return [
    ...(rows.length === 0 ? [] : table(heads, rows, { columns, head: palette.dim })),
    ...(valid.length === 0 ? [nobody(revoked)] : []),
    ...(revoked > 0 && !all ? [palette.dim(`${counted(revoked, 'revoked key')} not shown; see them with --all.`)] : []),
  ];
}

function nobody(revoked: number): string {
  return revoked === 0
    ? 'There is no key: programs of this machine need none. Make one with: ranch-hand keys add NAME'
    : 'No key is valid, so no program gets in. Make one with: ranch-hand keys add NAME';
}

function lastUsed({ lastUsedAt, lastUsedFrom }: KeyRow, nowMs: number): string {
  if (lastUsedAt === null) return 'never';
  const from = lastUsedFrom === null ? '' : ` from ${safeLine(lastUsedFrom)}`;
  return `${span(nowMs - Date.parse(lastUsedAt))} ago${from}`;
}

/** What a key may not do, in short; "none" for one that may do all. */
export function limitsText(policy: Policy): string {
  const per = (amount: number | null, noun: string): string | null =>
    amount === null ? null : `${count(amount)} ${noun}/min`;
  const parts = [
    policy.priority === 'normal' ? null : `${policy.priority} priority`,
    policy.maxPriority === 'high' ? null : `at most ${policy.maxPriority} priority`,
    policy.ceiling === 'cloud' ? null : `no further than ${policy.ceiling === 'local' ? 'this node' : 'the ranch'}`,
    policy.offload === null ? null : `offload ${policy.offload}`,
    per(policy.requestsPerMinute, 'requests'),
    per(policy.tokensPerMinute, 'tokens'),
    policy.concurrency === null ? null : `${count(policy.concurrency)} at once`,
    policy.dollarsPerDay === null ? null : `$${policy.dollarsPerDay}/day`,
    policy.models === null ? null : `only ${policy.models.map(safeLine).join(' ')}`,
    policy.defaultModel === null ? null : `default ${safeLine(policy.defaultModel)}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? 'none' : parts.join(', ');
}
