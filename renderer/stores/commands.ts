import { createStore, type StoreApi } from 'zustand/vanilla';
import { type CommandAnswer } from '../../electron/contract/control.ts';
import { ControlError, type ControlHttp } from '../client/control-http.ts';

/** How one command's request stands. Its effect is never kept here: that is read from the snapshot. */
export type SentCommand = { readonly state: 'sending' } | { readonly state: 'refused'; readonly message: string };

export interface CommandsState {
  /** By the key of what sent it: one entry a button. */
  readonly sent: Readonly<Record<string, SentCommand>>;
  /**
   * Sends once; while the answer is out, a second call with the same key does nothing. Resolves with what the agent
   * answered, or with null where it refused or nothing was sent; never rejects.
   */
  send(key: string, name: string, body: Readonly<Record<string, unknown>>): Promise<CommandAnswer | null>;
  dismiss(key: string): void;
}
export type CommandsStore = StoreApi<CommandsState>;

export function createCommandsStore(deps: { http: Pick<ControlHttp, 'command'> }): CommandsStore {
  return createStore<CommandsState>((set, get) => {
    const put = (key: string, entry: SentCommand | null): void =>
      set((state) => {
        const others = Object.entries(state.sent).filter(([other]) => other !== key);
        return { sent: Object.fromEntries(entry === null ? others : [...others, [key, entry]]) };
      });
    return {
      sent: {},
      send: async (key, name, body) => {
        if (get().sent[key]?.state === 'sending') return null;
        put(key, { state: 'sending' });
        try {
          const answer = await deps.http.command(name, body);
          put(key, null);
          return answer;
        } catch (error) {
          const message = error instanceof ControlError ? error.message : 'The command could not be sent. Try again.';
          put(key, { state: 'refused', message });
          return null;
        }
      },
      dismiss: (key) => put(key, null),
    };
  });
}
