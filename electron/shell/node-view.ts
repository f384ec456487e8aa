import type { NodeSnapshot } from '../contract/snapshot.ts';

/** What the shell knows of the node at this moment. */
export type NodeView =
  /** The shell has just been started and looks for a running agent. */
  | { readonly kind: 'looking' }
  /** The shell has started an agent, which is not ready yet. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'connected'; readonly snapshot: NodeSnapshot; readonly seq: number }
  /** No agent answers. `sentence` says why, where that is known, and what to do. */
  | { readonly kind: 'stopped'; readonly sentence: string };

/** Screens of the panel that the shell opens. A closed list: nothing from outside becomes part of an address. */
export const panelScreens = ['overview', 'models', 'traffic', 'money', 'gateway', 'keys', 'engines'] as const;
export type PanelScreen = (typeof panelScreens)[number];
