import type { NodeSnapshot } from '../contract/snapshot.ts';
import { dollars, plainText } from './figures.ts';
import type { NodeView } from './node-view.ts';

/** One desktop notification. */
export interface Toast {
  /** What it is about; the same thing is not told twice in a while. */
  readonly key: string;
  readonly title: string;
  readonly body: string;
}

/** Most toasts for one change; the panel has the rest. */
const mostAtOnce = 3;

/**
 * What is worth interrupting a person for between two views of the node: it is gone or back, an engine has failed, a
 * notice asks for them, money for the cloud runs low or out. Load, models and routine restarts are not. Pure.
 */
export function toasts(before: NodeView, now: NodeView): Toast[] {
  if (before.kind === 'connected' && now.kind === 'connected') {
    return changes(before.snapshot, now.snapshot).slice(0, mostAtOnce);
  }
  if (before.kind === 'connected' && now.kind === 'stopped') {
    const name = title(before.snapshot);
    return [{ key: 'gone', title: name, body: `${plainText(now.sentence, 160).replace(/\.$/u, '')}.` }];
  }
  // A start that failed: what was seen before was no node either, so that nothing else would tell.
  if (before.kind === 'starting' && now.kind === 'stopped') {
    return [{ key: 'not-started', title: 'Ranch Hand', body: plainText(now.sentence, 160) }];
  }
  return [];
}

function changes(before: NodeSnapshot, now: NodeSnapshot): Toast[] {
  const known = new Set(before.notices.map((notice) => notice.id));
  const notices: Toast[] = now.notices
    .filter((notice) => notice.severity === 'problem' && !known.has(notice.id))
    .map((notice) => ({ key: `notice:${notice.id}`, title: title(now), body: plainText(notice.sentence, 160) }));
  const money = moneyNews(before, now);
  // An engine's failure usually comes with a notice, which says it better.
  return [...money, ...(notices.length > 0 ? notices : failedEngines(before, now))];
}

/** A soft limit was reached, a budget is used up, or offloading was paused. */
function moneyNews(before: NodeSnapshot, now: NodeSnapshot): Toast[] {
  const budgetKey = ({ scope, period, unit }: Budget): string => `${scope}:${period}:${unit}`;
  const stateBefore = new Map(before.cloud.budgets.map((budget) => [budgetKey(budget), budget.state]));
  const budgets = now.cloud.budgets
    // One that was not there before was set just now, by somebody who saw it.
    // And one of nothing is not used up: it was meant so.
    .filter((budget) => budget.limit > 0 && isWorse(stateBefore.get(budgetKey(budget)), budget.state))
    .map((budget) => ({
      key: `budget:${budgetKey(budget)}:${budget.state}`,
      title: title(now),
      body: budgetSentence(budget),
    }));
  const { paused } = now.cloud;
  if (paused === null || paused.since === before.cloud.paused?.since) return budgets;
  // Where the ledger fails, the node tells it by a notice as well, in more words.
  const isTold = now.notices.some(
    ({ severity, sentence }) => severity === 'problem' && sentence.includes(paused.sentence),
  );
  if (isTold) return budgets;
  const body = plainText(paused.sentence, 160);
  return [{ key: `offload-paused:${paused.reason}`, title: title(now), body }, ...budgets];
}

type Budget = NodeSnapshot['cloud']['budgets'][number];

function isWorse(before: string | undefined, now: string): boolean {
  return (now === 'soft' && before === 'open') || (now === 'closed' && (before === 'open' || before === 'soft'));
}

function budgetSentence({ scope, period, unit, spent, limit, state }: Budget): string {
  const whose = scope === 'all' ? '' : ` of ${plainText(scope.slice(scope.indexOf(':') + 1), 60)}`;
  const amount = (value: number): string => (unit === 'usd' ? dollars(value) : value.toLocaleString('en-US'));
  const figures =
    unit === 'usd' ? `${amount(spent)} of ${amount(limit)}` : `${amount(spent)} of ${amount(limit)} ${unit}`;
  return state === 'closed'
    ? `The cloud budget of the ${period}${whose} is used up: ${figures}. Requests stay local until it begins anew.`
    : `The cloud budget of the ${period}${whose} nears its end: ${figures}. From now on only what asks for the cloud goes there.`;
}

function failedEngines(before: NodeSnapshot, now: NodeSnapshot): Toast[] {
  const stateBefore = new Map(before.engines.map((engine) => [engine.id, engine.state]));
  return now.engines
    .filter((engine) => engine.state === 'failed' && stateBefore.get(engine.id) !== 'failed')
    .map((engine) => ({ key: `engine:${engine.id}`, title: title(now), body: plainText(engine.sentence, 160) }));
}

function title(snapshot: NodeSnapshot): string {
  return plainText(snapshot.node.name, 60);
}

const quietMs = 10 * 60_000;
const mostKeys = 100;

/** Which toasts are due, given when each was last shown: the same thing at most once in ten minutes. Pure. */
export function dueToasts(
  candidates: readonly Toast[],
  shownAtMs: ReadonlyMap<string, number>,
  nowMs: number,
): { readonly show: readonly Toast[]; readonly shownAtMs: ReadonlyMap<string, number> } {
  const recent = [...shownAtMs].filter(([, at]) => nowMs - at < quietMs);
  const known = new Set(recent.map(([key]) => key));
  const show = candidates.filter((toast) => !known.has(toast.key));
  const marked = [...recent, ...show.map((toast): [string, number] => [toast.key, nowMs])];
  return { show, shownAtMs: new Map(marked.slice(-mostKeys)) };
}
