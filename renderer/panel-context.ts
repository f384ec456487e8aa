import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import { type NodeSnapshot } from '../electron/contract/snapshot.ts';
import { type ControlHttp } from './client/control-http.ts';
import { type Timers } from './client/timers.ts';
import { type CommandsStore } from './stores/commands.ts';
import { type ConnectionState, type ConnectionStore } from './stores/connection.ts';
import { type PreferencesStore } from './stores/preferences.ts';
import { type TryItStore } from './stores/try-it.ts';

/** What every part of the page may use; made once in main.tsx. */
export interface Panel {
  readonly connection: ConnectionStore;
  readonly preferences: PreferencesStore;
  readonly commands: CommandsStore;
  readonly tryIt: TryItStore;
  readonly http: ControlHttp;
  readonly timers: Timers;
  /** Tries to reach the agent at once. */
  readonly reconnect: () => void;
}

export const PanelContext = createContext<Panel | null>(null);

/** The panel around the calling component. */
export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (panel === null) throw new Error('usePanel outside of PanelContext');
  return panel;
}

/** A part of the connection's state; the component is drawn anew when that part changes. */
export function useConnection<Part>(select: (state: ConnectionState) => Part): Part {
  return useStore(usePanel().connection, select);
}

/** A part of the snapshot. Only for components below the gate in app.tsx, which waits for the first one. */
export function useSnapshot<Part>(select: (snapshot: NodeSnapshot) => Part): Part {
  return useConnection((state) => {
    if (state.snapshot === null) throw new Error('useSnapshot before the first snapshot');
    return select(state.snapshot);
  });
}

/** When the latest news came: "now" for relative times. */
export function useNow(): number {
  return useConnection((state) => state.receivedAt);
}
