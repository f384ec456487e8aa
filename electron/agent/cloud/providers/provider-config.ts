import { presetProviders, type CloudSettings, type ProviderSettings } from '../../../contract/cloud.ts';
import { addressOf, type ServerAddress } from '../../inference/server-address.ts';
import { kindOf, kindTraits, type KindTraits } from './provider-kind.ts';

/** A provider as the settings and what is known of its kind make it. */
export interface ProviderConfig {
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly traits: KindTraits;
  readonly enabled: boolean;
  /** The settings have something to say about it: its operator wants to hear why it cannot be used. */
  readonly isNamed: boolean;
  readonly slots: number;
  readonly models: ProviderSettings['models'];
  /** Null with a sentence where there is none that a key may be sent to. */
  readonly address: ServerAddress | null;
  readonly problem: string | null;
}

/** Requests side by side to a provider that the settings do not name. */
export const defaultSlots = 16;

/** All providers, the known ones first; one that is called as a known one changes that. Pure. */
export function providerConfigs({ providers }: Pick<CloudSettings, 'providers'>): ProviderConfig[] {
  const ids = new Set<string>([...presetProviders, ...Object.keys(providers)]);
  return [...ids].map((id) => configOf(id, Object.hasOwn(providers, id) ? providers[id] : undefined));
}

function configOf(id: string, own: ProviderSettings | undefined): ProviderConfig {
  const traits = kindTraits[own?.kind ?? kindOf(id)];
  const name = traits.name !== '' && isPreset(id) ? traits.name : id;
  const { address, problem } = judged(own?.url ?? traits.url, traits, { id, name });
  return {
    id,
    name,
    traits,
    enabled: own?.enabled ?? true,
    isNamed: own !== undefined,
    slots: own?.slots ?? defaultSlots,
    models: own?.models ?? [],
    address,
    problem,
  };
}

function isPreset(id: string): boolean {
  return presetProviders.some((preset) => preset === id);
}

/** The settings refuse the rest already; here nothing goes out should one slip through. */
function judged(
  url: string | null,
  traits: KindTraits,
  { id, name }: Pick<ProviderConfig, 'id' | 'name'>,
): { readonly address: ServerAddress | null; readonly problem: string | null } {
  const problem = (sentence: string) => ({ address: null, problem: `${name} ${sentence}` });
  if (url === null) return problem('has no address. Put its url into the settings, under "cloud.providers".');
  if (!URL.canParse(url)) return problem('has an address that is none. Mend its url under "cloud.providers".');
  const { protocol, username, password, hostname } = new URL(url);
  if (username !== '' || password !== '') {
    return problem(`has a password in its address. Take it out, and set its key with "ranch-hand secrets set ${id}".`);
  }
  const isLoopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname.toLowerCase());
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback)) {
    return problem('has an address that would send its key in plain text. Use https.');
  }
  const address = addressOf(url);
  // An address of Gemini that leaves its path out is the same one.
  const own = traits.url === null ? '' : addressOf(traits.url).basePath;
  const needsPath = own !== '' && traits.listPath === '/models' && address.basePath === '';
  return { address: needsPath ? { ...address, basePath: own } : address, problem: null };
}
