import { virtualModels, type VirtualModel } from '../../../contract/routing.ts';
import type { Capability, ServedModel, UpstreamDescription } from '../../inference/upstream.ts';
import type { RejectedOption, RouteAsk, RouteOption } from './plan.ts';

/** An upstream with the one of its models that would answer. */
export interface Offer {
  readonly option: RouteOption;
  readonly model: ServedModel;
}

export interface Offers {
  readonly offers: readonly Offer[];
  /** The upstreams without an offer. */
  readonly without: readonly RejectedOption[];
  /** The policy that chose, the request's priority taken in; null where the caller named the model outright. */
  readonly policy: VirtualModel | null;
  /** The model that was looked for, in the words of its upstreams; null for a policy. */
  readonly name: string | null;
  /**
   * A provider has a model of exactly this name, which costs money and so must be named with the provider:
   * `provider/model`.
   */
  readonly advice: string | null;
}

/** What the virtual name in front of an `@` is; null for any other name. */
function virtualName(name: string): VirtualModel | null {
  return virtualModels.find((each) => each === name) ?? null;
}

/**
 * Which upstreams have what the caller named. A name as an upstream lists it comes first, for it may have a slash or an
 * @ in it; then `model@upstream`; then `provider/model`. A model that only providers have must be named with its
 * provider: nobody spends money by a name that might as well be one of this node's.
 */
export function offersFor(ask: RouteAsk, options: readonly RouteOption[]): Offers {
  const { target } = ask;
  if (target.kind === 'policy') return byPolicy(ask, target.policy, options, null);

  const exact = named(target.name, options);
  if (exact.offers.some(({ option }) => option.upstream.route !== 'cloud')) return exact;

  const at = target.name.lastIndexOf('@');
  if (at > 0) {
    const base = target.name.slice(0, at);
    const id = target.name.slice(at + 1);
    if (options.some(({ upstream }) => upstream.id === id)) {
      const policy = virtualName(base);
      return policy === null ? named(base, options, id) : byPolicy(ask, policy, options, id);
    }
  }

  const slash = target.name.indexOf('/');
  if (slash > 0) {
    const id = target.name.slice(0, slash);
    if (options.some(({ upstream }) => upstream.id === id)) return named(target.name.slice(slash + 1), options, id);
  }

  const provider = exact.offers[0]?.option.upstream.id;
  if (provider === undefined) return exact;
  return { ...exact, offers: [], advice: `${provider}/${target.name}` };
}

function named(name: string, options: readonly RouteOption[], only: string | null = null): Offers {
  const offers: Offer[] = [];
  const without: RejectedOption[] = [];
  for (const option of options) {
    const { upstream } = option;
    const picked = only === null || upstream.id === only;
    const model = picked ? upstream.models.find(({ id }) => isSameModel(id, name)) : undefined;
    if (model) offers.push({ option, model });
    else without.push(withoutOffer(upstream, 'lacks-model', picked ? 'It does not have the model.' : notNamed));
  }
  return { offers, without, policy: null, name, advice: null };
}

const notNamed = 'The caller named another upstream.';

/** Ollama's `name` and `name:latest` are one model. */
function isSameModel(id: string, name: string): boolean {
  return id === name || `${id}:latest` === name || id === `${name}:latest`;
}

/**
 * One model of each upstream for a request that names none. Where one of the upstreams of this machine names a default,
 * the others of this machine stay out; where none does, what is in memory answers, and nothing is loaded that nobody
 * asked for.
 */
function byPolicy(ask: RouteAsk, asked: VirtualModel, options: readonly RouteOption[], only: string | null): Offers {
  const policy = policyOf(asked, ask);
  const offers: Offer[] = [];
  const without: RejectedOption[] = [];
  const hasDefault = options.some(({ upstream }) => {
    const model = upstream.route === 'local' ? defaultOf(upstream) : undefined;
    return model !== undefined && missingIn(ask, upstream, model) === null;
  });
  for (const option of options) {
    const { upstream } = option;
    if (only !== null && upstream.id !== only) {
      without.push(withoutOffer(upstream, 'lacks-model', notNamed));
      continue;
    }
    const model = choose(ask, policy, upstream, hasDefault && only === null);
    if (model) offers.push({ option, model });
    else without.push(withoutOffer(upstream, ...whyNone(upstream)));
  }
  return { offers, without, policy, name: null, advice: null };
}

/** `ranch/auto` leaves it to the priority. */
function policyOf(asked: VirtualModel, ask: RouteAsk): VirtualModel {
  if (asked !== 'ranch/auto' || ask.priority === 'normal') return asked;
  return ask.priority === 'low' ? 'ranch/routine' : 'ranch/quality';
}

function choose(
  ask: RouteAsk,
  policy: VirtualModel,
  upstream: UpstreamDescription,
  hasDefault: boolean,
): ServedModel | undefined {
  const byDefault = defaultOf(upstream);
  const able = upstream.models.filter((model) => missingIn(ask, upstream, model) === null);
  const inMemory = able.filter(({ loaded }) => loaded);
  if (upstream.route === 'cloud') return byDefault ?? able[0];
  if (policy === 'ranch/quality') {
    const best = largest(byDefault && able.includes(byDefault) ? [byDefault, ...inMemory] : inMemory);
    return best ?? byDefault;
  }
  if (byDefault) return able.includes(byDefault) ? byDefault : (inMemory[0] ?? byDefault);
  // The default is elsewhere on this machine: only where that one cannot do it may another stand in.
  return upstream.route === 'local' && hasDefault ? undefined : inMemory[0];
}

function defaultOf(upstream: UpstreamDescription): ServedModel | undefined {
  return upstream.models.find(({ id }) => id === upstream.defaultModel);
}

function largest(models: readonly ServedModel[]): ServedModel | undefined {
  return models.toSorted((a, b) => b.sizeBytes - a.sizeBytes)[0];
}

/** The first thing the request needs that the upstream cannot do with the model; null when it can do all. */
export function missingIn(ask: RouteAsk, upstream: UpstreamDescription, model: ServedModel): Capability | null {
  if (!upstream.operations.includes(ask.operation)) return ask.operation;
  return ask.needs.find((need) => !model.capabilities.includes(need)) ?? null;
}

function whyNone(upstream: UpstreamDescription): ['lacks-model' | 'not-default' | 'not-ready', string] {
  if (!upstream.ready) return ['not-ready', upstream.sentence];
  if (upstream.models.length === 0) return ['lacks-model', 'It has no model.'];
  return ['not-default', 'The default model is elsewhere, and the request asked for none of its models.'];
}

function withoutOffer(upstream: UpstreamDescription, code: RejectedOption['code'], sentence: string): RejectedOption {
  return { upstream, model: null, code, sentence, estimate: null };
}
