import { join } from 'node:path';
import type { SecretRow } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import { systemClock, type Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { KeyPlaces, type Found } from './key-places.ts';
import { Keyring, type KeyringPort } from './keyring.ts';
import { SecretFile } from './secret-file.ts';
import { secretNotices, secretRow, type FileReason } from './secret-notices.ts';
import { lockedSentence, storeVariable } from './secret-sentences.ts';
import { isSecretName, judgeSecret } from './secret-value.ts';
import { ShutKeys } from './shut-keys.ts';
import { locked, onlyStore, type SecretReading, type Store } from './store-choice.ts';

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

/** How long a request waits for a keyring before its provider counts as locked. The keyring may go on asking a person. */
const patienceMs = 5_000;

/**
 * The keys of cloud providers. Each is in the system's keyring if there is one that opens, else in a file that only this
 * user may read, and then a notice says so; one that systemd hands to the service goes before both and is not changed
 * here. A key that went into the keyring is never looked for elsewhere: while the keyring is shut, it is locked.
 * Nothing here gives a key to anybody but {@link read}.
 */
export class Secrets {
  /** Hears the id of a provider whose key came, changed, went, or can be read again. */
  readonly changed = new Announcer<string>();
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #keyring: KeyringPort;
  readonly #filePath: string;
  readonly #file: SecretFile;
  readonly #places: KeyPlaces;
  readonly #shut: ShutKeys;
  readonly #only: Store | null;
  readonly #openedAt: string;
  readonly #known = new Map<string, SecretReading>();
  readonly #asking = new Map<string, Promise<SecretReading>>();
  #turn: Promise<unknown> = Promise.resolve();

  /** @throws AppError `settings_invalid` when the environment names a store that there is none of */
  constructor(options: SecretsOptions, deps: SecretsDeps) {
    const { dataDir, env, platform, childFile } = options;
    const { logger } = deps;
    this.#logger = logger;
    this.#clock = deps.clock ?? systemClock;
    this.#only = onlyStore(env[storeVariable]);
    this.#keyring = deps.keyring ?? new Keyring({ childFile, platform, env }, { clock: this.#clock });
    this.#filePath = join(dataDir, 'secrets.json');
    this.#file = new SecretFile({ file: this.#filePath, platform, now: () => this.#clock.now() });
    this.#places = new KeyPlaces(
      { only: this.#only, credentialsDirectory: env['CREDENTIALS_DIRECTORY'] },
      { keyring: this.#keyring, file: this.#file, logger },
    );
    this.#shut = new ShutKeys({ clock: this.#clock, logger, askAgain: (name) => this.#askAgain(name) });
    this.#openedAt = new Date(this.#clock.now()).toISOString();
    for (const { id } of this.#file.problems) logger.warn({ problem: id }, 'a problem with the keys of providers');
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
    requireName(name);
    if (judged.kind === 'refused') throw new AppError('invalid_request', judged.sentence);
    await this.#inTurn(async () => {
      await this.#places.keep(name, judged.value);
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
    requireName(name);
    await this.#inTurn(async () => {
      await this.#places.remove(name);
      this.#forget(name);
    });
    this.#logger.info({ provider: name }, 'the key of a provider was removed');
    this.changed.announce(name);
  }

  /** How the keys of these providers stand, and of others that are kept; a locked keyring is asked again. */
  async rows(names: readonly string[]): Promise<SecretRow[]> {
    const all = [...new Set([...names, ...this.#file.names])].filter(isSecretName);
    for (const name of this.#shut.names) this.#askAgain(name);
    return Promise.all(
      all.map(async (name) => {
        const reading = await this.read(name);
        return secretRow(name, { reading, store: this.#places.storeOf(name), ...this.#fileReason() });
      }),
    );
  }

  /** What the operator should know of where keys are kept. */
  notices(): Notice[] {
    const isPlain = this.#file.names.some((name) => this.#file.get(name)?.store === 'file');
    return secretNotices({
      since: this.#openedAt,
      problems: this.#file.problems,
      plainFile: isPlain ? this.#filePath : null,
      shut: this.#shut.names,
      ...this.#fileReason(),
    });
  }

  /** Ends what is asked of the keyring. */
  stop(): Promise<void> {
    this.#keyring.stop();
    this.#shut.stop();
    return Promise.resolve();
  }

  #fileReason(): FileReason {
    return { only: this.#only, absence: this.#keyring.absence() };
  }

  #find(name: string): Promise<SecretReading> {
    const asking = this.#places.find(name).then((found) => {
      this.#heard(name, found);
      const { reading } = found;
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

  /** What became of the keyring when it was asked for a key. */
  #heard(name: string, { keyring }: Found): void {
    if (keyring === 'opened') this.#shut.opened(name);
    else if (keyring !== null) this.#shut.shut(name, keyring === 'dismissed');
  }

  #askAgain(name: string): void {
    if (!this.#asking.has(name)) void this.#find(name);
  }

  #forget(name: string): void {
    this.#shut.opened(name);
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

function requireName(name: string): void {
  if (!isSecretName(name)) throw new AppError('invalid_request', 'There is no provider of such a name.');
}
