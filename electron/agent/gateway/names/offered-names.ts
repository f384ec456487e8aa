import type { Policy } from '../../../contract/keys.ts';
import { purposeModels, virtualModels, type PurposeModel, type VirtualModel } from '../../../contract/routing.ts';
import { AppError } from '../../base/errors.ts';
import type { UpstreamDescription } from '../../inference/upstream.ts';
import type { OfferedName } from '../dialects/surface.ts';
import { isAllowed } from './model-pattern.ts';
import { resolveName, type NameSettings } from './resolve-name.ts';

const sentences: Readonly<Record<VirtualModel, string>> = {
  'ranch/auto': 'Answered here if it can begin in time, else by a peer, else by the cloud if that is allowed.',
  'ranch/local': 'Answered on this machine only.',
  'ranch/routine': 'Answered here or by a peer; waits rather than spends money.',
  'ranch/quality': 'Answered by the cloud if that is allowed, else by the largest model here.',
};

const purposeSentences: Readonly<Record<PurposeModel, string>> = {
  'ranch/long-context':
    'For prompts of many pages: answered by the cloud model that is set for it, else by the largest model here.',
  'ranch/live': 'For what happens now: answered by the cloud model that is set for it, else by the largest model here.',
  'ranch/code': 'For programs: answered by the cloud model that is set for it, else by the largest model here.',
  'ranch/reasoning':
    'For hard questions: answered by the cloud model that is set for it, else by the largest model here.',
};

/** Which purposes have models at the cloud, and whether the caller may have any of the cloud. */
export interface Offloading {
  readonly isOpen: boolean;
  standIns(name: string): readonly string[];
}

/**
 * The names beside the models' own that a caller may use: virtual models first, then the operator's. Those that its key
 * may not name are left out, and so is what leads in a circle.
 */
export function offeredNames(
  names: NameSettings,
  policy: Policy,
  upstreams: readonly UpstreamDescription[],
  offloading: Offloading | null = null,
): OfferedName[] {
  const local = upstreams.filter(({ route }) => route === 'local');
  const byDefault = local.find(({ defaultModel }) => defaultModel !== null)?.defaultModel ?? null;
  const inMemory = local.flatMap(({ ready, models }) => (ready ? models.filter(({ loaded }) => loaded) : []));
  const standing = byDefault ?? inMemory[0]?.id ?? null;
  const known = new Set(upstreams.flatMap((upstream) => namesOf(upstream)));

  const virtual = virtualModels
    .filter((id) => isAllowed(policy.models, id))
    .map((id): OfferedName => {
      const own = id === 'ranch/auto' ? policy.defaultModel : null;
      return { id, sentence: sentences[id], model: own === null ? standing : modelBehind(own, names, known, standing) };
    });
  const purposes = purposeModels
    .filter((id) => offloading?.isOpen === true && names[id] === undefined && isAllowed(policy.models, id))
    .flatMap((id): OfferedName[] => {
      const model = offloading?.standIns(id).find((name) => known.has(name));
      return model === undefined ? [] : [{ id, sentence: purposeSentences[id], model }];
    });
  const own = Object.keys(names)
    .filter((id) => !virtualModels.some((each) => each === id) && isAllowed(policy.models, id))
    .flatMap((id): OfferedName[] => {
      const meaning = names[id];
      if (meaning === undefined || !leadsSomewhere(id, names)) return [];
      const sentence = typeof meaning === 'string' ? `Another name for ${meaning}.` : `A persona of ${meaning.model}.`;
      return [{ id, sentence, model: modelBehind(id, names, known, standing) }];
    });
  return [...virtual, ...purposes, ...own];
}

/** The model that a name leads to, if an upstream has it. */
function modelBehind(
  name: string,
  names: NameSettings,
  known: ReadonlySet<string>,
  standing: string | null,
): string | null {
  const target = targetBehind(name, names);
  if (target === null) return null;
  if (target.kind === 'policy') return standing;
  return known.has(target.name) ? target.name : null;
}

function leadsSomewhere(name: string, names: NameSettings): boolean {
  return targetBehind(name, names) !== null;
}

/** Null where the name leads in a circle: that is told to who uses it, and no reason to list nothing at all. */
function targetBehind(name: string, names: NameSettings): ReturnType<typeof resolveName>['target'] | null {
  try {
    return resolveName({ requested: name, bodyPriority: null, headers: {}, policy: everything, names }).target;
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

const everything: Policy = {
  defaultModel: null,
  priority: 'normal',
  maxPriority: 'high',
  ceiling: 'cloud',
  models: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  offload: null,
  dollarsPerDay: null,
};

/** The ways in which the models of an upstream may be named; without a provider only where they cost nothing. */
function namesOf({ id, route, models }: UpstreamDescription): string[] {
  return models.flatMap((model) => [
    ...(route === 'cloud' ? [] : [model.id]),
    `${model.id}@${id}`,
    `${id}/${model.id}`,
  ]);
}
