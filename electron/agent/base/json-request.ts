import { AppError } from './errors.ts';
import { headerValues } from './local-request.ts';

/**
 * Judges whether a request's body is declared as JSON: by exactly one Content-Type, for two readers of two would see
 * two different requests. A body without a type passes where no browser is involved; some command-line callers send
 * none, and a web page cannot leave out both Origin and Sec-Fetch-Site.
 *
 * @param rawHeaders names and values by turns, as received, doubles included
 * @returns null when it may pass, else `unsupported_media_type`
 */
export function judgeJsonType(rawHeaders: readonly string[]): AppError | null {
  const types = headerValues(rawHeaders, 'content-type');
  const [type] = types;
  if (type === undefined && !fromBrowser(rawHeaders)) return null;
  if (types.length === 1 && /^application\/json\s*(;|$)/i.test(type?.trim() ?? '')) return null;
  return new AppError(
    'unsupported_media_type',
    'The body must be JSON. Send it with one Content-Type: application/json.',
  );
}

function fromBrowser(rawHeaders: readonly string[]): boolean {
  return ['origin', 'sec-fetch-site'].some((name) => headerValues(rawHeaders, name).length > 0);
}
