import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Announcer } from '../base/announcer.ts';
import { replaceFile } from '../base/atomic-file.ts';
import type { Clock } from '../base/clock.ts';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { readConfigText } from './config-file.ts';
import {
  environmentName,
  parseSettingText,
  problemWith,
  settingPaths,
  valueAt,
  withValueAt,
  type JsonObject,
} from './setting-paths.ts';
import { settingsSchema, settingsVersion, type Settings } from './settings.ts';

export interface ConfigStoreOptions {
  readonly dataDir: string;
  /** From the command line: dotted path → text. Beats everything else. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where a value comes from, strongest first. */
export type SettingOrigin = 'command line' | 'environment' | 'config.json' | 'default';

/** One setting as the panel and `ranch-hand settings` show it. */
export interface SettingRow {
  readonly key: string;
  readonly value: unknown;
  readonly defaultValue: unknown;
  readonly origin: SettingOrigin;
}

const fileName = 'config.json';
const lastGoodName = 'config.last-good.json';

/**
 * The operator's settings: `config.json` under the environment and the command line, validated on every read and write.
 * A file that cannot be read is set aside under another name and never overwritten; the last good copy then holds.
 */
export class ConfigStore {
  readonly changed = new Announcer<Settings>();
  readonly #options: ConfigStoreOptions;
  readonly #clock: Clock;
  readonly #warnings: string[] = [];
  readonly #overlay = new Map<string, { value: unknown; origin: SettingOrigin }>();
  #raw: JsonObject = {};
  #readOnly: string | null = null;
  #settings: Settings;

  /** @throws AppError `settings_invalid` when the command line or the environment sets something impossible. */
  constructor(options: ConfigStoreOptions, deps: { clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#readOverlay();
    this.#readFile();
    this.#settings = this.#effective();
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** What is wrong with the file, one sentence each. Empty when all is well. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Why nothing can be changed; null when it can. */
  get readOnly(): string | null {
    return this.#readOnly;
  }

  rows(): SettingRow[] {
    return settingPaths.map((key) => ({
      key,
      value: valueAt(this.#settings, key) ?? null,
      defaultValue: valueAt(settingsSchema.parse({}), key) ?? null,
      origin: this.#overlay.get(key)?.origin ?? (valueAt(this.#raw, key) === undefined ? 'default' : 'config.json'),
    }));
  }

  /**
   * Writes one setting to `config.json`. It takes effect now, or at the next start where the part that uses it reads
   * it only then.
   *
   * @throws AppError `settings_invalid` for an unknown key or a bad value, `conflict` when the file must not be touched.
   */
  set(key: string, value: unknown): void {
    if (this.#readOnly !== null) throw new AppError('conflict', this.#readOnly);
    const problem = problemWith(key, value);
    if (problem !== null) throw new AppError('settings_invalid', problem);
    const overlaid = this.#overlay.get(key);
    if (overlaid) {
      throw new AppError(
        'conflict',
        `${key} is set by the ${overlaid.origin}, which wins over ${fileName}. Change it there.`,
      );
    }
    this.#write({ ...withValueAt(this.#raw, key, value), version: settingsVersion });
    this.#settings = this.#effective();
    this.changed.announce(this.#settings);
  }

  #readOverlay(): void {
    for (const path of settingPaths) {
      const text = this.#options.env[environmentName(path)];
      if (text !== undefined) this.#overlay.set(path, { value: parseSettingText(path, text), origin: 'environment' });
    }
    for (const [path, text] of this.#options.overrides) {
      this.#overlay.set(path, { value: parseSettingText(path, text), origin: 'command line' });
    }
  }

  #readFile(): void {
    const reading = readConfigText(this.#textOf(fileName));
    switch (reading.kind) {
      case 'missing':
        return;
      case 'corrupt':
        this.#recover(reading.why);
        return;
      case 'newer':
        this.#raw = reading.raw;
        this.#readOnly = `${fileName} was written by a newer version (form ${reading.version}, this one knows ${settingsVersion}). It is used as far as it is understood and not changed. Update this program to change settings.`;
        this.#warnings.push(this.#readOnly);
        return;
      case 'ok':
        this.#raw = reading.raw;
        this.#warnings.push(...reading.invalid);
        if (reading.unknown.length > 0) {
          this.#warnings.push(
            `${fileName} has settings this version does not know; they are kept: ${reading.unknown.slice(0, 20).join(', ')}.`,
          );
        }
        if (reading.invalid.length === 0) this.#keepLastGood();
    }
  }

  /** Sets the unreadable file aside and goes on with the last good copy. */
  #recover(why: string): void {
    const stamp = new Date(this.#clock.now()).toISOString().replaceAll(/[:.]/g, '-');
    const aside = `${fileName}.corrupt-${stamp}`;
    renameSync(this.#path(fileName), this.#path(aside));
    const lastGood = readConfigText(this.#textOf(lastGoodName));
    if (lastGood.kind === 'ok') {
      this.#write(lastGood.raw);
      this.#warnings.push(
        `${fileName} could not be read (${why}). It was kept as ${aside}, and the last good settings are used.`,
      );
    } else {
      this.#warnings.push(
        `${fileName} could not be read (${why}). It was kept as ${aside}, and the defaults are used.`,
      );
    }
  }

  #write(raw: JsonObject): void {
    replaceFile(this.#path(fileName), `${JSON.stringify(raw, null, 2)}\n`);
    this.#raw = raw;
    this.#keepLastGood();
  }

  #keepLastGood(): void {
    const text = this.#textOf(fileName);
    if (text !== null && text !== this.#textOf(lastGoodName)) replaceFile(this.#path(lastGoodName), text);
  }

  #effective(): Settings {
    let raw = this.#raw;
    const reading = readConfigText(JSON.stringify(raw));
    if (reading.kind === 'ok' || reading.kind === 'newer') raw = reading.settings;
    for (const [path, { value }] of this.#overlay) raw = withValueAt(raw, path, value);
    return settingsSchema.parse(raw);
  }

  #textOf(name: string): string | null {
    try {
      return readFileSync(this.#path(name), 'utf8');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  #path(name: string): string {
    return join(this.#options.dataDir, name);
  }
}
