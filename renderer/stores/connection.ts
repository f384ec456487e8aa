import { createStore, type StoreApi } from 'zustand/vanilla';
import { applyChange, type ControlEvent } from '../../electron/contract/events.ts';
import { type NodeSnapshot } from '../../electron/contract/snapshot.ts';
import { type Connection } from '../client/event-feed.ts';

export interface ConnectionState {
  readonly connection: Connection;
  /** The agent's latest picture of the node; kept, and shown greyed, while the connection is lost. */
  readonly snapshot: NodeSnapshot | null;
  /** Sequence number of the event that made this snapshot. */
  readonly seq: number | null;
  /** When it came, milliseconds since the epoch: "now" for everything that is shown relative to now. */
  readonly receivedAt: number;
}
export type ConnectionStore = StoreApi<ConnectionState>;

export function createConnectionStore(): ConnectionStore {
  return createStore<ConnectionState>(() => ({
    connection: { phase: 'connecting' },
    snapshot: null,
    seq: null,
    receivedAt: 0,
  }));
}

/** The state after one event from the agent. A change before any snapshot has nothing to change. */
export function receive(state: ConnectionState, event: ControlEvent, now: number): ConnectionState {
  if (event.type === 'snapshot') return { ...state, snapshot: event.snapshot, seq: event.seq, receivedAt: now };
  if (state.snapshot === null) return state;
  return { ...state, snapshot: applyChange(state.snapshot, event), seq: event.seq, receivedAt: now };
}
