import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { app } from 'electron';
import { hiddenFlag } from './launch-options.ts';

/** How this program is started again at login. */
export interface LoginProgram {
  readonly program: string;
  readonly args: readonly string[];
}

/** What starts the shell at login: the AppImage rather than the folder it is mounted at, the checkout's app by path. */
export function loginProgram(shell: {
  readonly execPath: string;
  readonly appImage: string | undefined;
  readonly isPackaged: boolean;
  readonly appPath: string;
}): LoginProgram {
  const program = shell.appImage !== undefined && shell.appImage !== '' ? shell.appImage : shell.execPath;
  return { program, args: [...(shell.isPackaged ? [] : [shell.appPath]), hiddenFlag] };
}

/** Where the XDG autostart specification looks for this user's programs. */
export function autostartFile(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const chosen = env['XDG_CONFIG_HOME'];
  const base = chosen !== undefined && posix.isAbsolute(chosen) ? chosen : posix.join(home, '.config');
  return posix.join(base, 'autostart', 'ranch-hand.desktop');
}

/** The autostart file's text. */
export function autostartEntry({ program, args }: LoginProgram): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Ranch Hand',
    'Comment=Shows the node in the status bar',
    `Exec=${[program, ...args].map(quoted).join(' ')}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

/**
 * Quotes one word of an `Exec` line as the desktop entry specification wants it: its own escapes within the quotes,
 * doubled because the file's strings are unescaped first, and `%` doubled because it starts a field code.
 */
function quoted(word: string): string {
  const inner = word.replace(/["`$\\]/gu, (character) => `\\${character}`);
  return `"${inner.replaceAll('\\', '\\\\').replaceAll('%', '%%')}"`;
}

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
