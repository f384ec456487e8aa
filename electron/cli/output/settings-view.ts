import type { Palette } from './palette.ts';
import { table } from './table.ts';
import { safeJson, safeLine } from './text.ts';

/** One setting and its value as it is typed on the command line. */
export interface Setting {
  readonly key: string;
  readonly value: string;
}

/** Settings by section as flat `section.key` pairs, in the order the agent tells them. */
export function flatSettings(settings: Readonly<Record<string, unknown>>, prefix = ''): Setting[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const key = prefix + name;
    if (isSection(value)) return flatSettings(value, `${key}.`);
    return [{ key: safeLine(key), value: typeof value === 'string' ? safeLine(value) : safeJson(value) }];
  });
}

export function settingsLines(settings: readonly Setting[], columns: number, palette: Palette): string[] {
  if (settings.length === 0) return ['Every setting has its default.'];
  const rows = settings.map(({ key, value }) => [key, value]);
  return table([{ title: 'Setting' }, { title: 'Value', shrinkTo: 10 }], rows, { columns, head: palette.dim });
}

/** What is typed as a setting's value: JSON where it is JSON (a number, true, a list), else the text itself. */
export function parseSettingValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}
