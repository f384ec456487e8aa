import { clipboard, dialog } from 'electron';
import type { CommandInput } from '../contract/control.ts';
import type { LoginItem } from './login-item.ts';
import { NodeLink, type NodeLinkDeps } from './node-link.ts';
import type { NodeView, PanelScreen } from './node-view.ts';
import { ToastSender } from './notifications.ts';
import { PanelWindow } from './panel-window.ts';
import type { ShellPreferences } from './preferences.ts';
import type { Timer } from './timer.ts';
import { toasts } from './toasts.ts';
import { ShellTray } from './tray.ts';
import type { TrayAction } from './tray-items.ts';

export interface ShellOptions {
  readonly platform: NodeJS.Platform;
  /** The folder `resources/icons`. */
  readonly iconsDir: string;
  readonly windowIconFile: string;
}

export interface ShellDeps {
  readonly agent: Pick<NodeLinkDeps, 'find' | 'start' | 'connect'>;
  readonly preferences: ShellPreferences;
  readonly loginItem: LoginItem;
  readonly timer: Timer;
  /** Ends the shell, and only the shell. */
  readonly quit: () => void;
}

/** Tray, panel window and notifications over one tie to the node. Owns them all for as long as the shell runs. */
export class Shell {
  readonly #deps: ShellDeps;
  readonly #link: NodeLink;
  readonly #tray: ShellTray;
  readonly #panel: PanelWindow;
  readonly #toasts: ToastSender;
  #view: NodeView = { kind: 'looking' };
  /** The panel was asked for before the node answered. */
  #panelAwaited = false;

  constructor(options: ShellOptions, deps: ShellDeps) {
    this.#deps = deps;
    this.#toasts = new ToastSender({ onClick: () => this.openPanel(), now: () => deps.timer.now() });
    this.#link = new NodeLink({
      ...deps.agent,
      timer: deps.timer,
      onView: (view) => this.#show(view),
      onAttached: (controlUrl) => this.#attached(controlUrl),
    });
    this.#panel = new PanelWindow(
      { iconFile: options.windowIconFile },
      {
        signIn: () => this.#link.signIn(),
        windowState: () => deps.preferences.windowState(),
        saveWindowState: (state) => deps.preferences.setWindowState(state),
      },
    );
    this.#tray = new ShellTray(
      { iconsDir: options.iconsDir, platform: options.platform },
      {
        act: (action) => this.#act(action),
        settings: () => ({ startAtLogin: deps.loginItem.on, nowMs: deps.timer.now() }),
        timer: deps.timer,
      },
    );
  }

  /** Follows the node until {@link end}. */
  run(): Promise<void> {
    return this.#link.run();
  }

  /** Shows the panel: now, or as soon as the node answers. */
  openPanel(screen: PanelScreen = 'overview'): void {
    if (this.#view.kind === 'connected') this.#attempt('The panel could not be opened', this.#panel.open(screen));
    else if (this.#view.kind === 'stopped') this.#offerStart(this.#view.sentence);
    else this.#panelAwaited = true;
  }

  end(): void {
    this.#link.end();
    this.#panel.close();
    this.#tray.destroy();
  }

  #show(view: NodeView): void {
    const before = this.#view;
    this.#view = view;
    this.#tray.update(view);
    if (this.#deps.preferences.notifications()) this.#toasts.send(toasts(before, view));
  }

  #attached(controlUrl: string): void {
    if (this.#panelAwaited) {
      this.#panelAwaited = false;
      this.openPanel();
    } else {
      this.#attempt('The panel could not be opened', this.#panel.follow(controlUrl));
    }
  }

  #act(action: TrayAction): void {
    switch (action.kind) {
      case 'openPanel':
        this.openPanel(action.screen);
        return;
      case 'copyText':
        this.#attempt('The address could not be copied', copy(action.text));
        return;
      case 'useModel':
        this.#attempt('The model was not switched', this.#link.command('models.use', { model: action.model }));
        return;
      case 'engine':
        this.#attempt('The engine did not do it', this.#link.command(`engines.${action.command}`, { id: action.id }));
        return;
      case 'setOffload':
        this.#attempt('The offload switch was not changed', this.#link.command('offload.set', offloadBody(action)));
        return;
      case 'resumeOffload':
        this.#attempt('Offloading does not go on', this.#link.command('offload.resume', {}));
        return;
      case 'setStartAtLogin':
        this.#attempt('Start at login could not be changed', this.#setStartAtLogin(action.on));
        return;
      case 'startNode':
        this.#attempt('The node could not be started', this.#link.startNode());
        return;
      case 'quit':
        this.#deps.quit();
        return;
      case 'quitAndStop':
        this.#attempt('The node could not be stopped', this.#quitAndStop());
        return;
    }
  }

  async #setStartAtLogin(on: boolean): Promise<void> {
    try {
      await this.#deps.loginItem.set(on);
    } finally {
      this.#tray.refresh();
    }
  }

  async #quitAndStop(): Promise<void> {
    await this.#link.command('agent.shutdown', {});
    this.#deps.quit();
  }

  #offerStart(sentence: string): void {
    const question = { message: sentence, buttons: ['Start the node', 'Close'], defaultId: 0, cancelId: 1 };
    const answered = dialog.showMessageBox({ type: 'info', title: 'Ranch Hand', ...question });
    void answered.then(({ response }) => {
      if (response === 0) this.#startAndShow();
    });
  }

  #startAndShow(): void {
    this.#panelAwaited = true;
    this.#attempt('The node could not be started', this.#link.startNode());
  }

  /** What a person asked for and did not get is told to them; the shell itself goes on. */
  #attempt(failure: string, work: Promise<void>): void {
    work.catch((error: unknown) => {
      const detail = error instanceof Error ? error.message : String(error);
      void dialog.showMessageBox({ type: 'warning', title: 'Ranch Hand', message: failure, detail });
    });
  }
}

function offloadBody({ mode, forMs }: Extract<TrayAction, { kind: 'setOffload' }>): CommandInput<'offload.set'> {
  return forMs === null ? { mode } : { mode, forMs };
}

async function copy(text: string): Promise<void> {
  await clipboard.writeText(text);
}
