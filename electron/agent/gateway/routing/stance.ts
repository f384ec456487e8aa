import type { Priority } from '../../../contract/routing.ts';
import type { Offers } from './offers.ts';
import type { RouteAsk, RouteContext } from './plan.ts';

/**
 * How a request weighs waiting against money.
 * `auto`: money only where nothing else can begin in time. `routine`: never money. `quality`: money first, then the
 * largest model here. `cloud-first`: money first, because the operator prefers the cloud for now. `requested`: the
 * caller named a model that only costs money. `purpose`: money first, for the caller named what it is for.
 */
export type Stance = 'auto' | 'routine' | 'quality' | 'cloud-first' | 'requested' | 'purpose';

/** The best model counts for more than the soonest answer. */
export function prefersBest(stance: Stance): boolean {
  return stance === 'quality' || stance === 'purpose';
}

/**
 * Whether money would only be spent because this node is busy or because the operator prefers the cloud for now: nobody
 * asked for the cloud by priority or by name. Beyond the soft limit of a budget such a request stays here. Pure.
 */
export function isElective(stance: Stance, priority: Priority): boolean {
  return priority !== 'high' && (stance === 'auto' || stance === 'cloud-first');
}

export function stanceOf(ask: RouteAsk, offers: Offers, context: RouteContext): Stance {
  switch (offers.policy) {
    case null: {
      const isCloudOnly = offers.offers.every(({ option }) => option.upstream.route === 'cloud');
      if (isCloudOnly) return 'requested';
      return ask.priority === 'low' ? 'routine' : 'auto';
    }
    case 'ranch/auto':
      return context.offload === 'on' ? 'cloud-first' : 'auto';
    case 'ranch/routine':
      return 'routine';
    case 'ranch/local':
      return 'auto';
    case 'ranch/quality':
      return ask.priority === 'low' ? 'routine' : 'quality';
    case 'ranch/long-context':
    case 'ranch/live':
    case 'ranch/code':
    case 'ranch/reasoning':
      return ask.priority === 'low' ? 'routine' : 'purpose';
  }
}
