import Store from 'electron-store';
import { readWindowState, type WindowState } from './window-state.ts';

/** What the shell remembers for itself. Everything about the node is the agent's, in `config.json`. */
export class ShellPreferences {
  readonly #store: Store;

  /** @param dir where `preferences.json` is kept */
  constructor(dir: string) {
    this.#store = new Store({ name: 'preferences', cwd: dir, clearInvalidConfig: true });
  }

  windowState(): WindowState | null {
    return readWindowState(this.#store.get('windowState'));
  }

  setWindowState(state: WindowState): void {
    this.#store.set('windowState', state);
  }

  /** Whether news about the node is shown as desktop notifications. */
  notifications(): boolean {
    return this.#store.get('notifications') !== false;
  }
}
