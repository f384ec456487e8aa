import { hash, randomBytes } from 'node:crypto';

/** So much of a key is kept, for people to know it by. */
const prefixLength = 9;

/** A new key's text, and what of it is kept. */
export function newSecret(): { readonly secret: string; readonly prefix: string; readonly hash: Buffer } {
  const secret = `rh_${randomBytes(32).toString('base64url')}`;
  return { secret, prefix: secret.slice(0, prefixLength), hash: hashOf(secret) };
}

/**
 * One round of SHA-256 and no slow hash: a key is 32 random bytes, which nobody guesses however fast guessing is, and
 * every request is checked.
 */
export function hashOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** The first bytes of a hash. What a lookup's time could tell of a hash leads nobody to its key. */
export function indexOf(hash: Buffer): string {
  return hash.toString('latin1', 0, 8);
}
