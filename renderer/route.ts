import { useSyncExternalStore } from 'react';

export const routes = ['overview', 'models', 'engines'] as const;
export type Route = (typeof routes)[number];

/** The screen that an address's fragment names; anything else is the overview. */
export function routeOf(hash: string): Route {
  const name = hash.replace(/^#\/?/u, '').split(/[/?]/u)[0] ?? '';
  return routes.find((route) => route === name) ?? 'overview';
}

/** The screen that the address bar names, followed as it changes. */
export function useRoute(): Route {
  return useSyncExternalStore(onHashChange, () => routeOf(window.location.hash));
}

function onHashChange(changed: () => void): () => void {
  window.addEventListener('hashchange', changed);
  return () => window.removeEventListener('hashchange', changed);
}
