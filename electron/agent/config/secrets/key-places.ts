import { AppError, assertNever } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { credentialName, readCredential } from './credentials.ts';
import type { KeyringPort } from './keyring.ts';
import type { SecretFile } from './secret-file.ts';
import { lockedSentence, shutSentence, storeVariable } from './secret-sentences.ts';
import { judgeSecret } from './secret-value.ts';
import { locked, storeOf, whereToLook, type KeyFacts, type SecretReading, type Store } from './store-choice.ts';

export interface KeyPlacesOptions {
  /** The one store that may be used; null for all of them. */
  readonly only: Store | null;
  /** Where systemd puts what it hands to the service; undefined where it does not. */
  readonly credentialsDirectory: string | undefined;
}

export interface KeyPlacesDeps {
  readonly keyring: KeyringPort;
  readonly file: SecretFile;
  readonly logger: Logger;
}

/** What was found, and what became of the keyring: `null` where it was not asked. */
export interface Found {
  readonly reading: SecretReading;
  readonly keyring: 'opened' | 'shut' | 'dismissed' | null;
}

/** Reads keys from where they are, and puts them there: a credential, the keyring, the file. */
export class KeyPlaces {
  readonly #options: KeyPlacesOptions;
  readonly #keyring: KeyringPort;
  readonly #file: SecretFile;
  readonly #logger: Logger;

  constructor(options: KeyPlacesOptions, { keyring, file, logger }: KeyPlacesDeps) {
    this.#options = options;
    this.#keyring = keyring;
    this.#file = file;
    this.#logger = logger;
  }

  storeOf(name: string): Store | null {
    return storeOf(this.#facts(name));
  }

  async find(name: string): Promise<Found> {
    const lookup = whereToLook(name, this.#facts(name), this.#options.only);
    if (lookup.kind === 'known') return { reading: lookup.reading, keyring: null };
    return this.#fromKeyring(name, lookup.noted);
  }

  /**
   * In the keyring, or else in the file.
   *
   * @throws AppError `conflict` where it comes from systemd or the keyring is shut, or what the file says
   */
  async keep(name: string, value: string): Promise<void> {
    this.#refuseReadOnly(name);
    const { only } = this.#options;
    if (only !== 'file') {
      const answer = await this.#keyring.ask({ op: 'set', account: name, value });
      if (answer.kind === 'done') {
        this.#file.set(name, { store: 'keyring' });
        return;
      }
      // A keyring that is there and shut is no reason to write a key down in plain text.
      if (answer.kind !== 'absent' || only === 'keyring') throw new AppError('conflict', shutSentence(answer));
    }
    this.#file.set(name, { store: 'file', value });
  }

  /** @throws AppError as {@link keep} */
  async remove(name: string): Promise<void> {
    this.#refuseReadOnly(name);
    if (this.#file.get(name)?.store === 'keyring') {
      const answer = await this.#keyring.ask({ op: 'delete', account: name });
      if (answer.kind === 'locked' || answer.kind === 'absent') throw new AppError('conflict', shutSentence(answer));
    }
    this.#file.delete(name);
  }

  #facts(name: string): KeyFacts {
    const { only, credentialsDirectory } = this.#options;
    const mayBeHanded = only === null || only === 'credential';
    const credential = mayBeHanded ? readCredential(name, credentialsDirectory) : ({ kind: 'none' } as const);
    return { credential, kept: this.#file.get(name), lost: this.#file.lost };
  }

  async #fromKeyring(name: string, noted: boolean): Promise<Found> {
    const answer = await this.#keyring.ask({ op: 'get', account: name });
    switch (answer.kind) {
      case 'value': {
        const judged = judgeSecret(answer.value);
        if (!noted) this.#note(name);
        return { reading: judged.kind === 'key' ? judged : { kind: 'missing' }, keyring: 'opened' };
      }
      case 'none':
      case 'done':
        return { reading: { kind: 'missing' }, keyring: 'opened' };
      case 'absent':
        if (!noted) return { reading: { kind: 'missing' }, keyring: null };
        return { reading: locked(shutSentence(answer)), keyring: 'shut' };
      case 'locked':
        return { reading: locked(lockedSentence(name)), keyring: answer.dismissed ? 'dismissed' : 'shut' };
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

  #refuseReadOnly(name: string): void {
    const unit = `the systemd credential ${credentialName(name)}`;
    if (this.#facts(name).credential.kind !== 'none') {
      throw new AppError('conflict', `This key comes from ${unit}. Change it in the unit and restart the node.`);
    }
    if (this.#options.only === 'credential') {
      const message = `Keys come from systemd alone here (${storeVariable}=credential). Set ${unit} in the unit and restart the node.`;
      throw new AppError('conflict', message);
    }
  }
}
