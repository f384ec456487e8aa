import type { NodeSnapshot } from '../contract/snapshot.ts';
import { plainText } from './figures.ts';
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
 * notice asks for them. Load, models and routine restarts are not. Pure.
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
  const notices = now.notices
    .filter((notice) => notice.severity === 'problem' && !known.has(notice.id))
    .map((notice) => ({ key: `notice:${notice.id}`, title: title(now), body: plainText(notice.sentence, 160) }));
  // An engine's failure usually comes with a notice, which says it better.
  return notices.length > 0 ? notices : failedEngines(before, now);
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
