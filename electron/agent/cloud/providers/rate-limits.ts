type Headers = ReadonlyMap<string, string>;

/** What may run out, by the names in Anthropic's headers and in those of OpenAI's form. */
const anthropicKinds = ['requests', 'tokens', 'input-tokens', 'output-tokens'] as const;
const openAiKinds = ['requests', 'tokens'] as const;
const dayMs = 86_400_000;
/** Numbers above this are times since the epoch: seconds, and from a thousand times as much on milliseconds. */
const leastEpochS = 1e9;

/**
 * How long nothing more may come, milliseconds, by the headers of an answer that tell what is left: the longest of what
 * has run out. Null where something is left of all, or no time is told. Pure; `nowMs` is the wall clock's.
 */
export function fullForMs(headers: Headers, nowMs: number): number | null {
  const waits = [
    ...anthropicKinds.map((kind) => {
      const name = `anthropic-ratelimit-${kind}`;
      return waitOf(headers.get(`${name}-remaining`), headers.get(`${name}-reset`), nowMs);
    }),
    ...openAiKinds.map((kind) =>
      waitOf(headers.get(`x-ratelimit-remaining-${kind}`), headers.get(`x-ratelimit-reset-${kind}`), nowMs),
    ),
    waitOf(headers.get('x-ratelimit-remaining'), headers.get('x-ratelimit-reset'), nowMs),
  ].filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.max(...waits);
}

function waitOf(remaining: string | undefined, reset: string | undefined, nowMs: number): number | null {
  if (remaining === undefined || reset === undefined || !/^-?\d+(?:\.\d+)?$/.test(remaining.trim())) return null;
  if (Number(remaining) > 0) return null;
  const wait = resetInMs(reset.trim(), nowMs);
  return wait === null || wait <= 0 ? null : Math.min(wait, dayMs);
}

/** `6m0s`, `88ms`, seconds, a time since the epoch, or a date. */
function resetInMs(text: string, nowMs: number): number | null {
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    const value = Number(text);
    if (value < leastEpochS) return value * 1_000;
    return (value < leastEpochS * 1_000 ? value * 1_000 : value) - nowMs;
  }
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/.exec(text);
  if (parts && text !== '') {
    const [days = 0, hours = 0, minutes = 0, seconds = 0, ms = 0] = parts.slice(1).map(numberOf);
    return ((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1_000 + ms;
  }
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : dateMs - nowMs;
}

/** 0 for a part of a match that is not there. */
function numberOf(part: string | undefined): number {
  return Number(part ?? 0);
}
