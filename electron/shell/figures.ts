/** Figures as people read them, and names made safe to show in a menu. Decimal point, as in the rest of the product. */

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
const gigabyte = 1024 ** 3;

/** Memory in GB, in steps of 1024 as memory is sold: whole from 10 up, one decimal below. No unit. */
export function memoryGb(bytes: number): string {
  return decimal(bytes / gigabyte);
}

/** The size of a file with its unit, in the same steps. */
export function fileSize(bytes: number): string {
  let value = Math.max(0, bytes);
  let step = 0;
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${step < 2 ? value.toFixed(0) : decimal(value)} ${units[step] ?? 'B'}`;
}

/** Such as `4.31 tok/s`, `17.8 tok/s`, `142 tok/s`. */
export function speed(tokensPerSecond: number): string {
  if (tokensPerSecond <= 0) return '0 tok/s';
  if (tokensPerSecond >= 99.95) return `${tokensPerSecond.toFixed(0)} tok/s`;
  return `${tokensPerSecond.toFixed(tokensPerSecond >= 9.995 ? 1 : 2)} tok/s`;
}

/** Such as `62 %`. */
export function percent(value: number): string {
  return `${Math.round(value)} %`;
}

/** Such as `$1.84`, `$1,204.50`, `$0.0042`: small sums keep figures that say something. */
export function dollars(usd: number): string {
  if (usd > 0 && usd < 0.00995) return usd < 0.0001 ? '<$0.0001' : `$${usd.toFixed(4)}`;
  return `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** The time of day here of an ISO time, with its day where that is not today: `16:05`, `Tue 00:00`, `Nov 24 16:05`. */
export function clockTime(iso: string, nowMs: number): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return 'a time that is not known';
  const time = [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
  const days = Math.round((midnight(at) - midnight(new Date(nowMs))) / 86_400_000);
  if (days === 0) return time;
  const isNear = days > 0 && days < 7;
  const day = at.toLocaleDateString('en-US', isNear ? { weekday: 'short' } : { month: 'short', day: 'numeric' });
  return `${day} ${time}`;
}

/** Days apart by the calendar, whatever the clock did in between. */
function midnight(at: Date): number {
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
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
