import { fullName } from './library-model.ts';
import type { AdoptedOllama } from './adopted-ollama.ts';
import type { OllamaApi } from './ollama-api.ts';
import type { OllamaWatch, WatchedModel } from './ollama-watch.ts';
import type { OwnedOllama } from './owned-ollama.ts';

/** How the node stands to Ollama. */
export type OllamaMode =
  | { readonly kind: 'stopped'; readonly sinceMs: number }
  /** Nothing answers and nothing can be started; the address is watched. */
  | {
      readonly kind: 'absent';
      readonly adopted: AdoptedOllama;
      readonly refused: readonly string[];
      readonly sinceMs: number;
    }
  /** One that somebody else runs, also while it is gone. */
  | { readonly kind: 'adopted'; readonly adopted: AdoptedOllama }
  /** `beside`: where the operator's own has come up since. `refused`: why better placed programs were passed over. */
  | {
      readonly kind: 'owned';
      readonly owned: OwnedOllama;
      readonly beside: string | null;
      readonly refused: readonly string[];
    };

/** What is known of the Ollama in use; null while there is none. */
export function watchOf(mode: OllamaMode): OllamaWatch | null {
  if (mode.kind === 'owned') return mode.owned.endpoint?.watch ?? null;
  return mode.kind === 'adopted' ? mode.adopted.watch : null;
}

/** The way to the Ollama in use; null while there is none. */
export function apiOf(mode: OllamaMode): OllamaApi | null {
  if (mode.kind === 'owned') return mode.owned.endpoint?.api ?? null;
  return mode.kind === 'adopted' ? mode.adopted.api : null;
}

/** Its models, on disk and in memory. */
export function modelsOf(mode: OllamaMode): readonly WatchedModel[] {
  return watchOf(mode)?.models ?? none;
}

const none: readonly WatchedModel[] = [];

/** The model of this name, with or without a tag; null when it is not in the library. */
export function modelNamed(mode: OllamaMode, name: string): WatchedModel | null {
  const full = fullName(name);
  return modelsOf(mode).find(({ row }) => row.name === full) ?? null;
}

/** Whether it answers. */
export function answers(mode: OllamaMode): boolean {
  if (mode.kind === 'adopted') return mode.adopted.present;
  return mode.kind === 'owned' && mode.owned.record.state.kind === 'ready';
}

const rising: ReadonlySet<string> = new Set(['starting', 'loading', 'ready', 'stopping', 'backoff']);

/** Whether ours answers, or will without anybody's help. */
export function runs(mode: OllamaMode): boolean {
  return mode.kind === 'owned' && rising.has(mode.owned.record.state.kind);
}

/** Requests that each model works on side by side. */
export function slotsOf(mode: OllamaMode): number {
  if (mode.kind === 'owned') return mode.owned.settings.parallel;
  if (mode.kind !== 'adopted') return 0;
  const told = Number(mode.adopted.keeper?.settings?.['OLLAMA_NUM_PARALLEL'] ?? '');
  return Number.isInteger(told) && told >= 1 && told <= 64 ? told : 1;
}

/** The context that it gives a model; null where that is not told. */
export function contextOf(mode: OllamaMode): number | null {
  if (mode.kind === 'owned') return mode.owned.settings.contextLength;
  if (mode.kind !== 'adopted') return null;
  const told = Number(mode.adopted.keeper?.settings?.['OLLAMA_CONTEXT_LENGTH'] ?? '');
  return Number.isInteger(told) && told > 0 ? told : null;
}

/** Ollama's own choice where nobody set another. */
const usualKeepAlive = '5m';

/** How long an adopted one keeps a model that nobody asks for: as its operator set it, in the form of its API. */
export function keepAliveOf({ keeper }: Pick<AdoptedOllama, 'keeper'>): string | number {
  const set = keeper?.settings?.['OLLAMA_KEEP_ALIVE'];
  if (set === undefined || set === '') return usualKeepAlive;
  return /^-?\d+$/.test(set) ? Number(set) : set;
}
