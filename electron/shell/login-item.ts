import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { app } from 'electron';
import { autostartEntry, type LoginProgram } from './login-entry.ts';

/** Whether the shell starts when this user logs in, kept where the system keeps it. */
export class LoginItem {
  readonly #platform: NodeJS.Platform;
  readonly #program: LoginProgram;
  readonly #file: string;
  #on: boolean;

  constructor(options: { readonly platform: NodeJS.Platform; readonly program: LoginProgram; readonly file: string }) {
    this.#platform = options.platform;
    this.#program = options.program;
    this.#file = options.file;
    this.#on = this.#read();
  }

  get on(): boolean {
    return this.#on;
  }

  async set(on: boolean): Promise<void> {
    if (this.#platform === 'linux') await this.#writeFile(on);
    else app.setLoginItemSettings({ openAtLogin: on, path: this.#program.program, args: [...this.#program.args] });
    this.#on = this.#read();
  }

  async #writeFile(on: boolean): Promise<void> {
    if (!on) {
      await rm(this.#file, { force: true });
      return;
    }
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFile(this.#file, autostartEntry(this.#program));
  }

  #read(): boolean {
    if (this.#platform === 'linux') return isEnabled(this.#file);
    const { program, args } = this.#program;
    return app.getLoginItemSettings({ path: program, args: [...args] }).openAtLogin;
  }
}

/** A desktop may switch an entry off in the file itself instead of removing it. */
function isEnabled(file: string): boolean {
  try {
    const text = readFileSync(file, 'utf8');
    return !/^(Hidden=true|X-GNOME-Autostart-enabled=false)\s*$/mu.test(text);
  } catch {
    return false;
  }
}
