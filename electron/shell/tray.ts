import { join } from 'node:path';
import { Menu, Tray, nativeImage, nativeTheme, type NativeImage } from 'electron';
import { MenuHold } from './menu-hold.ts';
import { menuTemplate } from './menu-template.ts';
import type { NodeView } from './node-view.ts';
import type { Timer } from './timer.ts';
import { trayIcon, trayState, type TrayIcon } from './tray-icon.ts';
import { trayMenu, type TrayMenuSettings } from './tray-menu.ts';
import type { TrayAction, MenuItem } from './tray-items.ts';

export interface ShellTrayOptions {
  /** The folder `resources/icons`. */
  readonly iconsDir: string;
  readonly platform: NodeJS.Platform;
}

export interface ShellTrayDeps {
  readonly act: (action: TrayAction) => void;
  readonly settings: () => TrayMenuSettings;
  readonly timer: Timer;
}

const longestOpenMenuMs = 20_000;
const slowFiguresMs = 10_000;

/**
 * The status icon. It holds Electron's Tray, its menu and its images for as long as the shell lives: a Tray that nobody
 * refers to is collected, and its icon disappears from the desktop.
 */
export class ShellTray {
  readonly #options: ShellTrayOptions;
  readonly #deps: ShellTrayDeps;
  readonly #tray: Tray;
  readonly #hold: MenuHold;
  readonly #images = new Map<string, NativeImage>();
  #view: NodeView = { kind: 'looking' };
  /** The menu that is set now; kept because the tray does not keep it. */
  #menu: ReturnType<typeof Menu.buildFromTemplate> | null = null;
  #shownIcon: string;
  #shownTooltip: string | null = null;

  constructor(options: ShellTrayOptions, deps: ShellTrayDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#hold = new MenuHold(
      // Only Linux has trays that do not tell when their menu opens.
      { longestOpenMs: longestOpenMenuMs, figuresEveryMs: options.platform === 'linux' ? slowFiguresMs : 0 },
      { show: (items) => this.#showMenu(items), timer: deps.timer },
    );
    const first = this.#icon();
    this.#shownIcon = first.file;
    this.#tray = new Tray(this.#image(first));
    // On macOS a left click opens the menu by itself; elsewhere it opens the panel.
    if (options.platform !== 'darwin') {
      this.#tray.on('click', () => deps.act({ kind: 'openPanel', screen: 'overview' }));
    }
    nativeTheme.on('updated', () => this.refresh());
    this.refresh();
  }

  /** Draws what is known now. */
  update(view: NodeView): void {
    this.#view = view;
    this.refresh();
  }

  /** Draws again, after something else than the node changed (a setting, the desktop's theme). */
  refresh(): void {
    if (this.#tray.isDestroyed()) return;
    const description = trayMenu(this.#view, this.#deps.settings());
    const icon = this.#icon();
    if (icon.file !== this.#shownIcon) {
      this.#shownIcon = icon.file;
      this.#tray.setImage(this.#image(icon));
    }
    if (description.tooltip !== this.#shownTooltip) {
      this.#shownTooltip = description.tooltip;
      this.#tray.setToolTip(description.tooltip);
    }
    this.#hold.offer(description.items);
  }

  destroy(): void {
    this.#tray.destroy();
  }

  #showMenu(items: readonly MenuItem[]): void {
    const menu = Menu.buildFromTemplate(
      menuTemplate(items, (action) => {
        // Electron has toggled a checkbox by itself; the next refresh must draw it as it really is.
        this.#hold.forget();
        this.#deps.act(action);
      }),
    );
    menu.on('menu-will-show', () => this.#hold.opened());
    menu.on('menu-will-close', () => this.#hold.closed());
    this.#menu = menu;
    this.#tray.setContextMenu(this.#menu);
  }

  #icon(): TrayIcon {
    const look = { platform: this.#options.platform, darkTaskbar: nativeTheme.shouldUseDarkColors };
    return trayIcon(trayState(this.#view), look);
  }

  #image(icon: TrayIcon): NativeImage {
    const known = this.#images.get(icon.file);
    if (known) return known;
    const image = nativeImage.createFromPath(join(this.#options.iconsDir, ...icon.file.split('/')));
    if (icon.template) image.setTemplateImage(true);
    this.#images.set(icon.file, image);
    return image;
  }
}
