import { span, unknownFigure } from './figures.ts';

const dayMs = 86_400_000;

/** A time here, with as much of its day as tells it from today: "16:05", "tomorrow 00:00", "Tue Nov 24 16:05". */
export function moment(iso: string, nowMs: number): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return unknownFigure;
  const time = timeOf(at);
  const days = Math.round((midnight(at.getTime()) - midnight(nowMs)) / dayMs);
  if (days === 0) return time;
  if (days === 1) return `tomorrow ${time}`;
  if (days === -1) return `yesterday ${time}`;
  return `${dayOf(at, nowMs)} ${time}`;
}

/** "16:05 (in 1 h 59 min)"; a time that has passed is told without. */
export function momentToCome(iso: string, nowMs: number): string {
  const leftMs = Date.parse(iso) - nowMs;
  const at = moment(iso, nowMs);
  return leftMs >= 1_000 ? `${at} (in ${span(leftMs)})` : at;
}

/** As short as it can be told: "00:00" within the next 24 hours, else the day, "Nov 30". */
export function shortMoment(iso: string, nowMs: number): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return unknownFigure;
  const leftMs = at.getTime() - nowMs;
  return leftMs > 0 && leftMs <= dayMs
    ? timeOf(at)
    : at.toLocaleDateString('en-US', { month: 'short', day: 'numeric' });
}

/** A day, and its year where that is not this one: "Tue Nov 24". */
export function day(iso: string, nowMs: number): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? unknownFigure : dayOf(at, nowMs);
}

function timeOf(at: Date): string {
  return [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}

function dayOf(at: Date, nowMs: number): string {
  const isThisYear = at.getFullYear() === new Date(nowMs).getFullYear();
  const parts = { weekday: 'short', month: 'short', day: 'numeric' } as const;
  return at.toLocaleDateString('en-US', isThisYear ? parts : { ...parts, year: 'numeric' }).replaceAll(',', '');
}

function midnight(atMs: number): number {
  const at = new Date(atMs);
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
}
