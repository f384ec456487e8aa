import { resolve } from 'node:path';
import { meansPath, pathOrNameSettings, pathSettings } from '../../contract/control.ts';
import { AppError } from '../base/errors.ts';
import { issueText } from '../base/issue-text.ts';
import { defaultSettings, settingsSchema } from './settings.ts';

/** A plain JSON object. */
export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Dotted paths of every single setting, such as `gateway.port`; `version` is the agent's own and not among them. */
export const settingPaths: readonly string[] = leafPaths(defaultSettings).filter((path) => path !== 'version');

function leafPaths(value: JsonObject, prefix = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    // An object that is empty by default is one setting: a table whose keys are the operator's.
    return isJsonObject(inner) && Object.keys(inner).length > 0 ? leafPaths(inner, path) : [path];
  });
}

/** The environment variable that sets `path`: `gateway.drainMs` is `RANCH_HAND_GATEWAY_DRAIN_MS`. */
export function environmentName(path: string): string {
  const words = path.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('.', '_');
  return `RANCH_HAND_${words.toUpperCase()}`;
}

/** The value at a dotted path; undefined where there is none. Only own properties count. */
export function valueAt(root: unknown, path: string): unknown {
  let value: unknown = root;
  for (const key of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** A copy of `root` with the value at `path` replaced; what is not an object on the way becomes one. */
export function withValueAt(root: JsonObject, path: string, value: unknown): JsonObject {
  const [key = '', ...rest] = path.split('.');
  const inner = Object.hasOwn(root, key) ? root[key] : undefined;
  const next = rest.length === 0 ? value : withValueAt(isJsonObject(inner) ? inner : {}, rest.join('.'), value);
  return { ...root, [key]: next };
}

/** A copy of `root` without the value at `path`. */
export function withoutValueAt(root: JsonObject, path: readonly PropertyKey[]): JsonObject {
  const [first, ...rest] = path;
  const key = String(first);
  const inner = root[key];
  if (rest.length > 0 && isJsonObject(inner)) return { ...root, [key]: withoutValueAt(inner, rest) };
  return Object.fromEntries(Object.entries(root).filter(([name]) => name !== key));
}

/**
 * The value that `text` (from a command line or the environment) means for the setting at `path`: JSON where that
 * fits, else the text itself, so that paths and names need no quotes. A relative path counts from `folder`, where one is
 * given.
 *
 * @throws AppError `settings_invalid` for a setting that does not exist or a value it cannot have.
 */
export function parseSettingText(path: string, text: string, folder?: string): unknown {
  const asPath = (value: unknown): unknown => {
    if (folder === undefined || typeof value !== 'string' || value === '') return value;
    const isPath = pathSettings.includes(path) || (pathOrNameSettings.includes(path) && meansPath(value));
    return isPath ? resolve(folder, value) : value;
  };
  const candidates = [parsedJson(text), text].filter((value) => value !== undefined).map(asPath);
  for (const value of candidates) {
    if (problemWith(path, value) === null) return value;
  }
  throw new AppError('settings_invalid', problemWith(path, candidates[0]) ?? `${path} cannot be set.`);
}

/** Why `value` cannot stand at `path`, in a sentence; null when it can. */
export function problemWith(path: string, value: unknown): string | null {
  if (!settingPaths.includes(path)) return noSetting(path);
  const settings = withValueAt({}, path, value);
  const result = settingsSchema.safeParse(settings);
  if (result.success) return null;
  return `${path} cannot be ${shown(value)}: ${issueText(result.error, settings, 'it')}.`;
}

/** What to name instead: the setting that the path goes into, else those of its section, else the sections. */
function noSetting(path: string): string {
  const whole = settingPaths.find((known) => path.startsWith(`${known}.`));
  if (whole !== undefined) {
    const rest = path.slice(whole.length + 1).split('.');
    const isTable = isJsonObject(valueAt(defaultSettings, whole));
    const lead = `There is no setting ${path}. ${whole} is one setting`;
    if (!isTable || rest.includes('')) return `${lead}, which is set as a whole.`;
    const example = JSON.stringify(withValueAt({}, rest.join('.'), '…'));
    return `${lead}, a table that is set as a whole, as JSON: ranch-hand settings set ${whole} '${example}'. To keep what is in it, write that too.`;
  }
  const [section = ''] = path.split('.');
  const near = settingPaths.filter((known) => known.startsWith(`${section}.`));
  if (near.length > 0) return `There is no setting ${path}. In ${section} there are: ${near.join(', ')}.`;
  const sections = new Set(settingPaths.map((known) => known.split('.')[0]));
  return `There is no setting ${path}. Settings begin with one of: ${[...sections].join(', ')}. All are listed by "ranch-hand settings".`;
}

/** A value cut to a length that fits a message. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
