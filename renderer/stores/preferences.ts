import { createStore, type StoreApi } from 'zustand/vanilla';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export interface PreferencesState {
  readonly theme: Theme;
  setTheme(theme: Theme): void;
}
export type PreferencesStore = StoreApi<PreferencesState>;

/** Where preferences last; a browser may refuse storage, so both calls may throw. */
export interface PreferenceStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const themeKey = 'ranch-hand.theme';

/** Choices of this reader in this browser. Without storage they last as long as the page. */
export function createPreferencesStore(storage: PreferenceStorage): PreferencesStore {
  return createStore<PreferencesState>((set) => ({
    theme: readTheme(storage),
    setTheme: (theme) => {
      set({ theme });
      try {
        storage.setItem(themeKey, theme);
      } catch {
        // The choice holds until the page is closed, which is all that can be done without storage.
      }
    },
  }));
}

function readTheme(storage: PreferenceStorage): Theme {
  try {
    const stored = storage.getItem(themeKey);
    return themes.find((theme) => theme === stored) ?? 'system';
  } catch {
    return 'system';
  }
}
