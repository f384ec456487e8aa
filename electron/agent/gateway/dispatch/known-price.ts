import { assertNever } from '../../base/errors.ts';
import type { Operation } from '../../inference/request.ts';
import type { TokenPrice } from '../../inference/upstream.ts';
import { isObject, type Json, type JsonObject } from '../dialects/json.ts';
import type { PlannedCandidate } from '../routing/plan.ts';

/**
 * The body with what it has to say so that its provider bills it by the price that is known here: what a request leaves out
 * is decided by the provider, or by an account that nobody here can look into. Pure.
 */
export function atKnownPrice(
  body: JsonObject,
  operation: Operation,
  { upstream, model }: Pick<PlannedCandidate, 'upstream' | 'model'>,
): JsonObject {
  const { billing } = upstream;
  const { price } = model;
  switch (billing) {
    case undefined:
      return body;
    case 'by-host':
      return price === undefined ? body : { ...body, provider: boundedHosts(body['provider'], operation, price) };
    case 'by-account':
      // Vectors have no tiers, and a request for them that names one is refused.
      return operation === 'embedding' ? body : { ...body, service_tier: usualTier(body['service_tier']) };
    default:
      return assertNever(billing);
  }
}

/**
 * OpenRouter asks no host that is dearer than `max_price`, in dollars for a million tokens, and fails where none is left
 * ("Provider Routing", maximum price). A caller may bound it further.
 */
function boundedHosts(wish: Json | undefined, operation: Operation, price: TokenPrice): JsonObject {
  const hosts = isObject(wish) ? wish : {};
  const { max_price: most } = hosts;
  const theirs = isObject(most) ? most : {};
  const ours = {
    prompt: smaller(theirs['prompt'], price.inputUsd),
    // Vectors have no answer to be billed.
    ...(operation === 'embedding' ? {} : { completion: smaller(theirs['completion'], price.outputUsd) }),
  };
  return { ...hosts, max_price: { ...theirs, ...ours } };
}

/**
 * OpenAI's word for the tier of the usual price; `flex` costs less. Without it, or with `auto`, a project's own default
 * holds, which may cost double ("Priority processing").
 */
function usualTier(asked: Json | undefined): string {
  return asked === 'flex' ? asked : 'default';
}

/** Prices are numbers there, or texts of one. */
function smaller(theirs: Json | undefined, ours: number): number {
  const told = typeof theirs === 'string' && theirs.trim() !== '' ? Number(theirs) : theirs;
  return typeof told === 'number' && Number.isFinite(told) ? Math.min(told, ours) : ours;
}
