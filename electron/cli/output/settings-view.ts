import { holdsAtOnce, type SettingRow } from '../../contract/control.ts';
import type { Palette } from './palette.ts';
import { table } from './table.ts';
import { safeJson, safeLine } from './text.ts';

/** A table of the settings in force and where each comes from, then what waits for the next start. */
export function settingsLines(rows: readonly SettingRow[], columns: number, palette: Palette): string[] {
  const heads = [{ title: 'Setting' }, { title: 'Value', shrinkTo: 10 }, { title: 'From' }];
  const cells = rows.map((row) => {
    const origin = safeLine(row.origin);
    return [
      safeLine(row.key),
      typedValue(row.value),
      row.origin === 'default' ? { text: origin, paint: palette.dim } : origin,
    ];
  });
  const waiting = rows.filter(waitsForRestart);
  return [
    ...table(heads, cells, { columns, head: palette.dim }),
    ...(waiting.length === 0 ? [] : ['']),
    ...waiting.map(({ key, valueAfterRestart }) =>
      palette.attention(`! ${safeLine(key)} becomes ${typedValue(valueAfterRestart)} ${whenTaken(key)}.`),
    ),
  ];
}

/** What holds at once waits only where it was written into the file by hand: then it comes with the next change too. */
function whenTaken(key: string): string {
  return holdsAtOnce(key)
    ? 'when the node starts again, or as soon as any setting is changed'
    : 'when the node starts again';
}

function waitsForRestart({ value, valueAfterRestart }: SettingRow): boolean {
  return JSON.stringify(value) !== JSON.stringify(valueAfterRestart);
}

/** A value as it is typed on the command line. */
function typedValue(value: unknown): string {
  return typeof value === 'string' ? safeLine(value) : safeJson(value);
}
