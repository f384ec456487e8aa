import { quotable } from '../base/quotable.ts';

const longestMessage = 500;

/** An upstream's sentence on one line and in a bounded length, without anything that looks like a key. */
export function sayable(message: string): string {
  // Masked before it is cut, or half a key at the end would look like none.
  const masked = message
    .slice(0, 64 * longestMessage)
    .replaceAll(/\bBearer\s+\S+/gi, 'Bearer …')
    .replaceAll(/\b(?:sk|pk|rk|rh|gsk|xai|api|key|token|engine)[-_][\w*-]{3,}(?:\.[\w*-]+)*/gi, '…')
    .replaceAll(/\bAIza[\w-]{10,}/g, '…');
  return quotable(masked, longestMessage);
}
