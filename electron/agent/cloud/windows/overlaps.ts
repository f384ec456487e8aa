import type { WindowSettings } from '../../../contract/cloud.ts';
import { quotable } from '../../base/quotable.ts';
import { weekdays } from '../budget/zoned-time.ts';
import { isOpenAt } from './window.ts';

/** Another node, as far as its settings are known. */
export interface NodeWindows {
  readonly node: string;
  readonly windows: readonly WindowSettings[];
  /** Minutes that its clocks are ahead of ours: nodes may be in different time zones. */
  readonly aheadMinutes?: number;
}

const weekMinutes = 7 * 24 * 60;

/**
 * Windows of this node that are open at the same time as another's for the same provider or model, one sentence each. A
 * node without a window for it is left out: it takes part in no round. Pure.
 */
export function overlaps(mine: readonly WindowSettings[], others: readonly NodeWindows[]): string[] {
  const targets = [...new Set(mine.map(({ target }) => target))];
  return targets.flatMap((target) => {
    const own = openMinutes(mine.filter((window) => window.target === target));
    return others.flatMap(({ node, windows, aheadMinutes = 0 }) => {
      const theirs = openMinutes(windows.filter((window) => isRelated(window.target, target)));
      const shared = own.map((isOpen, minute) => isOpen && theirs[modulo(minute + aheadMinutes)] === true);
      const total = shared.filter(Boolean).length;
      return total === 0 ? [] : [sentence(target, node, shared, total)];
    });
  });
}

/** The same, or one the provider of the other. */
function isRelated(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/** For each minute of the week, from Monday's first, whether any of the windows is open. */
function openMinutes(windows: readonly WindowSettings[]): boolean[] {
  return Array.from({ length: weekMinutes }, (_, at) => {
    const wall = { weekday: Math.floor(at / 1440) + 1, hour: Math.floor((at % 1440) / 60), minute: at % 60 };
    return windows.some((window) => isOpenAt(window, wall));
  });
}

function sentence(target: string, node: string, shared: readonly boolean[], total: number): string {
  const what = quotable(target, 120);
  const who = quotable(node, 63);
  const mend = 'Give each node minutes of its own.';
  if (total === weekMinutes) return `${what} is open here and on ${who} all the time. ${mend}`;
  const first = shared.findIndex((both, minute) => both && shared[modulo(minute - 1)] !== true);
  const length = shared.slice(first).concat(shared).indexOf(false);
  const day = weekdays[Math.floor(first / 1440)] ?? '';
  return `${what} is open here and on ${who} at the same time for ${total.toLocaleString('en-US')} ${total === 1 ? 'minute' : 'minutes'} a week, such as on ${day} from ${clock(first)} to ${clock(first + length)}. ${mend}`;
}

function clock(minute: number): string {
  const at = modulo(minute) % 1440;
  return `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`;
}

function modulo(minute: number): number {
  return ((minute % weekMinutes) + weekMinutes) % weekMinutes;
}
