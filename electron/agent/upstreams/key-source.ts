import { systemErrorCode } from '../base/errors.ts';
import type { ServerSettings } from './server-settings.ts';

export type ServerKey =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly value: string }
  /** A key is asked for and cannot be had. */
  | { readonly kind: 'problem'; readonly sentence: string };

export interface KeySourceDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
}

const printable = /^[\x21-\x7e]{1,4096}$/;

/** The server's key from where the settings say it is. Sentences name the place and never the key. */
export async function readServerKey(
  { id, keyFile, keyEnv }: Pick<ServerSettings, 'id' | 'keyFile' | 'keyEnv'>,
  { env, readFile }: KeySourceDeps,
): Promise<ServerKey> {
  if (keyFile !== undefined) {
    try {
      return checked((await readFile(keyFile)).trim(), `The key file ${keyFile} of the server ${id}`);
    } catch (error) {
      const cause = systemErrorCode(error) ?? 'no text';
      return {
        kind: 'problem',
        sentence: `The key file ${keyFile} of the server ${id} cannot be read (${cause}). Check its path and who may read it.`,
      };
    }
  }
  if (keyEnv === undefined) return { kind: 'none' };
  return checked((env[keyEnv] ?? '').trim(), `The environment variable ${keyEnv} with the key of the server ${id}`);
}

function checked(value: string, place: string): ServerKey {
  if (value === '')
    return { kind: 'problem', sentence: `${place} is empty. Put the key there and start the node anew.` };
  if (printable.test(value)) return { kind: 'key', value };
  return { kind: 'problem', sentence: `${place} holds more than a key. Put the key alone on one line there.` };
}
