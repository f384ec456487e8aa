import { createStore, type StoreApi } from 'zustand/vanilla';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export interface PreferencesState {
  readonly theme: Theme;
  setTheme(theme: Theme): void;
  /** Id of the ended switch that the reader has seen enough of. */
  readonly dismissedSwitch: string | null;
  dismissSwitch(id: string): void;
}
export type PreferencesStore = StoreApi<PreferencesState>;

/** Where preferences last; a browser may refuse storage, so both calls may throw. */
export interface PreferenceStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const themeKey = 'ranch-hand.theme';
const switchKey = 'ranch-hand.dismissed-switch';

/** Choices of this reader in this browser. Without storage they last as long as the page. */
export function createPreferencesStore(storage: PreferenceStorage): PreferencesStore {
  const stored = read(storage, themeKey);
  return createStore<PreferencesState>((set) => ({
    theme: themes.find((theme) => theme === stored) ?? 'system',
    setTheme: (theme) => {
      set({ theme });
      write(storage, themeKey, theme);
    },
    dismissedSwitch: read(storage, switchKey),
    dismissSwitch: (id) => {
      set({ dismissedSwitch: id });
      write(storage, switchKey, id);
    },
  }));
}

function read(storage: PreferenceStorage, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function write(storage: PreferenceStorage, key: string, value: string): void {
  try {
    storage.setItem(key, value);
  } catch {
    // The choice holds until the page is closed, which is all that can be done without storage.
  }
}
