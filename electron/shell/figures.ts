/** Figures as people read them, and names made safe to show in a menu. Decimal point, as in the rest of the product. */

const gibibyte = 1024 ** 3;
const gigabyte = 1e9;

/** Memory in GB as operating systems count it (2^30 bytes): whole from 10 up, one decimal below. No unit. */
export function memoryGb(bytes: number): string {
  return decimal(bytes / gibibyte);
}

/** The size of a file, with its unit, as download pages count it (10^9 bytes). */
export function fileSize(bytes: number): string {
  return bytes >= gigabyte / 10 ? `${decimal(bytes / gigabyte)} GB` : `${decimal(bytes / 1e6)} MB`;
}

/** Such as `17.8 tok/s`; whole from 100 up. */
export function speed(tokensPerSecond: number): string {
  if (tokensPerSecond <= 0) return '0 tok/s';
  return `${tokensPerSecond < 100 ? tokensPerSecond.toFixed(1) : tokensPerSecond.toFixed(0)} tok/s`;
}

/** Such as `62 %`. */
export function percent(value: number): string {
  return `${Math.round(value)} %`;
}

function decimal(value: number): string {
  return value >= 9.95 ? value.toFixed(0) : value.toFixed(1);
}

// C0 and C1 controls (terminal colours begin with one), zero-width characters, and every mark that turns the
// direction of text around: a name could otherwise draw over what stands beside it.
const unprintable =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;
const ansiSequence = /\u001b\[[0-?]*[ -/]*[@-~]/gu;

/** Text from outside in one harmless line of at most `longest` characters. */
export function plainText(text: string, longest: number): string {
  const clean = text.replace(ansiSequence, '').replace(unprintable, ' ').replace(/\s+/gu, ' ').trim();
  const characters = Array.from(clean);
  return characters.length <= longest
    ? clean
    : `${characters
        .slice(0, longest - 1)
        .join('')
        .trimEnd()}…`;
}
