import { purposeModels } from '../../../contract/routing.ts';
import { assertNever } from '../../base/errors.ts';
import type { Dialect } from '../../inference/request.ts';
import type { ServedModel, UpstreamDescription } from '../../inference/upstream.ts';
import type { Lack } from '../missing-capability.ts';
import { dialectFor } from '../dispatch/outgoing.ts';
import { withLatest, withoutLatest } from '../names/latest-tag.ts';
import { policyNamed } from '../names/policy-named.ts';
import { readModelName } from '../names/read-model-name.ts';
import type { PolicyName } from '../names/resolved-name.ts';
import type { RejectedOption, RouteAsk, RouteOption } from './plan.ts';

/** An upstream with the one of its models that would answer. */
export interface Offer {
  readonly option: RouteOption;
  readonly model: ServedModel;
  /** Place among what stands in at the cloud, from 0; 0 for all else. */
  readonly rank: number;
}

export interface Offers {
  readonly offers: readonly Offer[];
  /** The upstreams without an offer. */
  readonly without: readonly RejectedOption[];
  /** The policy that chose, the request's priority taken in; null where the caller named the model outright. */
  readonly policy: PolicyName | null;
  /** The model that was looked for, in the words of its upstreams; null for a policy. */
  readonly name: string | null;
  /**
   * A provider has a model of exactly this name, which costs money and so must be named with the provider:
   * `provider/model`.
   */
  readonly advice: string | null;
}

function isPurpose(policy: PolicyName | null): boolean {
  return purposeModels.some((each) => each === policy);
}

/**
 * Which upstreams have what the caller named, as {@link readModelName} reads it. A model that only providers have must be named with its
 * provider: nobody spends money by a name that might as well be one of this node's. Where such a name has stand-ins of its
 * own at the cloud, these are offered beside it.
 */
export function offersFor(ask: RouteAsk, options: readonly RouteOption[]): Offers {
  const { target } = ask;
  if (target.kind === 'policy') return byPolicy(ask, target.policy, options, null);

  const { form, base, only } = readModelName(target.name, {
    isNear: (name) =>
      options.some(
        ({ upstream }) => upstream.route !== 'cloud' && upstream.models.some(({ id }) => isSameModel(id, name)),
      ),
    has: (id) => options.some(({ upstream }) => upstream.id === id),
  });
  const policy = form === 'at' ? policyNamed(base) : null;
  if (policy !== null) return byPolicy(ask, policy, options, only);
  const exact = named(base, options, only);
  if (only !== null) return exact;
  if (exact.offers.some(({ option }) => option.upstream.route !== 'cloud'))
    return besideIt(exact, ask, target.name, options);

  const provider = exact.offers[0]?.option.upstream.id;
  if (provider === undefined) return exact;
  return { ...exact, offers: [], advice: `${provider}/${target.name}` };
}

/** A model of this ranch with what is set to stand in for it; nothing else of the cloud is taken for it. */
function besideIt(exact: Offers, { standIns }: RouteAsk, name: string, options: readonly RouteOption[]): Offers {
  if (standIns === undefined) return exact;
  const near = exact.offers.filter(({ option }) => option.upstream.route !== 'cloud');
  const own = [name, withoutLatest(name), withLatest(name)].map(standIns).find((names) => names.length > 0) ?? [];
  const offers = [...near, ...offersOf(own, options)];
  const offered = new Set(offers.map(({ option }) => option));
  const known = new Set(exact.without.map(({ upstream }) => upstream.id));
  const left = options.filter((option) => !offered.has(option) && !known.has(option.upstream.id));
  const without = exact.without.filter(
    ({ upstream }) => ![...offered].some((option) => option.upstream.id === upstream.id),
  );
  return {
    ...exact,
    offers,
    without: [...without, ...left.map(({ upstream }) => withoutOffer(upstream, 'lacks-model', noStandIn))],
  };
}

const noStandIn = 'None of its models stands in for this name.';

/** What stands in, as far as providers have it; a name that none has is passed over. */
function offersOf(names: readonly string[], options: readonly RouteOption[]): Offer[] {
  return names.flatMap((name, rank): Offer[] => {
    const slash = name.indexOf('/');
    const provider = name.slice(0, slash);
    const option = options.find(({ upstream }) => upstream.route === 'cloud' && upstream.id === provider);
    const model = option?.upstream.models.find(({ id }) => id === name.slice(slash + 1));
    return option && model ? [{ option, model, rank }] : [];
  });
}

function named(name: string, options: readonly RouteOption[], only: string | null = null): Offers {
  const offers: Offer[] = [];
  const without: RejectedOption[] = [];
  for (const option of options) {
    const { upstream } = option;
    const picked = only === null || upstream.id === only;
    const model = picked ? upstream.models.find(({ id }) => isSameModel(id, name)) : undefined;
    if (model) offers.push({ option, model, rank: 0 });
    else without.push(withoutOffer(upstream, 'lacks-model', picked ? 'It does not have the model.' : notNamed));
  }
  return { offers, without, policy: null, name, advice: null };
}

const notNamed = 'The caller named another upstream.';

/** Ollama's `name` and `name:latest` are one model. */
function isSameModel(id: string, name: string): boolean {
  return withoutLatest(id) === withoutLatest(name);
}

/**
 * One model of each upstream for a request that names none. Where one of the upstreams of this machine names a default,
 * the others of this machine stay out; where none does, what is in memory answers, and nothing is loaded that nobody
 * asked for.
 */
function byPolicy(ask: RouteAsk, asked: PolicyName, options: readonly RouteOption[], only: string | null): Offers {
  const policy = policyOf(asked, ask);
  const offers: Offer[] = [];
  const without: RejectedOption[] = [];
  const hasDefault = options.some(({ upstream }) => {
    const model = upstream.route === 'local' ? defaultOf(upstream) : undefined;
    return model !== undefined && missingIn(ask, upstream, model) === null;
  });
  const standIns = ask.standIns === undefined ? null : offersOf(ask.standIns(standInName(policy)), options);
  for (const option of options) {
    const { upstream } = option;
    if (only !== null && upstream.id !== only) {
      without.push(withoutOffer(upstream, 'lacks-model', notNamed));
      continue;
    }
    if (standIns !== null && upstream.route === 'cloud') {
      const own = standIns.filter((offer) => offer.option === option);
      offers.push(...own);
      if (own.length === 0) without.push(withoutOffer(upstream, ...whyNotStandIn(upstream)));
      continue;
    }
    const model = choose(ask, policy, upstream, hasDefault && only === null);
    if (model) offers.push({ option, model, rank: 0 });
    else without.push(withoutOffer(upstream, ...whyNone(upstream)));
  }
  return { offers, without, policy, name: null, advice: null };
}

/** `ranch/auto` leaves it to the priority. */
function policyOf(asked: PolicyName, ask: RouteAsk): PolicyName {
  if (asked !== 'ranch/auto' || ask.priority === 'normal') return asked;
  return ask.priority === 'low' ? 'ranch/routine' : 'ranch/quality';
}

/** Routine work never goes to what stands in, and yet is told what it would have been. */
function standInName(policy: PolicyName): string {
  return policy === 'ranch/routine' || policy === 'ranch/local' ? 'ranch/auto' : policy;
}

function whyNotStandIn(upstream: UpstreamDescription): ['lacks-model' | 'not-ready', string] {
  return upstream.ready ? ['lacks-model', noStandIn] : ['not-ready', upstream.sentence];
}

function choose(
  ask: RouteAsk,
  policy: PolicyName,
  upstream: UpstreamDescription,
  hasDefault: boolean,
): ServedModel | undefined {
  const byDefault = defaultOf(upstream);
  const able = upstream.models.filter((model) => missingIn(ask, upstream, model) === null);
  const inMemory = able.filter(({ loaded }) => loaded);
  if (upstream.route === 'cloud') return byDefault ?? able[0];
  if (policy === 'ranch/quality' || isPurpose(policy)) {
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

/** The first thing the request needs that the upstream cannot do with the model, or cannot be told; null when it can do all. */
export function missingIn(ask: RouteAsk, upstream: UpstreamDescription, model: ServedModel): Lack | null {
  if (!upstream.operations.includes(ask.operation)) return ask.operation;
  const dialect = dialectFor(ask.dialect, upstream);
  const lacking = ask.needs.find((need) => !model.capabilities.includes(need));
  return lacking ?? unsayable(ask, dialect);
}

/** What the dialect has no words for, though the model might do it. */
function unsayable(ask: RouteAsk, dialect: Dialect): Lack | null {
  switch (dialect) {
    case 'openai':
      return null;
    case 'anthropic':
      if (ask.wantsPlainJson === true) return 'plain-json';
      if (ask.needs.includes('logprobs')) return 'logprobs';
      return ask.biasesTokens === true ? 'token-bias' : null;
    case 'ollama':
      if (ask.forcesTool === true) return 'forced-tool';
      return ask.biasesTokens === true ? 'token-bias' : null;
    default:
      return assertNever(dialect);
  }
}

function whyNone(upstream: UpstreamDescription): ['lacks-model' | 'not-default' | 'not-ready', string] {
  if (!upstream.ready) return ['not-ready', upstream.sentence];
  if (upstream.models.length === 0) return ['lacks-model', 'It has no model.'];
  return ['not-default', 'The default model is elsewhere, and the request asked for none of its models.'];
}

function withoutOffer(upstream: UpstreamDescription, code: RejectedOption['code'], sentence: string): RejectedOption {
  return { upstream, model: null, code, sentence, estimate: null };
}
