import type { RouteReason } from '../../../contract/routing.ts';
import type { BreakerCause } from '../dispatch/breaker.ts';
import { count, dollars, seconds } from './figures.ts';
import type { Place } from './judge.ts';
import type { RouteContext } from './plan.ts';
import type { Stance } from './stance.ts';

/** What a place is to its plan. */
export interface Standing {
  readonly stance: Stance;
  readonly isFirst: boolean;
  readonly afterFailure: boolean;
  /** Whether an upstream of this machine has the model. */
  readonly isHereToo: boolean;
  /** What keeps a purpose from the cloud models that are set for it. */
  readonly withoutCloud: WithoutCloud | null;
}

export interface WithoutCloud {
  readonly reason: Extract<RouteReason, 'offload-off' | 'no-budget' | 'ceiling'>;
  readonly sentence: string;
}

/** A wait that nobody notices: a slot is as good as free. */
const noWaitMs = 50;

/** Why a place stands in the plan: the code of the answer's header. */
export function reasonFor(place: Place, standing: Standing): RouteReason {
  const { option, model, estimate } = place;
  const isCached = option.hasSession && estimate.cachedTokens > 0;
  switch (option.upstream.route) {
    case 'local':
      if (standing.isFirst && standing.withoutCloud !== null) return standing.withoutCloud.reason;
      if (!model.loaded) return 'local-loading';
      if (isCached) return 'local-cached';
      if (estimate.waitMs <= noWaitMs) return 'local-idle';
      return standing.stance === 'routine' ? 'local-routine' : 'local-queue';
    case 'peer':
      if (isCached) return 'peer-cached';
      if (!standing.isHereToo) return 'peer-only';
      return standing.afterFailure ? 'fallback' : 'peer-faster';
    case 'cloud':
      if (standing.stance !== 'auto') return 'cloud-requested';
      return standing.isFirst || !standing.afterFailure ? 'cloud-saturated' : 'fallback';
  }
}

/** The same for a person, with the numbers that decided. */
export function sentenceFor(place: Place, standing: Standing, context: RouteContext): string {
  const parts = [expected(place, context)];
  const { lostCacheTokens, lostCacheUsd = 0, worstUsd } = place.estimate;
  const worth = lostCacheUsd > 0 ? `, worth ${dollars(lostCacheUsd)},` : '';
  if (lostCacheTokens > 0) parts.push(`Leaves a cache of ${count(lostCacheTokens)} tokens${worth} behind.`);
  if (place.isPaid) parts.push(`Costs up to ${dollars(worstUsd)}.`);
  if (place.isPaid) parts.push(whyPaid[standing.stance]);
  if (!place.isPaid && standing.isFirst && standing.withoutCloud !== null) {
    parts.push(`Not by the cloud: ${standing.withoutCloud.sentence}`);
  }
  if (place.option.breaker.kind === 'half-open') parts.push(onTrial[place.option.breaker.leftOut.cause]);
  if (place.estimate.waitMs > context.mostWaitMs)
    parts.push(`Waiting is limited to ${seconds(context.mostWaitMs)}, so it may be refused.`);
  if (standing.afterFailure) parts.push('Tried if those before it fail.');
  return parts.join(' ');
}

const onTrial: Readonly<Record<BreakerCause, string>> = {
  failing: 'It failed a while ago and is on trial.',
  busy: 'It had no room a while ago and is on trial.',
  unauthorised: 'It refused the key a while ago and is on trial.',
  'out-of-money': 'Its account was used up a while ago, and it is on trial.',
};

const whyPaid: Readonly<Record<Stance, string>> = {
  auto: 'Nothing that is free begins in time.',
  routine: 'The caller named it.',
  quality: 'Quality goes to the cloud first.',
  'cloud-first': 'The cloud is preferred for now.',
  requested: 'The caller named it.',
  purpose: 'It is set for this purpose.',
};

/** When the answer begins there, and what that time is made of. */
function expected({ model, estimate, option }: Place, context: RouteContext): string {
  const { waitMs, loadMs, prefillMs, ttftMs, promptTokens, cachedTokens, guessedMs = 0 } = estimate;
  const inTime = ttftMs <= context.goalMs ? 'within' : 'later than';
  const guessed = guessedMs > 0 ? ' by a guess, for nothing was measured there yet' : '';
  const begins = `Begins in about ${seconds(ttftMs)}${guessed}, ${inTime} the goal of ${seconds(context.goalMs)}`;
  const wait = waitMs > noWaitMs ? `${seconds(waitMs)} until a slot is free` : 'a slot is free';
  const load = model.loaded ? null : `${seconds(loadMs)} to load the model`;
  const cached = cachedTokens > 0 ? `${count(cachedTokens)} of ${count(promptTokens)} tokens are cached` : null;
  const read = `${seconds(prefillMs)} to read ${count(Math.max(0, promptTokens - cachedTokens))} tokens`;
  const chat = option.hasSession ? 'it has this chat' : null;
  return `${begins}: ${[wait, load, read, cached, chat].filter((part) => part !== null).join(', ')}.`;
}
