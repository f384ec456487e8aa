import { presetProviders, type CloudSettings } from '../../../contract/cloud.ts';
import type { Prices } from '../provider-port.ts';
import type { NameKind, Nameable } from './misfit.ts';
import { NearNames, type Spelled } from './near-names.ts';

/** What of the settings has names. */
export interface NamingSettings {
  readonly cloud: CloudSettings;
  /** Names of the operator's own: for another name, or for a persona. */
  readonly names: Readonly<Record<string, string | { readonly model: string }>>;
  /** Other servers. */
  readonly upstreams: readonly { readonly id: string }[];
}

export interface KeyNames {
  /** Of keys that open something. */
  readonly valid: readonly string[];
  /** Those, and of keys that were revoked. */
  readonly known: readonly string[];
}

/** Aliases that stand for aliases, one after the other; more lead nowhere. */
const mostAliases = 8;

/** What budgets and windows may name by these settings, any of which may hold. Made for one look. */
export function nameableOf(
  all: readonly Omit<NamingSettings, 'cloud'>[],
  cloud: CloudSettings,
  { prices, keys }: { readonly prices: Prices; readonly keys: () => KeyNames | null },
): Nameable {
  const servers = new Set(all.flatMap(({ upstreams }) => upstreams.map(({ id }) => id)));
  const ofCloud = [...new Set<string>([...presetProviders, ...Object.keys(cloud.providers)])];
  const made = new Map<NameKind, NearNames>();
  const spelled = (kind: NameKind): Spelled[] => {
    switch (kind) {
      case 'provider':
        return [...ofCloud, ...servers].map(asItIs);
      case 'model':
        return modelsOf(ofCloud, cloud, prices).map(withoutProvider);
      case 'key':
        return (keys()?.valid ?? []).map(asItIs);
      case 'persona':
        return all
          .flatMap(({ names }) => Object.keys(names).filter((name) => typeof names[name] !== 'string'))
          .map(asItIs);
    }
  };
  return {
    providers: [...ofCloud, ...servers],
    // Which models a server has is its own to tell, and changes.
    hasModel: (provider, model) =>
      servers.has(provider) ||
      prices.of(provider, model) !== null ||
      (Object.hasOwn(cloud.providers, provider) &&
        cloud.providers[provider]?.models.some(({ id }) => id === model) === true),
    keys,
    meaning: (name) => meaningOf(name, all),
    near: (kind) => {
      const near = made.get(kind) ?? new NearNames(spelled(kind));
      made.set(kind, near);
      return near;
    },
  };
}

function modelsOf(
  providers: readonly string[],
  { prices: own, providers: set }: CloudSettings,
  prices: Prices,
): string[] {
  const known = providers.flatMap((id) => [
    ...(prices.models?.(id) ?? []).map((model) => `${id}/${model.id}`),
    ...(Object.hasOwn(set, id) ? (set[id]?.models ?? []) : []).map((model) => `${id}/${model.id}`),
  ]);
  return [...known, ...Object.keys(own)];
}

function asItIs(name: string): Spelled {
  return { name, spellings: [name] };
}

function withoutProvider(name: string): Spelled {
  return { name, spellings: [name, name.slice(name.indexOf('/') + 1)] };
}

/** A persona by any of the settings is one; else an alias leads where the first of them says. */
function meaningOf(
  name: string,
  all: readonly Pick<NamingSettings, 'names'>[],
): { readonly persona: string | null } | null {
  const meanings = all.flatMap(({ names }) => (Object.hasOwn(names, name) ? [followed(name, names)] : []));
  return meanings.find(({ persona }) => persona === name) ?? meanings[0] ?? null;
}

function followed(name: string, names: NamingSettings['names']): { readonly persona: string | null } {
  let current = name;
  for (let step = 0; step < mostAliases; step += 1) {
    const meaning = Object.hasOwn(names, current) ? names[current] : undefined;
    if (meaning === undefined) break;
    if (typeof meaning !== 'string') return { persona: current };
    current = meaning;
  }
  return { persona: null };
}
