import type { LogLine } from '../../contract/control.ts';
import { timeOfDay } from './figures.ts';
import type { Palette } from './palette.ts';
import { safeLine } from './text.ts';

/** One line of an engine's log. Foreign text: what a terminal would obey is made visible. */
export function logText(entry: LogLine, palette: Palette): string {
  const text = safeLine(entry.text);
  return `${palette.dim(timeOfDay(entry.at))} ${entry.stream === 'stderr' ? palette.attention(text) : text}`;
}
