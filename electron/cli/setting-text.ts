import { resolve } from 'node:path';
import { meansPath, pathOrNameSettings, pathSettings } from '../contract/control.ts';

/**
 * What a person typed for a setting, as the agent must get it. Only a path changes: it is meant from the folder that
 * the person is in, which the agent does not know. What else the text means, the agent decides.
 */
export function settingText(key: string, text: string, folder: string): string {
  const isPath = pathSettings.includes(key) || (pathOrNameSettings.includes(key) && meansPath(unquoted(text)));
  if (!isPath || text === '' || text === 'null') return text;
  return resolve(folder, unquoted(text));
}

/** The agent takes JSON too, so a path may have come in quotes. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}
