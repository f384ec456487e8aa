import { join } from 'node:path';
import type { SecretRow } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import { systemClock, type Clock } from '../../base/clock.ts';
import { AppError, assertNever } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { credentialName, readCredential, type Credential } from './credentials.ts';
import { Keyring, type KeyringPort } from './keyring.ts';
import { SecretFile } from './secret-file.ts';
import { forbiddenSentence, lockedSentence, shutSentence, storeVariable } from './secret-sentences.ts';
import { isSecretName, judgeSecret } from './secret-value.ts';

/** A provider's key, or why there is none. */
export type SecretReading =
  | { readonly kind: 'key'; readonly value: string }
  | { readonly kind: 'missing' }
  /** It is kept somewhere that does not open at present; `sentence` says what to do. */
  | { readonly kind: 'locked'; readonly sentence: string };

export interface SecretsOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** The program in `keyring-child.ts`, as this build has it. */
  readonly childFile: string;
}

export interface SecretsDeps {
  readonly logger: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly keyring?: KeyringPort;
}

const stores = ['file', 'keyring', 'credential'] as const;
type Store = (typeof stores)[number];

/** How long a request waits for a keyring before its provider counts as locked. The keyring may go on asking a person. */
const patienceMs = 5_000;
/** How soon a keyring that did not open is tried again, and how seldom in the end. */
const firstRetryMs = 30_000;
const lastRetryMs = 900_000;

/**
 * The keys of cloud providers. Each is in the system's keyring if there is one that opens, else in a file that only this
 * user may read, and then a notice says so; one that systemd hands to the service goes before both and is not changed
 * here. A key that went into the keyring is never looked for elsewhere: while the keyring is shut, it is locked.
 * Nothing here gives a key to anybody but {@link read}.
 */
export class Secrets {
  /** Hears the id of a provider whose key came, changed, went, or can be read again. */
  readonly changed = new Announcer<string>();
  readonly #options: SecretsOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #keyring: KeyringPort;
  readonly #file: SecretFile;
  readonly #only: Store | null;
  readonly #openedAt: string;
  readonly #known = new Map<string, SecretReading>();
  readonly #asking = new Map<string, Promise<SecretReading>>();
  /** Ids whose key the keyring has not given, and what it is that is waited for. */
  readonly #shut = new Map<string, { readonly dismissed: boolean; readonly retryMs: number; cancel: () => void }>();
  #turn: Promise<unknown> = Promise.resolve();

  /** @throws AppError `settings_invalid` when the environment names a store that there is none of */
  constructor(options: SecretsOptions, deps: SecretsDeps) {
    this.#options = options;
    this.#logger = deps.logger;
    this.#clock = deps.clock ?? systemClock;
    const { dataDir, env, platform, childFile } = options;
    this.#only = onlyStore(env[storeVariable]);
    this.#keyring = deps.keyring ?? new Keyring({ childFile, platform, env }, { clock: this.#clock });
    const file = join(dataDir, 'secrets.json');
    this.#file = new SecretFile({ file, platform, now: () => this.#clock.now() });
    this.#openedAt = new Date(this.#clock.now()).toISOString();
    for (const { id } of this.#file.problems)
      this.#logger.warn({ problem: id }, 'a problem with the keys of providers');
  }

  /** A provider's key; never rejects. Waits a few seconds at most, even if the keyring asks a person meanwhile. */
  async read(name: string): Promise<SecretReading> {
    if (!isSecretName(name)) return { kind: 'missing' };
    const known = this.#known.get(name);
    if (known) return known;
    const asking = this.#asking.get(name) ?? this.#find(name);
    const late = Promise.withResolvers<SecretReading>();
    const cancel = this.#clock.after(patienceMs, () => {
      const reading = locked(lockedSentence(name));
      // Who asks next need not wait as long again.
      if (this.#asking.get(name) === asking && !this.#known.has(name)) this.#known.set(name, reading);
      late.resolve(reading);
    });
    try {
      return await Promise.race([asking, late.promise]);
    } finally {
      cancel();
    }
  }

  /**
   * Keeps a key, in the keyring or else in the file.
   *
   * @throws AppError `invalid_request` for what is no key, `conflict` where it comes from systemd or the keyring is shut,
   *   `disk_full` or `data_folder_unusable`; none of them repeats the key
   */
  async set(name: string, given: string): Promise<void> {
    const judged = judgeSecret(given);
    if (!isSecretName(name)) throw new AppError('invalid_request', 'There is no provider of such a name.');
    if (judged.kind === 'refused') throw new AppError('invalid_request', judged.sentence);
    await this.#inTurn(async () => {
      this.#refuseReadOnly(name);
      await this.#keep(name, judged.value);
      this.#forget(name);
    });
    this.#logger.info({ provider: name, store: this.#file.get(name)?.store ?? null }, 'the key of a provider was set');
    this.changed.announce(name);
  }

  /**
   * Removes a key from wherever it is kept; does nothing where there is none.
   *
   * @throws AppError `conflict` where it comes from systemd or the keyring is shut, or as {@link set} for the file
   */
  async clear(name: string): Promise<void> {
    if (!isSecretName(name)) throw new AppError('invalid_request', 'There is no provider of such a name.');
    await this.#inTurn(async () => {
      this.#refuseReadOnly(name);
      if (this.#file.get(name)?.store === 'keyring') {
        const answer = await this.#keyring.ask({ op: 'delete', account: name });
        if (answer.kind === 'locked' || answer.kind === 'absent') throw new AppError('conflict', shutSentence(answer));
      }
      this.#file.delete(name);
      this.#forget(name);
    });
    this.#logger.info({ provider: name }, 'the key of a provider was removed');
    this.changed.announce(name);
  }

  /** How the keys of these providers stand, and of others that are kept; a locked keyring is asked again. */
  async rows(names: readonly string[]): Promise<SecretRow[]> {
    const all = [...new Set([...names, ...this.#file.names])].filter(isSecretName);
    for (const name of this.#shut.keys()) this.#askAgain(name);
    return Promise.all(all.map((name) => this.#row(name)));
  }

  /** What the operator should know of where keys are kept. */
  notices(): Notice[] {
    const since = this.#openedAt;
    const told = this.#file.problems.map(({ id, sentence }) => notice(id, sentence, since));
    const plain = this.#file.names.filter((name) => this.#file.get(name)?.store === 'file');
    if (plain.length > 0) {
      const path = join(this.#options.dataDir, 'secrets.json');
      const sentence = `Keys are kept in a file (${path}) that only this user may read, because ${this.#whyFile()}. ${this.#instead()}`;
      told.push(notice('secrets-in-file', sentence, since, this.#only === 'file' ? 'info' : 'warning'));
    }
    const shut = [...this.#shut.keys()].sort();
    if (shut.length > 0) told.push(notice('secrets-locked', lockedSentence(shut.join(', ')), since));
    return told;
  }

  /** Ends what is asked of the keyring. */
  stop(): Promise<void> {
    this.#keyring.stop();
    for (const { cancel } of this.#shut.values()) cancel();
    this.#shut.clear();
    return Promise.resolve();
  }

  #find(name: string): Promise<SecretReading> {
    const asking = this.#look(name).then((reading) => {
      // It was set or cleared meanwhile: this is of before.
      if (this.#asking.get(name) !== asking) return this.read(name);
      this.#asking.delete(name);
      const before = this.#known.get(name);
      this.#known.set(name, reading);
      // Whoever was told that it is locked hears when that is over.
      if (before !== undefined && before.kind !== reading.kind) this.changed.announce(name);
      return reading;
    });
    this.#asking.set(name, asking);
    return asking;
  }

  async #look(name: string): Promise<SecretReading> {
    const credential = this.#credential(name);
    if (credential.kind === 'key') return credential;
    if (credential.kind === 'problem') return locked(credential.sentence);
    if (this.#only === 'credential') return { kind: 'missing' };
    const kept = this.#file.get(name);
    if (kept?.store === 'file') {
      return this.#only === 'keyring' ? { kind: 'missing' } : { kind: 'key', value: kept.value };
    }
    // Nobody is asked to unlock a keyring for a key that was never put there.
    if (kept === null && !this.#file.lost) return { kind: 'missing' };
    if (this.#only === 'file') return kept === null ? { kind: 'missing' } : locked(forbiddenSentence(name));
    return this.#fromKeyring(name, kept !== null);
  }

  async #fromKeyring(name: string, noted: boolean): Promise<SecretReading> {
    const answer = await this.#keyring.ask({ op: 'get', account: name });
    switch (answer.kind) {
      case 'value': {
        const judged = judgeSecret(answer.value);
        this.#opened(name);
        if (!noted) this.#note(name);
        return judged.kind === 'key' ? judged : { kind: 'missing' };
      }
      case 'none':
      case 'done':
        this.#opened(name);
        return { kind: 'missing' };
      case 'absent':
        if (!noted) return { kind: 'missing' };
        this.#retryLater(name, false);
        return locked(shutSentence(answer));
      case 'locked':
        this.#retryLater(name, answer.dismissed);
        return locked(lockedSentence(name));
      default:
        return assertNever(answer);
    }
  }

  /** Found in the keyring after the note of it was lost. */
  #note(name: string): void {
    try {
      this.#file.set(name, { store: 'keyring' });
    } catch (error) {
      this.#logger.warn({ provider: name, err: error }, 'where a key is kept could not be noted');
    }
  }

  async #keep(name: string, value: string): Promise<void> {
    if (this.#only !== 'file') {
      const answer = await this.#keyring.ask({ op: 'set', account: name, value });
      if (answer.kind === 'done') {
        this.#file.set(name, { store: 'keyring' });
        return;
      }
      // A keyring that is there and shut is no reason to write a key down in plain text.
      if (answer.kind !== 'absent' || this.#only === 'keyring') throw new AppError('conflict', shutSentence(answer));
    }
    this.#file.set(name, { store: 'file', value });
  }

  async #row(provider: string): Promise<SecretRow> {
    const reading = await this.read(provider);
    const store = this.#storeOf(provider);
    switch (reading.kind) {
      case 'locked':
        return { provider, state: 'locked', store, sentence: reading.sentence };
      case 'missing':
        return { provider, state: 'missing', store: null, sentence: null };
      case 'key':
        return { provider, state: 'set', store, sentence: store === null ? null : this.#warningOf(provider, store) };
      default:
        return assertNever(reading);
    }
  }

  #storeOf(name: string): SecretRow['store'] {
    if (this.#credential(name).kind !== 'none') return 'credential';
    return this.#file.get(name)?.store ?? (this.#file.lost ? 'keyring' : null);
  }

  #warningOf(name: string, store: Store): string | null {
    switch (store) {
      case 'keyring':
        return null;
      case 'credential':
        return `Comes from the systemd credential ${credentialName(name)}; it is changed in the unit.`;
      case 'file':
        return `Kept in a file that only this user may read, because ${this.#whyFile()}.`;
      default:
        return assertNever(store);
    }
  }

  #credential(name: string): Credential {
    if (this.#only !== null && this.#only !== 'credential') return { kind: 'none' };
    return readCredential(name, this.#options.env['CREDENTIALS_DIRECTORY']);
  }

  #refuseReadOnly(name: string): void {
    const unit = `the systemd credential ${credentialName(name)}`;
    if (this.#credential(name).kind !== 'none') {
      throw new AppError('conflict', `This key comes from ${unit}. Change it in the unit and restart the node.`);
    }
    if (this.#only === 'credential') {
      const message = `Keys come from systemd alone here (${storeVariable}=credential). Set ${unit} in the unit and restart the node.`;
      throw new AppError('conflict', message);
    }
  }

  #whyFile(): string {
    if (this.#only === 'file') return `${storeVariable} says so`;
    return this.#keyring.absence() ?? 'the keyring of this system could not be used when they were set';
  }

  #instead(): string {
    return this.#only === 'file'
      ? 'Leave that variable out and set them again to have them in the keyring of the system.'
      : 'Set them again once there is a keyring, or hand them over as systemd credentials.';
  }

  #retryLater(name: string, dismissed: boolean): void {
    const before = this.#shut.get(name);
    before?.cancel();
    const retryMs = Math.min(lastRetryMs, before === undefined ? firstRetryMs : before.retryMs * 2);
    // Whoever sent the question away is not asked again unasked.
    const cancel = dismissed ? () => undefined : this.#clock.after(retryMs, () => this.#askAgain(name));
    this.#shut.set(name, { dismissed, retryMs, cancel });
    if (before === undefined) this.#logger.warn({ provider: name, dismissed }, 'the keyring does not open');
  }

  #askAgain(name: string): void {
    if (!this.#asking.has(name)) void this.#find(name);
  }

  #opened(name: string): void {
    this.#shut.get(name)?.cancel();
    this.#shut.delete(name);
  }

  #forget(name: string): void {
    this.#opened(name);
    this.#known.delete(name);
    this.#asking.delete(name);
  }

  /** One change after the other: each of them writes the file as a whole. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/**
 * Opens the store of providers' keys. Asks no keyring yet: that would have a person unlock one for nothing.
 *
 * @throws AppError `settings_invalid` when the environment names a store that there is none of
 */
export function openSecrets(options: SecretsOptions, deps: SecretsDeps): Promise<Secrets> {
  return new Promise((resolve) => {
    resolve(new Secrets(options, deps));
  });
}

function onlyStore(text: string | undefined): Store | null {
  if (text === undefined || text === '') return null;
  const store = stores.find((each) => each === text);
  if (store !== undefined) return store;
  throw new AppError(
    'settings_invalid',
    `${storeVariable} must be one of ${stores.join(', ')}. Change it or leave it out.`,
  );
}

function locked(sentence: string): SecretReading {
  return { kind: 'locked', sentence };
}

function notice(id: string, sentence: string, since: string, severity: Notice['severity'] = 'warning'): Notice {
  return { id, severity, sentence, since, fix: null };
}
