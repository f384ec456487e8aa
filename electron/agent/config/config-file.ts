import { issueText } from '../base/issue-text.ts';
import { isJsonObject, shown, valueAt, withoutValueAt, type JsonObject } from './setting-paths.ts';
import { settingsSchema, settingsVersion, type Settings } from './settings.ts';

/** What the text of a `config.json` amounts to. */
export type ConfigReading =
  | { readonly kind: 'missing' }
  /** Not JSON, or not an object: empty, cut off, filled with NULs. */
  | { readonly kind: 'corrupt'; readonly why: string }
  /** Written by a newer program. */
  | { readonly kind: 'newer'; readonly version: number; readonly raw: JsonObject; readonly settings: Settings }
  | {
      readonly kind: 'ok';
      readonly raw: JsonObject;
      readonly settings: Settings;
      /** One sentence for each value that was not valid and is not used. */
      readonly invalid: readonly string[];
      /** Dotted paths this program does not know; they stay in the file. */
      readonly unknown: readonly string[];
    };

/** Reads the text of a configuration file. Pure; `text` is null when there is no file. */
export function readConfigText(text: string | null): ConfigReading {
  if (text === null) return { kind: 'missing' };
  const raw = parseObject(text);
  if (typeof raw === 'string') return { kind: 'corrupt', why: raw };
  const { settings, invalid } = parseLeniently(raw);
  const version = raw['version'];
  if (typeof version === 'number' && version > settingsVersion) return { kind: 'newer', version, raw, settings };
  return { kind: 'ok', raw, settings, invalid, unknown: unknownPaths(raw, settings) };
}

function parseObject(text: string): JsonObject | string {
  if (text.replaceAll('\0', '').trim() === '') return text === '' ? 'it is empty' : 'it holds no text';
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : 'it is not a JSON object';
  } catch (error) {
    return error instanceof Error ? error.message : 'it is not JSON';
  }
}

/** Settings from what is valid in `raw`; whatever is not falls back to its default and is named. */
function parseLeniently(raw: JsonObject): { settings: Settings; invalid: string[] } {
  const invalid: string[] = [];
  let rest = raw;
  for (;;) {
    const result = settingsSchema.safeParse(rest);
    if (result.success) return { settings: result.data, invalid };
    const [issue] = result.error.issues;
    const path = issue?.path ?? [];
    const name = path.map(String).join('.');
    invalid.push(
      `${name} cannot be ${shown(valueAt(rest, name))}: ${issueText(result.error, rest, 'it')}. Its default is used.`,
    );
    rest = withoutValueAt(rest, path);
  }
}

/** Dotted paths in `raw` that the schema has dropped. */
function unknownPaths(raw: JsonObject, known: JsonObject, prefix = ''): string[] {
  return Object.entries(raw).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    if (key === '$schema' && prefix === '') return [];
    if (!Object.hasOwn(known, key)) return [path];
    const inner = known[key];
    return isJsonObject(value) && isJsonObject(inner) ? unknownPaths(value, inner, `${path}.`) : [];
  });
}
