import { posix } from 'node:path';
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
 * doubled because the file's strings are unescaped first, and `%` doubled because it starts a field code. Line breaks,
 * which would begin another entry, become blanks.
 */
function quoted(word: string): string {
  const inner = word.replace(/[\n\r\t]/gu, ' ').replace(/["`$\\]/gu, (character) => `\\${character}`);
  return `"${inner.replaceAll('\\', '\\\\').replaceAll('%', '%%')}"`;
}
