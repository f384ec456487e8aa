import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { renameSync } from 'node:fs';
import type { KeyRow, Policy } from '../../../contract/keys.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import { quotable } from '../../base/quotable.ts';
import type { Logger } from '../../base/logger.ts';
import { KeyFile, LaterKeyFile, type StoredKey } from './key-file.ts';

export interface KeyStoreOptions {
  /** Absolute path of keys.db; its folder must be there. */
  readonly file: string;
}

/** Why nobody gets in by a key, for a person, and since when. */
export interface KeyProblem {
  readonly sentence: string;
  readonly since: string;
}

/** Use is written together, off the way of answers: a kill loses at most this much of it. */
const writeAfterMs = 5_000;
const mostKeys = 1_000;
/** Revoked ones stay in the list, and known as revoked, until there are more than this. */
const mostRevoked = 200;
const prefixLength = 9;

/** Requests with a key that its row does not tell of yet. */
interface Use {
  /** When the latest one came, milliseconds since the epoch, and from where; null when none came. */
  last: { readonly atMs: number; readonly from: string } | null;
  requests: number;
  tokens: number;
}

type State =
  /** `file` is null until the first key is made. */
  | { readonly kind: 'open'; readonly file: KeyFile | null }
  | { readonly kind: 'damaged'; readonly problem: KeyProblem }
  /** Nothing is wrong with the file, but this program cannot use it: putting it aside would lose good keys. */
  | { readonly kind: 'unusable'; readonly problem: KeyProblem };

/**
 * The callers' keys of this node, kept in `keys.db`. A damaged file never counts as one without keys: nobody gets in
 * until the operator makes a new key, and the damaged file stays beside the new one.
 */
export class KeyStore {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #byId = new Map<string, StoredKey>();
  /** By the first bytes of the hash. What a lookup's time could tell of a hash leads nobody to its key. */
  readonly #byHash = new Map<string, StoredKey>();
  readonly #unwritten = new Set<string>();
  /** What was noted of keys since their rows were made, by id: requests come far more often than anybody looks. */
  readonly #uses = new Map<string, Use>();
  #state: State;
  #cancelWrite: (() => void) | null = null;

  /** A key was made, changed or revoked. Use alone is not announced. */
  readonly changed = new Announcer<void>();

  constructor(options: KeyStoreOptions, deps: { readonly clock: Clock; readonly logger: Logger }) {
    this.#file = options.file;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#state = this.#open();
  }

  /** Null while the keys can be read. */
  get problem(): KeyProblem | null {
    return this.#state.kind === 'open' ? null : this.#state.problem;
  }

  /** Valid keys. */
  get total(): number {
    let total = 0;
    for (const key of this.#byId.values()) if (key.revokedAt === null) total += 1;
    return total;
  }

  /**
   * Whether a key was ever made. Revoking the last one closes the door and does not open it: whoever held it would
   * otherwise get in without.
   */
  get demanded(): boolean {
    return this.#state.kind !== 'open' || this.#byId.size > 0;
  }

  /** Valid ones first, then revoked ones; each as they were made. */
  list(): KeyRow[] {
    this.#tellUses();
    const rows = [...this.#byId.values()].map(rowOf);
    return [
      ...rows.filter(({ revokedAt }) => revokedAt === null),
      ...rows.filter(({ revokedAt }) => revokedAt !== null),
    ];
  }

  /**
   * Makes a key. It is in the answer and nowhere else.
   *
   * @throws AppError `conflict` when a valid key has the name, `invalid_request`, `disk_full`, `data_folder_unusable`
   */
  add(order: { readonly name: string; readonly scope: KeyRow['scope']; readonly policy: Policy }): {
    readonly key: string;
    readonly keyId: string;
  } {
    const name = order.name.trim();
    if (name === '') throw new AppError('invalid_request', 'The key needs a name. Give it one that tells who uses it.');
    if (this.#named(name)) {
      throw new AppError(
        'conflict',
        `There is a key named "${name}" already. Choose another name, or revoke that one.`,
      );
    }
    const secret = `rh_${randomBytes(32).toString('base64url')}`;
    const key: StoredKey = {
      id: `key_${randomBytes(6).toString('hex')}`,
      name,
      prefix: secret.slice(0, prefixLength),
      scope: order.scope,
      policy: order.policy,
      hash: hashOf(secret),
      createdAt: this.#nowText(),
      lastUsedAt: null,
      lastUsedFrom: null,
      revokedAt: null,
      requestsTotal: 0,
      tokensTotal: 0,
    };
    this.#makeRoom();
    this.#attempt('The key could not be written', () => this.#fileToWrite().add(key));
    this.#put(key);
    this.changed.announce();
    return { key: secret, keyId: key.id };
  }

  /**
   * From now on the key opens nothing, also on connections that are open.
   *
   * @param idOrName of a valid key
   * @throws AppError `not_found`; `disk_full` or `data_folder_unusable` when it is refused from now on but that could
   * not be written
   */
  revoke(idOrName: string): void {
    const key = this.#valid(idOrName);
    const revoked = { ...key, revokedAt: this.#nowText() };
    // First in memory: it must be refused even when it cannot be written.
    this.#put(revoked);
    this.changed.announce();
    this.#attempt(`"${key.name}" is refused while the agent runs, but that could not be written`, () => {
      this.#fileToWrite().update([revoked]);
    });
  }

  /**
   * Replaces what a valid key may do, from its next request on.
   *
   * @throws AppError `not_found`, `disk_full`, `data_folder_unusable`
   */
  update(idOrName: string, policy: Policy): void {
    const updated = { ...this.#valid(idOrName), policy };
    this.#attempt('The change could not be written', () => this.#fileToWrite().update([updated]));
    this.#put(updated);
    this.changed.announce();
  }

  /**
   * The key with this text, also when it is revoked; null when there is none. What it tells of the key's use is as of the
   * last listing or writing.
   */
  find(secret: string): KeyRow | null {
    const hash = hashOf(secret);
    const key = this.#byHash.get(indexOf(hash));
    return key !== undefined && timingSafeEqual(key.hash, hash) ? key : null;
  }

  /** Notes a request with a key. */
  used(id: string, from: string): void {
    if (!this.#byId.has(id)) return;
    const use = this.#useOf(id);
    use.last = { atMs: this.#clock.now(), from };
    use.requests += 1;
    this.#writeLater(id);
  }

  /** Notes tokens of a key's request, prompt and answer together. */
  spent(id: string, tokens: number): void {
    if (!this.#byId.has(id) || tokens <= 0) return;
    this.#useOf(id).tokens += Math.round(tokens);
    this.#writeLater(id);
  }

  /** Writes what is not written yet. */
  flush(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    this.#tellUses();
    if (this.#state.kind !== 'open' || this.#state.file === null || this.#unwritten.size === 0) return;
    try {
      this.#state.file.update([...this.#unwritten].flatMap((id) => this.#byId.get(id) ?? []));
      this.#unwritten.clear();
    } catch (error) {
      // Kept in memory; the next use tries again.
      this.#logger.warn({ file: this.#file, err: error }, 'the use of keys could not be written');
    }
  }

  /** Writes what is left and closes the file. */
  close(): void {
    this.flush();
    if (this.#state.kind === 'open') this.#state.file?.close();
  }

  #open(): State {
    try {
      const read = KeyFile.read(this.#file);
      for (const key of read?.keys ?? []) this.#put(key);
      return { kind: 'open', file: read?.file ?? null };
    } catch (error) {
      const state = this.#refused(error);
      this.#logger.error({ file: this.#file, err: error }, 'the keys cannot be read: no caller gets in');
      return state;
    }
  }

  #refused(error: unknown): State {
    const since = this.#nowText();
    if (error instanceof LaterKeyFile) {
      const sentence = `A later version of Ranch Hand made ${this.#file}, so no program gets in. Use that version, or move the file away.`;
      return { kind: 'unusable', problem: { sentence, since } };
    }
    if (systemErrorCode(error) === 'EACCES' || systemErrorCode(error) === 'EPERM') {
      const sentence = `This user may not read ${this.#file}, so no program gets in. Give the file back to this user and restart the agent.`;
      return { kind: 'unusable', problem: { sentence, since } };
    }
    const sentence = `${this.#file} is damaged, so no program gets in. Make new keys with "ranch-hand keys add NAME" (the damaged file is kept), or put a backup in its place and restart the agent.`;
    return { kind: 'damaged', problem: { sentence, since } };
  }

  /** The file, begun anew where there is none yet or where a damaged one is in its place. */
  #fileToWrite(): KeyFile {
    const state = this.#state;
    if (state.kind === 'open' && state.file !== null) return state.file;
    if (state.kind === 'unusable') throw new AppError('data_folder_unusable', state.problem.sentence);
    if (state.kind === 'damaged') this.#putAside();
    const file = KeyFile.create(this.#file);
    this.#state = { kind: 'open', file };
    return file;
  }

  #putAside(): void {
    const aside = `.corrupt-${this.#clock.now()}`;
    this.#logger.warn({ file: this.#file, aside }, 'the damaged keys are put aside for new ones');
    for (const ending of ['-wal', '-shm', '']) {
      try {
        renameSync(`${this.#file}${ending}`, `${this.#file}${aside}${ending}`);
      } catch (error) {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
      }
    }
  }

  #put(key: StoredKey): void {
    this.#byId.set(key.id, key);
    this.#byHash.set(indexOf(key.hash), key);
  }

  #makeRoom(): void {
    const keys = [...this.#byId.values()];
    const revoked = keys.filter(({ revokedAt }) => revokedAt !== null);
    for (const key of revoked.slice(0, Math.max(0, revoked.length - mostRevoked))) {
      this.#attempt('An old key could not be forgotten', () => this.#fileToWrite().remove(key.id));
      this.#byId.delete(key.id);
      this.#byHash.delete(indexOf(key.hash));
    }
    if (keys.length - revoked.length < mostKeys) return;
    throw new AppError('conflict', `There are ${mostKeys} keys, which is the most. Revoke one that is not used.`);
  }

  #named(name: string): StoredKey | undefined {
    const wanted = name.toLowerCase();
    return [...this.#byId.values()].find((key) => key.revokedAt === null && key.name.toLowerCase() === wanted);
  }

  #valid(idOrName: string): StoredKey {
    this.#tellUses();
    const key = this.#byId.get(idOrName) ?? this.#named(idOrName.trim());
    if (key?.revokedAt === null) return key;
    if (key) throw new AppError('not_found', `The key "${key.name}" has been revoked already. There is nothing to do.`);
    throw new AppError('not_found', `There is no key "${quotable(idOrName, 64)}". "ranch-hand keys" lists them.`);
  }

  #attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof AppError) throw error;
      const full = isFull(error);
      const advice = full ? 'Free some space on its disk.' : 'Look at the folder and the log.';
      this.#logger.error({ file: this.#file, err: error }, 'a change to the keys could not be written');
      throw new AppError(full ? 'disk_full' : 'data_folder_unusable', `${what} to ${this.#file}. ${advice}`, {
        cause: error,
      });
    }
  }

  #writeLater(id: string): void {
    this.#unwritten.add(id);
    this.#cancelWrite ??= this.#clock.after(writeAfterMs, () => this.flush());
  }

  #useOf(id: string): Use {
    const known = this.#uses.get(id);
    if (known) return known;
    const use: Use = { last: null, requests: 0, tokens: 0 };
    this.#uses.set(id, use);
    return use;
  }

  /** Brings the rows up to date. */
  #tellUses(): void {
    for (const [id, { last, requests, tokens }] of this.#uses) {
      const key = this.#byId.get(id);
      if (!key) continue;
      const lately = last === null ? {} : { lastUsedAt: timeText(last.atMs), lastUsedFrom: last.from };
      const { requestsTotal, tokensTotal } = key;
      this.#put({ ...key, ...lately, requestsTotal: requestsTotal + requests, tokensTotal: tokensTotal + tokens });
    }
    this.#uses.clear();
  }

  #nowText(): string {
    return timeText(this.#clock.now());
  }
}

/**
 * One round of SHA-256 and no slow hash: a key is 32 random bytes, which nobody guesses however fast guessing is, and
 * every request is checked.
 */
function hashOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}

const indexOf = (hash: Buffer): string => hash.toString('latin1', 0, 8);

function rowOf(key: StoredKey): KeyRow {
  const { id, name, prefix, scope, policy, createdAt, lastUsedAt, lastUsedFrom, revokedAt } = key;
  const { requestsTotal, tokensTotal } = key;
  return {
    id,
    name,
    prefix,
    scope,
    policy,
    createdAt,
    lastUsedAt,
    lastUsedFrom,
    revokedAt,
    requestsTotal,
    tokensTotal,
  };
}

/** SQLite's own number for a full disk, or the system's. */
function isFull(error: unknown): boolean {
  if (systemErrorCode(error) === 'ENOSPC') return true;
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 13;
}
