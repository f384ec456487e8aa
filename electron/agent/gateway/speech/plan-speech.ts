import { speechModel } from '../../../contract/routing.ts';
import { AppError } from '../../base/errors.ts';
import { quotable } from '../../base/quotable.ts';
import type { SpeechDefaults, SpeechOrder } from '../../inference/speech.ts';
import { meantName, personaNamed, type NameSettings } from '../names/resolve-name.ts';
import type { ResolvedName } from '../names/resolved-name.ts';
import type { SpeechQuery } from './speech-query.ts';

export interface SpeechAsk {
  readonly trace: string;
  readonly query: SpeechQuery;
  /** The name that the model was looked for by. */
  readonly requested: string;
  readonly resolved: ResolvedName;
  readonly names: NameSettings;
  readonly defaults: SpeechDefaults;
}

const providerForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Who speaks, with which voice. A persona stands for the model that the settings choose and brings its voice, be it
 * named as the model or as the voice; a name without a provider is one of the provider that the settings choose. Pure.
 *
 * @throws AppError `model_not_found`, `invalid_request` (a voice that leads in a circle)
 */
export function planSpeech({ trace, query, requested, resolved, names, defaults }: SpeechAsk): SpeechOrder {
  const { provider, model } = speaker(resolved, personaNamed(meantName(requested, names), names) !== null, defaults);
  const named = typeof query.voice === 'string' ? personaNamed(query.voice, names) : null;
  const own = named === null ? query.voice : (named.voice ?? defaults.voice);
  return {
    trace,
    provider,
    model,
    input: query.input,
    voice: own ?? resolved.persona?.voice ?? defaults.voice,
    instructions: query.instructions,
    format: query.format ?? defaults.format,
    speed: query.speed,
    streamFormat: query.streamFormat,
  };
}

function speaker(
  { target }: ResolvedName,
  isPersona: boolean,
  defaults: SpeechDefaults,
): { provider: string; model: string } {
  const chosen = split(defaults.model) ?? { provider: '', model: defaults.model };
  if (target.kind !== 'model' || isPersona || target.name === speechModel) return chosen;
  const named = split(target.name);
  if (named !== null) return named;
  if (target.name.includes('/')) {
    throw new AppError('model_not_found', `Nothing here speaks by the name "${quotable(target.name, 128)}".`, {
      context: { param: 'model' },
    });
  }
  return { provider: chosen.provider, model: target.name };
}

/** `provider/model`, or `model@provider` as models of upstreams may be named too; null for a model alone. */
function split(name: string): { provider: string; model: string } | null {
  const slash = name.indexOf('/');
  if (slash > 0 && slash < name.length - 1 && providerForm.test(name.slice(0, slash))) {
    return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
  }
  const at = name.lastIndexOf('@');
  if (slash === -1 && at > 0 && providerForm.test(name.slice(at + 1))) {
    return { provider: name.slice(at + 1), model: name.slice(0, at) };
  }
  return null;
}
