import { useSyncExternalStore } from 'react';

export const routes = ['overview', 'models', 'traffic', 'money', 'gateway', 'keys', 'engines'] as const;
export type Route = (typeof routes)[number];

/** What an address's fragment names, such as `#/traffic/ID` or `#/traffic?key=aider`. */
export interface Place {
  readonly route: Route;
  /** One thing of the screen, such as a request; null for the screen itself. */
  readonly id: string | null;
  /** What follows the question mark, without it. */
  readonly search: string;
}

/** The place that a fragment names; anything that is no screen is the overview. */
export function placeOf(hash: string): Place {
  const [path = '', ...rest] = hash.replace(/^#\/?/u, '').split('?');
  const [name = '', id = ''] = path.split('/');
  const route = routes.find((one) => one === name) ?? 'overview';
  return { route, id: decoded(id), search: rest.join('?') };
}

/** The place that the address bar names, followed as it changes. */
export function usePlace(): Place {
  return placeOf(useSyncExternalStore(onHashChange, () => window.location.hash));
}

function decoded(id: string): string | null {
  try {
    return id === '' ? null : decodeURIComponent(id);
  } catch {
    return id;
  }
}

function onHashChange(changed: () => void): () => void {
  window.addEventListener('hashchange', changed);
  return () => window.removeEventListener('hashchange', changed);
}
