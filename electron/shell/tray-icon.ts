import type { NodeState } from '../contract/snapshot.ts';
import type { NodeView } from './node-view.ts';

/** Where the icon will be seen. `darkTaskbar` matters on Windows only: macOS colours templates, Linux does not tell. */
export interface TrayLook {
  readonly platform: NodeJS.Platform;
  readonly darkTaskbar: boolean;
}

export interface TrayIcon {
  /** Path below `resources/icons`, with forward slashes. */
  readonly file: string;
  /** A macOS template image: black and alpha, coloured by the system. */
  readonly template: boolean;
}

/** The state that the icon shows: the node's own, or `stopped` while no agent answers. */
export function trayState(view: NodeView): NodeState {
  return view.kind === 'connected' ? view.snapshot.node.state : 'stopped';
}

/** The icon for a state. Every state has a shape of its own, so that none depends on seeing colour. */
export function trayIcon(state: NodeState, look: TrayLook): TrayIcon {
  if (look.platform === 'darwin') return { file: `tray/macos/${state}Template.png`, template: true };
  if (look.platform === 'win32') {
    return { file: `tray/windows/${state}-on-${look.darkTaskbar ? 'dark' : 'light'}.ico`, template: false };
  }
  return { file: `tray/linux/${state}.png`, template: false };
}
