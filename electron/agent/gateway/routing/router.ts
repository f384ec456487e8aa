import type { RouteReason } from '../../../contract/routing.ts';
import { AppError } from '../../base/errors.ts';
import type { Dialect, Operation } from '../../inference/request.ts';
import type { Capability, ServedModel, UpstreamDescription } from '../../inference/upstream.ts';

/** Names that stand for "whatever this node answers with". */
export const virtualModels: readonly string[] = ['ranch/auto', 'ranch/local', 'ranch/routine', 'ranch/quality'];

export interface RoutingRequest {
  readonly operation: Operation;
  readonly dialect: Dialect;
  readonly model: string;
  readonly needs: readonly Capability[];
}

/** An upstream as the router sees it. */
export interface RoutingOption {
  readonly upstream: UpstreamDescription;
  /** Requests of ours that it works on now. */
  readonly inFlight: number;
}

export interface Candidate {
  readonly upstream: UpstreamDescription;
  /** The model as the upstream names it. */
  readonly model: string;
  /** `local-loading` where the model has to be loaded first: the upstream holds the request until it is. */
  readonly reason: RouteReason;
}

export type RoutingPlan =
  | { readonly kind: 'plan'; readonly candidates: readonly [Candidate, ...Candidate[]] }
  | { readonly kind: 'refused'; readonly reason: RouteReason; readonly error: RoutingRefusal };

export type RoutingRefusal =
  | { readonly kind: 'error'; readonly error: AppError }
  /** The model is here, but no upstream that has it can do this. */
  | { readonly kind: 'capability'; readonly model: string; readonly capability: Capability };

/**
 * Who may answer a request, best first, and why. A model that nobody has is refused, never replaced by another; one that
 * is in memory somewhere goes before one that has to be loaded. Pure: the same request and the same upstreams give the
 * same plan.
 */
export function planRoute(request: RoutingRequest, options: readonly RoutingOption[]): RoutingPlan {
  const usable = options.filter(({ upstream }) => upstream.dialects.includes(request.dialect));
  const offers = offersOf(request, usable);
  const ready = offers.filter(({ option }) => option.upstream.ready);
  if (ready.length === 0) return refuse(request, usable, offers.length > 0);

  const capable = ready.filter(({ option, model }) => missing(request, option.upstream, model) === null);
  const [first, ...others] = capable
    .map(({ option, model }): Candidate & { load: number } => ({
      upstream: option.upstream,
      model: model.id,
      reason: reasonFor(option, model),
      load: option.inFlight / Math.max(1, option.upstream.slots),
    }))
    .sort((a, b) => Number(isLoading(a)) - Number(isLoading(b)) || a.load - b.load);
  if (first) return { kind: 'plan', candidates: [first, ...others] };

  const [offer] = ready;
  const capability = offer ? missing(request, offer.option.upstream, offer.model) : null;
  const model = offer?.model.id ?? request.model;
  return {
    kind: 'refused',
    reason: 'bad-request',
    error: { kind: 'capability', model, capability: capability ?? request.operation },
  };
}

interface Offer {
  readonly option: RoutingOption;
  readonly model: ServedModel;
}

/**
 * The upstreams that have the model. A name as an upstream lists it comes first, for it may have an @ in it; then
 * `name@upstream` picks one of them.
 */
function offersOf(request: RoutingRequest, usable: readonly RoutingOption[]): Offer[] {
  const exact = offersNamed(request.model, request, usable);
  const at = request.model.lastIndexOf('@');
  if (exact.length > 0 || at === -1) return exact;
  const picked = usable.filter(({ upstream }) => upstream.id === request.model.slice(at + 1));
  return offersNamed(request.model.slice(0, at), request, picked);
}

function offersNamed(name: string, request: RoutingRequest, usable: readonly RoutingOption[]): Offer[] {
  if (!virtualModels.includes(name)) return offersWhere(usable, (model) => model.id === name);
  const byDefault = offersWhere(usable, (model, upstream) => model.id === upstream.defaultModel);
  if (byDefault.length > 0) return byDefault;
  // Nobody names a default: what is in memory and can do it answers, and nothing is loaded that nobody asked for.
  return offersWhere(
    usable,
    (model, upstream) => upstream.ready && model.loaded && missing(request, upstream, model) === null,
  );
}

/** Each upstream with its first model that fits. */
function offersWhere(
  usable: readonly RoutingOption[],
  fits: (model: ServedModel, upstream: UpstreamDescription) => boolean,
): Offer[] {
  return usable.flatMap((option) => {
    const model = option.upstream.models.find((each) => fits(each, option.upstream));
    return model ? [{ option, model }] : [];
  });
}

function reasonFor(option: RoutingOption, model: ServedModel): RouteReason {
  if (!model.loaded) return 'local-loading';
  return option.inFlight < option.upstream.slots ? 'local-idle' : 'local-queue';
}

function isLoading(candidate: Candidate): boolean {
  return candidate.reason === 'local-loading';
}

/** The name of a virtual model without an upstream behind it. */
function isVirtualName(name: string): boolean {
  return virtualModels.some((virtual) => name === virtual || name.startsWith(`${virtual}@`));
}

/** The first thing the request needs that the upstream cannot do with the model; null when it can do all. */
function missing(request: RoutingRequest, upstream: UpstreamDescription, model: ServedModel): Capability | null {
  if (!upstream.operations.includes(request.operation)) return request.operation;
  return request.needs.find((need) => !model.capabilities.includes(need)) ?? null;
}

function refuse(request: RoutingRequest, usable: readonly RoutingOption[], known: boolean): RoutingPlan {
  const isVirtual = isVirtualName(request.model);
  // An engine that is still starting may not know its models yet: "unknown" would be a guess.
  const mayComeUp = usable.some(({ upstream }) => !upstream.ready && upstream.models.length === 0);
  if (known || isVirtual || mayComeUp) {
    const error = notReady(usable.map(({ upstream }) => upstream));
    return { kind: 'refused', reason: 'local-not-ready', error: { kind: 'error', error } };
  }
  const message = `The model "${request.model.slice(0, 128)}" is not on this node. GET /v1/models lists those that are.`;
  const error = new AppError('model_not_found', message, { context: { param: 'model' } });
  return { kind: 'refused', reason: 'unknown-model', error: { kind: 'error', error } };
}

/** Why nobody can answer now. To try again is advised only where something is on its way up without anyone's help. */
function notReady(upstreams: readonly UpstreamDescription[]): AppError {
  const down = upstreams.filter(({ ready }) => !ready);
  const rising = down.find(({ comesUp }) => comesUp !== false);
  if (rising) {
    const message = `${rising.sentence.replace(/\.?$/, '.')} Try again in a moment.`;
    return new AppError('engine_not_ready', message, { context: { retryAfterS: 2 } });
  }
  const missing =
    upstreams.length === 0 ? 'No engine runs on this node. Start one' : 'No model is on this node. Add one';
  const message = down[0]?.sentence ?? `${missing}, then send the request again.`;
  return new AppError('engine_not_ready', message, { context: { retryAfterS: null } });
}
