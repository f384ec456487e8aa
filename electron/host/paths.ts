import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/** What decides where files go; a parameter so that tests need no other machine. */
export interface HostEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/** This process's own surroundings. */
function currentHost(): HostEnvironment {
  return { env: process.env, platform: process.platform, home: homedir() };
}

/**
 * The node's data folder, absolute: `RANCH_HAND_DATA_DIR`, else the platform's place for application data
 * (XDG base directory specification, Windows known folders, macOS Application Support).
 */
export function dataDir({ env, platform, home }: HostEnvironment = currentHost()): string {
  const path = platform === 'win32' ? win32 : posix;
  const chosen = env['RANCH_HAND_DATA_DIR'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  if (platform === 'win32') return path.join(env['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'ranch-hand');
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'ranch-hand');
  const xdg = env['XDG_DATA_HOME'];
  // The XDG specification says that a relative path there is to be ignored.
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(home, '.local', 'share');
  return path.join(base, 'ranch-hand');
}
