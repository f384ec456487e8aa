import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether the tray can be opened here, and if not, what to tell the operator. */
export type TrayProgram =
  | { readonly kind: 'program'; readonly path: string; readonly args: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

export interface TraySurroundings {
  readonly root: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined on Windows. */
  readonly userId: number | undefined;
}

/** The file that Electron's package names as its binary, if that was downloaded. */
function electronBinary({ root, env }: TraySurroundings): string | undefined {
  const folder = join(root, 'node_modules', 'electron');
  const pathFile = join(folder, 'path.txt');
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : '';
  const overridden = env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (overridden !== undefined && overridden !== '') return join(overridden, name === '' ? 'electron' : name);
  return name === '' ? undefined : join(folder, 'dist', name);
}

/** Finds Electron and says how to start it. Never downloads anything. */
export function findTrayProgram(surroundings: TraySurroundings): TrayProgram {
  const { platform, env, userId, root } = surroundings;
  const path = electronBinary(surroundings);
  if (path === undefined || !existsSync(path)) {
    return { kind: 'none', reason: 'No tray, because Electron is not installed here. To get it: npx install-electron' };
  }
  if (platform === 'linux' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']) {
    return {
      kind: 'none',
      reason: 'No tray, because this session has no display. Start again from a desktop session.',
    };
  }
  // Chromium's sandbox does not run for root, and without the flag it refuses to start at all.
  const args = platform === 'linux' && userId === 0 ? ['--no-sandbox', root] : [root];
  return { kind: 'program', path, args };
}
