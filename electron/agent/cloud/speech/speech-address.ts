import { presetProviders, type CloudSettings } from '../../../contract/cloud.ts';
import { addressOf, type ServerAddress } from '../../inference/server-address.ts';
import { defaultSlots } from '../providers/provider-config.ts';
import { kindOf, kindTraits } from '../providers/provider-kind.ts';

export type SpeakingProvider =
  | { readonly kind: 'speaks'; readonly address: ServerAddress; readonly slots: number }
  /** There is none of that id, or one that has no speech in a form known here. */
  | { readonly kind: 'unknown'; readonly sentence: string }
  /** Switched off in the settings. */
  | { readonly kind: 'off'; readonly sentence: string };

/** What the settings say about a provider, as far as speech goes. Pure. */
export function speakingProvider(id: string, { providers }: Pick<CloudSettings, 'providers'>): SpeakingProvider {
  const own = Object.hasOwn(providers, id) ? providers[id] : undefined;
  if (own === undefined && !presetProviders.some((preset) => preset === id)) {
    return { kind: 'unknown', sentence: `There is no provider ${id}. Look at "cloud.providers" in the settings.` };
  }
  if (own?.enabled === false) {
    return {
      kind: 'off',
      sentence: `The provider ${id} is switched off in the settings. Switch it on, or name another.`,
    };
  }
  const kind = own?.kind ?? kindOf(id);
  const url = own?.url ?? kindTraits[kind].url;
  if ((kind !== 'openai' && kind !== 'openai-compatible') || url === null) {
    const sentence = `The provider ${id} does not speak in a form that this node knows. Name a model of another one.`;
    return { kind: 'unknown', sentence };
  }
  return { kind: 'speaks', address: addressOf(url), slots: own?.slots ?? defaultSlots };
}
