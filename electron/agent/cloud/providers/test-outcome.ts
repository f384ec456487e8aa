import { AppError } from '../../base/errors.ts';
import type { ServedModel } from '../../inference/upstream.ts';
import type { ProviderEvent } from './condition.ts';

export interface TestAnswer {
  readonly status: number;
  readonly text: string;
  readonly event: ProviderEvent;
}

/** What the answer to a request for the list of models comes to, as a sentence or an error. Pure. */
export function testOutcome(
  { status, text, event }: TestAnswer,
  name: string,
  models: readonly ServedModel[],
): string | AppError {
  if (event.kind === 'unauthorised') {
    return failed(`${name} refused the key (status ${status}). Set another one, then test again.`, status);
  }
  if (event.kind === 'out-of-money') {
    return failed(`${name} says that the account is used up. Look after it there, then test again.`, status);
  }
  if (status === 404 || status === 405) {
    return failed(`${name} has no list of models at its address (status ${status}). Check its url and kind.`, status);
  }
  if (event.kind === 'busy') return failed(`${name} is busy (status ${status}). Test again in a moment.`, status);
  if (status !== 200) return failed(`${name} answered with status ${status}. Test again later.`, status);
  const listed = idsOf(text);
  if (!listed)
    return failed(`${name} answered with something that is no list of models. Check its url and kind.`, status);
  const usable = models.filter(({ id }) => isListed(id, listed)).length;
  if (usable === 0) return `${name} answers; it lists none of the models that have a price here.`;
  return usable === 1
    ? `${name} answers; 1 of its models may be used.`
    : `${name} answers; ${usable} of its models may be used.`;
}

function failed(sentence: string, status: number): AppError {
  return new AppError('upstream_failed', sentence, { context: { status } });
}

/** `{"data":[{"id":…}]}`; null for what is no such list. */
function idsOf(text: string): string[] | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const rows = typeof json === 'object' && json !== null && 'data' in json ? json.data : null;
  if (!Array.isArray(rows)) return null;
  return rows.flatMap((row: unknown) => {
    const isRow = typeof row === 'object' && row !== null && 'id' in row && typeof row.id === 'string';
    // Gemini's ids have their kind before them.
    return isRow ? [String(row.id).replace(/^models\//, '')] : [];
  });
}

/** Lists name dated versions of what is asked for without a date. A list without any says nothing. */
function isListed(id: string, listed: readonly string[]): boolean {
  return (
    listed.length === 0 ||
    listed.some((each) => each === id || (each.startsWith(`${id}-`) && /^\d{4}/.test(each.slice(id.length + 1))))
  );
}
