import type { SecretRow } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import { assertNever } from '../../base/errors.ts';
import { credentialName } from './credentials.ts';
import { lockedSentence, storeVariable } from './secret-sentences.ts';
import type { SecretReading, Store } from './store-choice.ts';

/** What decides why keys are in a file. */
export interface FileReason {
  readonly only: Store | null;
  /** Why there is no keyring; null where there is one, or nobody knows yet. */
  readonly absence: string | null;
}

export interface NoticeFacts extends FileReason {
  /** When this node began to look, as an ISO time. */
  readonly since: string;
  readonly problems: readonly { readonly id: string; readonly sentence: string }[];
  /** Where keys are in plain text; null where none is. */
  readonly plainFile: string | null;
  /** Providers whose keys the keyring has not given, in order. */
  readonly shut: readonly string[];
}

/** What the operator should know of where keys are kept. Pure. */
export function secretNotices({ since, problems, plainFile, shut, ...reason }: NoticeFacts): Notice[] {
  const told = problems.map(({ id, sentence }) => notice(id, sentence, since));
  if (plainFile !== null) {
    const sentence = `Keys are kept in a file (${plainFile}) that only this user may read, because ${whyFile(reason)}. ${insteadOfFile(reason)}`;
    told.push(notice('secrets-in-file', sentence, since, reason.only === 'file' ? 'info' : 'warning'));
  }
  if (shut.length > 0) told.push(notice('secrets-locked', lockedSentence(shut.join(', ')), since));
  return told;
}

/** How the key of a provider stands. Pure. */
export function secretRow(
  provider: string,
  { reading, store, ...reason }: FileReason & { readonly reading: SecretReading; readonly store: Store | null },
): SecretRow {
  switch (reading.kind) {
    case 'locked':
      return { provider, state: 'locked', store, sentence: reading.sentence };
    case 'missing':
      return { provider, state: 'missing', store: null, sentence: null };
    case 'key':
      return {
        provider,
        state: 'set',
        store,
        sentence: store === null ? null : storeSentence(provider, store, reason),
      };
    default:
      return assertNever(reading);
  }
}

function storeSentence(provider: string, store: Store, reason: FileReason): string | null {
  switch (store) {
    case 'keyring':
      return null;
    case 'credential':
      return `Comes from the systemd credential ${credentialName(provider)}; it is changed in the unit.`;
    case 'file':
      return `Kept in a file that only this user may read, because ${whyFile(reason)}.`;
    default:
      return assertNever(store);
  }
}

function whyFile({ only, absence }: FileReason): string {
  if (only === 'file') return `${storeVariable} says so`;
  return absence ?? 'the keyring of this system could not be used when they were set';
}

function insteadOfFile({ only }: FileReason): string {
  return only === 'file'
    ? 'Leave that variable out and set them again to have them in the keyring of the system.'
    : 'Set them again once there is a keyring, or hand them over as systemd credentials.';
}

function notice(id: string, sentence: string, since: string, severity: Notice['severity'] = 'warning'): Notice {
  return { id, severity, sentence, since, fix: null };
}
