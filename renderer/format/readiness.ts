import { type Outage } from '../../electron/contract/control.ts';
import { type NodeSnapshot } from '../../electron/contract/snapshot.ts';
import { formatAvailability } from './numbers.ts';
import { formatSpan, parseTime } from './time.ts';

type Availability = NodeSnapshot['node']['availability'];

/** Time ready over one window, against the goal. */
export interface ReadyWindow {
  readonly name: string;
  readonly figure: string;
  /** Null while either is not known. */
  readonly meetsGoal: boolean | null;
}

/** The three windows of an availability; `goal` is a share 0–1. */
export function readyWindows(availability: Availability, goal: number | null): readonly ReadyWindow[] {
  const windows = [
    ['24 hours', availability.day],
    ['7 days', availability.week],
    ['30 days', availability.month],
  ] as const;
  return windows.map(([name, share]) => ({
    name,
    figure: share === null ? 'Not yet' : formatAvailability(share),
    meetsGoal: share === null || goal === null ? null : share >= goal,
  }));
}

/** How long an outage took, or that it lasts: "for 42 s", "for 3 min 5 s so far". */
export function outageSpan(outage: Pick<Outage, 'from' | 'to'>, now: number): string | null {
  const from = parseTime(outage.from);
  if (from === null) return null;
  const to = parseTime(outage.to);
  return to === null ? `for ${formatSpan(now - from)} so far` : `for ${formatSpan(to - from)}`;
}
