import { AppError } from '../../base/errors.ts';
import type { Credential } from './credentials.ts';
import type { KeptSecret } from './secret-file.ts';
import { forbiddenSentence, storeVariable } from './secret-sentences.ts';

/** A provider's key, or why there is none. */
export type SecretReading =
  | { readonly kind: 'key'; readonly value: string }
  | { readonly kind: 'missing' }
  /** It is kept somewhere that does not open at present; `sentence` says what to do. */
  | { readonly kind: 'locked'; readonly sentence: string };

const stores = ['file', 'keyring', 'credential'] as const;
export type Store = (typeof stores)[number];

/** What is known of a key without asking the keyring. */
export interface KeyFacts {
  readonly credential: Credential;
  /** What the file has of it: the key itself, or that it is in the keyring. */
  readonly kept: KeptSecret | null;
  /** The file could not be read: nobody knows any more which keys are in the keyring. */
  readonly lost: boolean;
}

/** `noted`: the file says that the key is in the keyring. */
export type Lookup =
  { readonly kind: 'known'; readonly reading: SecretReading } | { readonly kind: 'keyring'; readonly noted: boolean };

/**
 * The one store that the environment allows; null for all of them.
 *
 * @throws AppError `settings_invalid` for one that there is none of
 */
export function onlyStore(text: string | undefined): Store | null {
  if (text === undefined || text === '') return null;
  const store = stores.find((each) => each === text);
  if (store !== undefined) return store;
  throw new AppError(
    'settings_invalid',
    `${storeVariable} must be one of ${stores.join(', ')}. Change it or leave it out.`,
  );
}

/** Where a key is to be looked for, or what is known of it already. Pure. */
export function whereToLook(name: string, { credential, kept, lost }: KeyFacts, only: Store | null): Lookup {
  if (credential.kind === 'key') return known(credential);
  if (credential.kind === 'problem') return known(locked(credential.sentence));
  if (only === 'credential') return known({ kind: 'missing' });
  if (kept?.store === 'file')
    return known(only === 'keyring' ? { kind: 'missing' } : { kind: 'key', value: kept.value });
  // Nobody is asked to unlock a keyring for a key that was never put there.
  if (kept === null && !lost) return known({ kind: 'missing' });
  if (only === 'file') return known(kept === null ? { kind: 'missing' } : locked(forbiddenSentence(name)));
  return { kind: 'keyring', noted: kept !== null };
}

/** Where a key is, or would have to be; null where there is none. Pure. */
export function storeOf({ credential, kept, lost }: KeyFacts): Store | null {
  if (credential.kind !== 'none') return 'credential';
  return kept?.store ?? (lost ? 'keyring' : null);
}

export function locked(sentence: string): SecretReading {
  return { kind: 'locked', sentence };
}

function known(reading: SecretReading): Lookup {
  return { kind: 'known', reading };
}
