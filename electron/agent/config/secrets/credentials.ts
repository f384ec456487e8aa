import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import { judgeSecret } from './secret-value.ts';

export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly value: string }
  /** It is there and cannot be used. */
  | { readonly kind: 'problem'; readonly sentence: string };

/** What the operator calls the credential of a provider in the unit file. */
export function credentialName(provider: string): string {
  return `ranch-hand-${provider}`;
}

/**
 * The key that systemd handed to this service, in a file that only the service can see (`LoadCredential=` and the like
 * in the unit). Read only: what is there changes with the unit, and with a restart.
 */
export function readCredential(provider: string, folder: string | undefined): Credential {
  if (folder === undefined || folder === '') return { kind: 'none' };
  const name = credentialName(provider);
  let text: string;
  try {
    text = readFileSync(join(folder, name), 'utf8');
  } catch (error) {
    const code = systemErrorCode(error) ?? 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'none' };
    return { kind: 'problem', sentence: `The systemd credential ${name} cannot be read (${code}). Look at the unit.` };
  }
  const judged = judgeSecret(text);
  if (judged.kind === 'key') return judged;
  return {
    kind: 'problem',
    sentence: `The systemd credential ${name} is no key. Put the key alone into it and restart the node.`,
  };
}
