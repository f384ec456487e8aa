import picocolors from 'picocolors';
import type { Colors } from 'picocolors/types.js';

/** Wraps a text in a colour, or leaves it alone where colours are off. */
export type Paint = (text: string) => string;

/** The few meanings that colour carries. Each is also said by a word or a shape, so nothing is lost without it. */
export interface Palette {
  readonly plain: Paint;
  readonly strong: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly attention: Paint;
  readonly bad: Paint;
  readonly accent: Paint;
}

export function makePalette(coloured: boolean): Palette {
  const colors: Colors = picocolors.createColors(coloured);
  return {
    plain: (text) => text,
    strong: colors.bold,
    dim: colors.dim,
    good: colors.green,
    attention: colors.yellow,
    bad: colors.red,
    accent: colors.cyan,
  };
}

/**
 * Colours only on a terminal that can, and never against NO_COLOR (https://no-color.org). Node leaves `isTTY` undefined
 * where there is no terminal, and the colours' library would then decide for itself.
 */
export function wantsColour(
  isTerminal: boolean | undefined,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const noColour = env['NO_COLOR'];
  if (noColour !== undefined && noColour !== '') return false;
  return isTerminal === true && env['TERM'] !== 'dumb';
}
