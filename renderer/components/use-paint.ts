import { useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import { usePanel } from '../panel-context.ts';

const queries = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'] as const;

/** A text that changes whenever the page's colours do: for what is painted on a canvas. */
export function usePaint(): string {
  const theme = useStore(usePanel().preferences, (state) => state.theme);
  const system = useSyncExternalStore(onSystemChange, systemPaint);
  return `${theme} ${system}`;
}

function systemPaint(): string {
  return queries.map((query) => String(window.matchMedia(query).matches)).join(' ');
}

function onSystemChange(changed: () => void): () => void {
  const lists = queries.map((query) => window.matchMedia(query));
  for (const list of lists) list.addEventListener('change', changed);
  return () => {
    for (const list of lists) list.removeEventListener('change', changed);
  };
}
