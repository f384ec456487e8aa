import type { KeyringAnswer } from './keyring.ts';

/** Names one store for all keys: `file`, `keyring` or `credential`. */
export const storeVariable = 'RANCH_HAND_SECRETS_STORE';

/** The key is where this node may not look. */
export function forbiddenSentence(name: string): string {
  return `The key of ${name} is in the keyring of the system, and ${storeVariable}=file forbids to look there. Leave it out, or set the key again.`;
}

/** The keys of these providers are in a keyring that does not open. */
export function lockedSentence(names: string): string {
  return `The key of ${names} is in the keyring of this system, which is locked. Unlock it, by logging in to the desktop or in its own window; until then requests stay off the cloud.`;
}

/** What to do where the keyring did not do what it was asked. */
export function shutSentence(answer: KeyringAnswer): string {
  return answer.kind === 'absent'
    ? `The keyring of this system cannot be used, because ${answer.why}. Start the node where there is one; ${storeVariable}=file keeps keys in a file instead.`
    : `The keyring of this system is locked or did not take the key. Unlock it and try again; ${storeVariable}=file keeps keys in a file instead.`;
}
