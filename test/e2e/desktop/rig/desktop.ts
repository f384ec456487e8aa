import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Running, eventually } from './running.ts';

const run = promisify(execFile);

/** A window of the X server. Places are in pixels of the screen. */
export interface XWindow {
  readonly id: string;
  /** Such as `electron`; empty when it has none. */
  readonly className: string;
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  /** Ids of the windows it is inside of, the innermost last. */
  readonly inside: readonly string[];
}

export interface DesktopOptions {
  /** For configuration, and a home for what runs on the desktop. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  /** The panel's colour, such as `#000000`. */
  readonly panelColor?: string;
}

const screen = { width: 1280, height: 900 };

/** A desktop that nobody sees: an X server, a window manager and a panel with a system tray. */
export class Desktop implements AsyncDisposable {
  readonly display: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #parts: readonly Running[];

  private constructor(display: string, env: NodeJS.ProcessEnv, parts: readonly Running[]) {
    this.display = display;
    this.env = env;
    this.#parts = parts;
  }

  static async start({ dir, env, panelColor = '#000000' }: DesktopOptions): Promise<Desktop> {
    const size = `${screen.width}x${screen.height}x24`;
    // The server picks a free number itself and tells it on the third descriptor.
    const server = new Running('Xvfb', ['-displayfd', '3', '-screen', '0', size, '-nolisten', 'tcp'], {
      env,
      extraPipes: 1,
    });
    const parts = [server];
    try {
      const [, number = ''] = await server.says(/^(\d+)\n/mu);
      const display = `:${number}`;
      const withDisplay = { ...env, DISPLAY: display, XDG_SESSION_TYPE: 'x11' };
      parts.push(new Running('openbox', [], { env: withDisplay }));
      const config = join(dir, 'tint2rc');
      await mkdir(dirname(config), { recursive: true });
      await writeFile(config, tint2Config(panelColor));
      parts.push(new Running('tint2', ['-c', config], { env: withDisplay }));
      const desktop = new Desktop(display, withDisplay, parts);
      await eventually('the desktop has a tray', () => desktop.#hasTray());
      return desktop;
    } catch (error) {
      await endAll(parts);
      throw error;
    }
  }

  /** All windows there are. */
  windows(): Promise<XWindow[]> {
    // A window that goes away while the tree is walked makes the walk fail.
    return eventually('the windows can be listed', () =>
      run('xwininfo', ['-root', '-tree'], { env: this.env }).then(
        ({ stdout }) => readTree(stdout),
        () => null,
      ),
    );
  }

  /** The icon in the tray: the one window inside the panel that is not the panel's own. */
  async trayIcon(): Promise<XWindow | null> {
    const windows = await this.windows();
    const panels = new Set(windows.filter(({ className }) => className === 'tint2').map(({ id }) => id));
    const icons = windows.filter(
      ({ className, inside, width }) =>
        className !== '' && className !== 'tint2' && width >= 16 && inside.some((id) => panels.has(id)),
    );
    return icons[0] ?? null;
  }

  /** Presses a mouse button (1 left, 3 right) in the middle of a window. */
  async click(window: XWindow, button: 1 | 3): Promise<void> {
    const x = String(Math.round(window.x + window.width / 2));
    const y = String(Math.round(window.y + window.height / 2));
    await run('xdotool', ['mousemove', x, y, 'click', String(button)], { env: this.env });
  }

  async moveMouse(x: number, y: number): Promise<void> {
    await run('xdotool', ['mousemove', String(x), String(y)], { env: this.env });
  }

  /** Presses keys one after the other, by their X names. */
  async keys(...names: readonly string[]): Promise<void> {
    await run('xdotool', ['key', '--delay', '120', ...names], { env: this.env });
  }

  /** Id of the window that has the keyboard. */
  async activeWindow(): Promise<string | null> {
    const { stdout } = await run('xprop', ['-root', '_NET_ACTIVE_WINDOW'], { env: this.env });
    return /0x[0-9a-f]+/u.exec(stdout)?.[0] ?? null;
  }

  /** Saves a picture of the screen, or of a part of it. */
  async screenshot(file: string, part?: Pick<XWindow, 'x' | 'y' | 'width' | 'height'>): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    const crop = part ? ['-crop', `${part.width}x${part.height}+${part.x}+${part.y}`, '+repage'] : [];
    await run('import', ['-window', 'root', ...crop, file], { env: this.env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endAll(this.#parts);
  }

  async #hasTray(): Promise<boolean> {
    const windows = await this.windows();
    return windows.some(({ className, height }) => className === 'tint2' && height > 10);
  }
}

async function endAll(parts: readonly Running[]): Promise<void> {
  for (const part of [...parts].reverse()) await part.end();
}

/** A plain panel at the bottom with a tray at its right end, so that the icon is where nothing else is. */
function tint2Config(color: string): string {
  return [
    'rounded = 0',
    'border_width = 0',
    `background_color = ${color} 100`,
    'panel_items = TS',
    'panel_size = 100% 32',
    'panel_position = bottom center horizontal',
    'panel_background_id = 1',
    'panel_padding = 4 0 4',
    'wm_menu = 0',
    'taskbar_mode = single_desktop',
    'systray_padding = 4 4 4',
    'systray_background_id = 1',
    'systray_icon_size = 22',
    'systray_icon_asb = 100 0 0',
    '',
  ].join('\n');
}

const windowLine =
  /^(?<indent>\s+)(?<id>0x[0-9a-f]+) (?:"[^"]*"|\(has no name\)): \((?:"(?<className>[^"]*)")?.*\)\s+(?<width>\d+)x(?<height>\d+)[+-]-?\d+[+-]-?\d+\s+\+(?<x>-?\d+)\+(?<y>-?\d+)$/u;

/** Reads what `xwininfo -root -tree` prints: one line a window, the deeper the further in. */
function readTree(text: string): XWindow[] {
  const path: { readonly indent: number; readonly id: string }[] = [];
  return text.split('\n').flatMap((line) => {
    const found = windowLine.exec(line)?.groups;
    if (!found) return [];
    const indent = found['indent']?.length ?? 0;
    while ((path.at(-1)?.indent ?? -1) >= indent) path.pop();
    const inside = path.map(({ id }) => id);
    const id = found['id'] ?? '';
    path.push({ indent, id });
    const pixels = (name: string): number => Number(found[name]);
    const place = { width: pixels('width'), height: pixels('height'), x: pixels('x'), y: pixels('y') };
    return [{ id, className: found['className'] ?? '', ...place, inside }];
  });
}
