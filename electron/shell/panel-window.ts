import { BrowserWindow, app, nativeTheme, screen as screens, session } from 'electron';
import { guardDownloads } from './downloads.ts';
import { lockDownContents, lockDownSession } from './lockdown.ts';
import { loopbackOrigin } from './navigation-policy.ts';
import type { PanelScreen } from './node-view.ts';
import { openingState, smallestWindow, type WindowState } from './window-state.ts';

export interface PanelWindowOptions {
  /** The window's icon, for Windows and Linux. */
  readonly iconFile: string;
}

export interface PanelWindowDeps {
  /** A fresh single-use sign-in address of the control API; rejects when no agent answers. */
  readonly signIn: () => Promise<string>;
  readonly windowState: () => WindowState | null;
  readonly saveWindowState: (state: WindowState) => void;
}

/** Kept between starts, so that what the panel remembers for itself (theme, chosen screen) stays. */
const partition = 'persist:panel';

/** The one window: the panel as the agent serves it, in a sandbox, with nothing of Node or Electron in reach. */
export class PanelWindow {
  readonly #options: PanelWindowOptions;
  readonly #deps: PanelWindowDeps;
  #window: BrowserWindow | null = null;
  #origin: string | null = null;
  /** Loads follow one another, so that two clicks cannot use two tickets at once. */
  #loading: Promise<void> = Promise.resolve();
  #sessionLocked = false;

  constructor(options: PanelWindowOptions, deps: PanelWindowDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get isOpen(): boolean {
    return this.#window !== null;
  }

  /** Shows the panel, on `screen` if it is not open yet or another one is asked for. Rejects when no agent answers. */
  async open(screen: PanelScreen): Promise<void> {
    const open = this.#window;
    if (open && screen === 'overview') {
      bringForward(open);
      return;
    }
    await this.#load(screen);
  }

  /** The agent is back, perhaps under another address: an open panel signs in again there. */
  async follow(controlUrl: string): Promise<void> {
    if (this.#window && loopbackOrigin(controlUrl) !== this.#origin) await this.#load('overview');
  }

  close(): void {
    this.#window?.close();
  }

  #load(screen: PanelScreen): Promise<void> {
    const load = this.#loading.then(async () => {
      const address = await this.#deps.signIn();
      const origin = loopbackOrigin(address);
      if (origin === null) throw new Error('The agent named a panel address that is not on this machine.');
      this.#origin = origin;
      const window = this.#window ?? this.#create();
      await loadUrl(window, screen === 'overview' ? address : `${address}#/${screen}`);
      bringForward(window);
    });
    this.#loading = load.catch(() => undefined);
    return load;
  }

  #create(): BrowserWindow {
    this.#lockSession();
    const areas = [screens.getPrimaryDisplay(), ...screens.getAllDisplays()].map((display) => display.workArea);
    const { bounds, maximized } = openingState(this.#deps.windowState(), areas);
    const window = new BrowserWindow({
      ...bounds,
      minWidth: smallestWindow.width,
      minHeight: smallestWindow.height,
      show: false,
      title: 'Ranch Hand',
      icon: this.#options.iconFile,
      autoHideMenuBar: true,
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#1c1917' : '#fafaf9',
      webPreferences: {
        partition,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        nodeIntegrationInWorker: false,
        webSecurity: true,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
      },
    });
    this.#window = window;
    if (maximized) window.maximize();
    lockDownContents(window.webContents, () => this.#origin);
    window.on('close', () => {
      this.#deps.saveWindowState({ bounds: window.getNormalBounds(), maximized: window.isMaximized() });
    });
    window.on('closed', () => {
      this.#window = null;
    });
    return window;
  }

  #lockSession(): void {
    if (this.#sessionLocked) return;
    this.#sessionLocked = true;
    const own = session.fromPartition(partition);
    const origin = (): string | null => this.#origin;
    lockDownSession(own, origin);
    guardDownloads(own, { origin, folder: () => app.getPath('downloads'), window: () => this.#window });
  }
}

async function loadUrl(window: BrowserWindow, address: string): Promise<void> {
  try {
    await window.loadURL(address);
  } catch (error) {
    // A window that was closed while it loaded is no failure.
    if (window.isDestroyed()) return;
    window.destroy();
    throw error;
  }
}

function bringForward(window: BrowserWindow): void {
  if (window.isDestroyed()) return;
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}
