import type { Check, Verdict } from '../doctor/check.ts';
import { counted } from './figures.ts';
import type { Paint, Palette } from './palette.ts';
import { safeLine, wrap } from './text.ts';

const marks: Readonly<Record<Verdict, string>> = { ok: '✓', warning: '!', problem: '✗' };
const indent = 16;

/** One paragraph a check: verdict, title, reason, and what to do where there is something to do. */
export function doctorLines(checks: readonly Check[], columns: number, palette: Palette): string[] {
  return [...checks.flatMap((check) => oneCheck(check, columns, palette)), '', summary(checks)];
}

/** "8 checks are fine, 1 warning, 1 problem." */
export function summary(checks: readonly Check[]): string {
  const of = (verdict: Verdict): number => checks.filter((check) => check.verdict === verdict).length;
  return `${counted(of('ok'), 'check')} fine, ${counted(of('warning'), 'warning')}, ${counted(of('problem'), 'problem')}.`;
}

function oneCheck(check: Check, columns: number, palette: Palette): string[] {
  const room = Math.max(20, columns - indent);
  const [first = '', ...rest] = wrap(safeLine(check.reason), room);
  const head = `${paintOf(check.verdict, palette)(marks[check.verdict])} ${palette.strong(check.title.padEnd(indent - 2))}${first}`;
  const fix = check.fix === null ? [] : wrap(safeLine(check.fix), room).map((text) => palette.accent(text));
  return [head, ...[...rest, ...fix].map((text) => ' '.repeat(indent) + text)];
}

function paintOf(verdict: Verdict, palette: Palette): Paint {
  switch (verdict) {
    case 'ok':
      return palette.good;
    case 'warning':
      return palette.attention;
    case 'problem':
      return palette.bad;
  }
}
