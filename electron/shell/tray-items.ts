import type { OffloadMode } from '../contract/cloud.ts';
import type { PanelScreen } from './node-view.ts';

/** What a click in the menu asks for. */
export type TrayAction =
  | { readonly kind: 'openPanel'; readonly screen: PanelScreen }
  | { readonly kind: 'copyText'; readonly text: string }
  /** Switches the node to a model. */
  | { readonly kind: 'useModel'; readonly model: string }
  | { readonly kind: 'engine'; readonly command: 'start' | 'stop' | 'restart'; readonly id: string }
  /** `forMs`: then as before; null: it stays. */
  | { readonly kind: 'setOffload'; readonly mode: OffloadMode; readonly forMs: number | null }
  | { readonly kind: 'resumeOffload' }
  | { readonly kind: 'setStartAtLogin'; readonly on: boolean }
  | { readonly kind: 'startNode' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'quitAndStop' };

/** The menu in plain data. An item is a checkbox or a submenu, never both. */
export type MenuItem =
  | { readonly kind: 'separator' }
  /** Text that cannot be clicked; `mark` shows it as one of a choice. */
  | {
      readonly kind: 'label';
      readonly label: string;
      readonly mark?: { readonly checked: boolean; readonly of: 'radio' | 'checkbox' };
    }
  | {
      readonly kind: 'action';
      readonly label: string;
      readonly action: TrayAction;
      /** Shows it as one of a choice; what is really chosen the next snapshot says. */
      readonly mark?: { readonly checked: boolean; readonly of: 'radio' };
    }
  | { readonly kind: 'checkbox'; readonly label: string; readonly checked: boolean; readonly action: TrayAction }
  | { readonly kind: 'submenu'; readonly label: string; readonly items: readonly MenuItem[] };
