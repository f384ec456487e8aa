import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** A program and its arguments, never passed through a shell. */
export interface Opener {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * What opens an address in this user's browser; null where there is no screen for it (a terminal over SSH, a server).
 * Windows' own handler is called directly, because `start` would have a shell read the address.
 */
export function browserOpener(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  url: string,
): Opener | null {
  if (platform === 'win32') return { program: 'rundll32.exe', args: ['url.dll,FileProtocolHandler', url] };
  if (platform === 'darwin') return { program: 'open', args: [url] };
  if (isSet(env['WSL_DISTRO_NAME'])) return { program: 'wslview', args: [url] };
  if (!isSet(env['DISPLAY']) && !isSet(env['WAYLAND_DISPLAY'])) return null;
  return { program: 'xdg-open', args: [url] };
}

/** Whether the opener could be started. It is left alone afterwards: the browser outlives this program. */
export async function openWith(opener: Opener, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  if (process.platform !== 'win32' && !(await onPath(opener.program, env['PATH'] ?? ''))) return false;
  return new Promise((resolve) => {
    const child = spawn(opener.program, [...opener.args], { detached: true, stdio: 'ignore', windowsHide: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

async function onPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter).filter(isSet)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
