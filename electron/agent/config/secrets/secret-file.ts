import { chmodSync, readFileSync, renameSync, statSync } from 'node:fs';
import * as z from 'zod';
import { replaceFile } from '../../base/atomic-file.ts';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import { judgeSecret } from './secret-value.ts';

/** Where a key is: in the system's keyring, of which only that is noted here, or in this very file. */
export type KeptSecret = { readonly store: 'keyring' } | { readonly store: 'file'; readonly value: string };

export interface SecretFileOptions {
  /** Absolute. */
  readonly file: string;
  readonly platform: NodeJS.Platform;
  /** Goes into the name of a file that is set aside. */
  readonly now: () => number;
}

const version = 1;
const schema = z.object({
  version: z.int(),
  keys: z.record(
    z.string(),
    z.discriminatedUnion('store', [
      z.object({ store: z.literal('keyring') }),
      z.object({ store: z.literal('file'), value: z.string() }),
    ]),
  ),
});

/**
 * `secrets.json`: which keys there are and where each of them is kept, and the keys themselves where nothing better is
 * to be had. Only this user may read it; it is replaced as a whole or not at all.
 */
export class SecretFile {
  readonly #options: SecretFileOptions;
  readonly #keys = new Map<string, KeptSecret>();
  readonly #problems: { readonly id: string; readonly sentence: string }[] = [];
  /** Why the file must not be written; null where it may be. */
  #untouchable: string | null = null;
  /** What it said is lost: keys of this program may be in the keyring without a note here. */
  readonly lost: boolean;

  /** Reads the file, if there is one. Never throws: what is wrong with it is in {@link problems}. */
  constructor(options: SecretFileOptions) {
    this.#options = options;
    this.lost = !this.#read();
  }

  /** What is wrong with the file, for the operator. */
  get problems(): readonly { readonly id: string; readonly sentence: string }[] {
    return this.#problems;
  }

  get names(): readonly string[] {
    return [...this.#keys.keys()].sort();
  }

  get(name: string): KeptSecret | null {
    return this.#keys.get(name) ?? null;
  }

  /** @throws AppError `conflict`, `disk_full` or `data_folder_unusable`; the file is as before then */
  set(name: string, kept: KeptSecret): void {
    this.#write(new Map(this.#keys).set(name, kept));
  }

  /** @throws AppError as {@link set} */
  delete(name: string): void {
    const rest = new Map(this.#keys);
    if (rest.delete(name)) this.#write(rest);
  }

  #write(keys: ReadonlyMap<string, KeptSecret>): void {
    const { file } = this.#options;
    if (this.#untouchable !== null) throw new AppError('conflict', this.#untouchable);
    try {
      replaceFile(file, `${JSON.stringify({ version, keys: Object.fromEntries(keys) }, null, 2)}\n`);
    } catch (error) {
      const code = systemErrorCode(error) ?? 'unknown';
      // Without its cause: an error of JSON or of a file system may carry what it stumbled over.
      if (code === 'ENOSPC' || code === 'EDQUOT') {
        throw new AppError('disk_full', `There is no room to write ${file}. Make room and try again.`);
      }
      throw new AppError('data_folder_unusable', `${file} cannot be written (${code}). Check who may write there.`);
    }
    this.#keys.clear();
    for (const [name, kept] of keys) this.#keys.set(name, kept);
  }

  /** False when what the file said is lost. */
  #read(): boolean {
    const { file } = this.#options;
    let text: string;
    try {
      this.#close();
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return true;
      const code = systemErrorCode(error) ?? 'unknown';
      this.#untouchable = `The keys of providers in ${file} cannot be read (${code}). Check who may read it and restart the node.`;
      this.#problems.push({ id: 'secrets-unreadable', sentence: this.#untouchable });
      return false;
    }
    const parsed = schema.safeParse(parse(text));
    if (!parsed.success) {
      this.#setAside();
      return false;
    }
    if (parsed.data.version > version) {
      this.#untouchable = newerSentence(file);
      this.#problems.push({ id: 'secrets-newer', sentence: this.#untouchable });
    }
    for (const [name, kept] of Object.entries(parsed.data.keys)) {
      if (kept.store === 'keyring' || judgeSecret(kept.value).kind === 'key') this.#keys.set(name, kept);
    }
    return true;
  }

  /** Others may have read it: it is closed, and that is told, for a key that was read stays known. */
  #close(): void {
    const { file, platform } = this.#options;
    const { mode } = statSync(file);
    if (platform === 'win32' || (mode & 0o077) === 0) return;
    chmodSync(file, 0o600);
    this.#problems.push({
      id: 'secrets-were-open',
      sentence: `Other users of this machine could read ${file}. That is mended; if they are not trusted, make new keys at the providers.`,
    });
  }

  #setAside(): void {
    const { file, now } = this.#options;
    const aside = `${file}.corrupt-${new Date(now()).toISOString().replaceAll(/[:.]/g, '-')}`;
    try {
      renameSync(file, aside);
    } catch (error) {
      const code = systemErrorCode(error) ?? 'unknown';
      this.#untouchable = `The list of providers' keys in ${file} is damaged and cannot be moved away (${code}). Move it and restart the node.`;
      this.#problems.push({ id: 'secrets-corrupt', sentence: this.#untouchable });
      return;
    }
    this.#problems.push({
      id: 'secrets-corrupt',
      sentence: `The list of providers' keys was damaged. It was kept as ${aside}; set the keys again that are missing.`,
    });
  }
}

function newerSentence(file: string): string {
  return `${file} was written by a newer version. It is used as far as it is understood and not changed. Update this program to change keys.`;
}

/** The parser's own errors quote what they could not read, so they go no further than here. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
