import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../../../build/bundling/product.ts';
import type { NodeState } from '../../../../electron/contract/snapshot.ts';
import { cleanEnvironment } from '../../../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../../../fixtures/temp-folder.ts';
import { Desktop, type XWindow } from './desktop.ts';
import type { Target } from './page.ts';
import { eventually } from './running.ts';
import {
  ShellProcess,
  pictureDifference,
  prepareShell,
  recordOpenedAddresses,
  type ShellProgram,
  type ShellStart,
} from './shell-program.ts';

const run = promisify(execFile);

export const nodeStates: readonly NodeState[] = ['idle', 'serving', 'saturated', 'cloud', 'stopped', 'problem'];

/** Pictures of what was seen, kept after the test. */
const artifactsDir = join(projectRoot, 'artifacts', 'desktop');

/** How long a menu may take to open before it is asked for again. */
const clickAgainMs = 8_000;

/** A desktop, a shell to start on it, and a home and a data folder for both. */
export class Workbench implements AsyncDisposable {
  readonly desktop: Desktop;
  readonly program: ShellProgram;
  readonly dataDir: string;
  /** Every address that was handed to the desktop, one a line. */
  readonly openedFile: string;
  /** The home folder of whatever runs on the desktop. */
  readonly home: string;
  readonly #dir: string;

  private constructor(parts: { dir: string; desktop: Desktop; program: ShellProgram; openedFile: string }) {
    this.#dir = parts.dir;
    this.home = join(parts.dir, 'home');
    this.dataDir = join(parts.dir, 'data');
    this.desktop = parts.desktop;
    this.program = parts.program;
    this.openedFile = parts.openedFile;
  }

  static async create(): Promise<Workbench> {
    const program = await prepareShell();
    const dir = makeTempFolder();
    const home = join(dir, 'home');
    for (const folder of [home, join(dir, 'data'), artifactsDir]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const openedFile = await recordOpenedAddresses(home);
    const desktop = await Desktop.start({ dir: join(home, 'desktop'), env: cleanEnvironment({ HOME: home }) });
    return new Workbench({ dir, desktop, program, openedFile });
  }

  startShell(more: Partial<ShellStart> = {}): Promise<ShellProcess> {
    return ShellProcess.start({ ...this.#start(), ...more });
  }

  /** Starts one more over the same data folder, with these arguments, and waits until it has given way. */
  startSecondShell(args: readonly string[]): Promise<void> {
    return ShellProcess.startSecond({ ...this.#start(), args });
  }

  trayIcon(): Promise<XWindow> {
    return eventually('the icon is in the tray', () => this.desktop.trayIcon());
  }

  /** Waits until the icon in the tray is the one of this state, and none of the others is more like it. */
  async trayShows(state: NodeState): Promise<void> {
    await eventually(`the tray shows ${state}`, async () => (await this.shownState()) === state);
  }

  /** The state whose icon is most like what the tray shows; null when it is like none. */
  async shownState(): Promise<NodeState | null> {
    const icon = await this.trayIcon();
    const seen = join(this.#dir, 'seen.png');
    await this.desktop.screenshot(seen, icon);
    let best: { readonly state: NodeState | null; readonly difference: number } = { state: null, difference: 0.08 };
    for (const state of nodeStates) {
      const difference = await pictureDifference(seen, await this.#expectedIcon(state, icon));
      if (difference < best.difference) best = { state, difference };
    }
    return best.state;
  }

  /** The panel's page, once it is signed in and shows the node. */
  panelPage(shell: ShellProcess): Promise<Target> {
    return eventually('the panel is open and live', async () => {
      const [page] = await shell.pages.list();
      if (!page) return null;
      const live = await shell.pages
        .evaluate(page, `document.querySelector('[data-live="true"] [data-testid="cpu-now"]') !== null`)
        .catch(() => false);
      return live === true ? page : null;
    });
  }

  /** Opens the tray's menu; gives its window. */
  async openMenu(): Promise<XWindow> {
    const before = new Set((await this.desktop.windows()).map(({ id }) => id));
    let clickedMs = Number.NEGATIVE_INFINITY;
    return eventually('the menu is open', async () => {
      // A busy desktop may lose a click, as when the menu is being replaced at that moment.
      if (performance.now() - clickedMs > clickAgainMs) {
        clickedMs = performance.now();
        await this.desktop.click(await this.trayIcon(), 3);
      }
      const windows = await this.desktop.windows();
      return windows.find(({ id, width, height }) => !before.has(id) && width > 150 && height > 150) ?? null;
    });
  }

  save(name: string, part?: XWindow): Promise<void> {
    return this.desktop.screenshot(join(artifactsDir, `${name}.png`), part);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.desktop[Symbol.asyncDispose]();
    removeFolder(this.#dir);
  }

  #start(): ShellStart {
    return { desktop: this.desktop, program: this.program, dataDir: this.dataDir, home: this.home };
  }

  /** The product's own drawing for a state as this desktop's panel shows it. */
  async #expectedIcon(state: NodeState, { width, height }: XWindow): Promise<string> {
    const file = join(this.#dir, `expected-${state}-${width}.png`);
    if (existsSync(file)) return file;
    const source = join(projectRoot, 'resources', 'icons', 'tray', 'linux', `${state}.png`);
    const size = `${width}x${height}`;
    await run('convert', [source, '-resize', size, '-background', '#000000', '-alpha', 'remove', file]);
    return file;
  }
}
