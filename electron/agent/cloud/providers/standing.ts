import { assertNever } from '../../base/errors.ts';
import type { providerStates } from '../../../contract/cloud.ts';
import type { ProviderKey } from '../provider-port.ts';
import { atTime, brokenFailures, type Condition } from './condition.ts';
import type { ProviderConfig } from './provider-config.ts';

export type ProviderState = (typeof providerStates)[number];

/** How a provider stands, for the router and for people. */
export interface Standing {
  readonly state: ProviderState;
  readonly sentence: string;
  /** Whether requests may go there. */
  readonly ready: boolean;
  /** Monotonic milliseconds; null where time alone changes nothing, or it is not known when. */
  readonly untilMs: number | null;
}

export interface StandingFacts {
  readonly config: ProviderConfig;
  readonly condition: Condition;
  /** Null until it was asked for. */
  readonly key: ProviderKey | null;
  /** Its address is this node's own gateway. */
  readonly isOwn: boolean;
  readonly modelsTotal: number;
  /** Its windows keep all of it closed. Monotonic milliseconds. */
  readonly closed: { readonly sentence: string; readonly untilMs: number } | null;
}

/** What holds of all that is known: what people have to mend comes first, what passes by itself after that. Pure. */
export function standingOf(facts: StandingFacts, nowMs: number): Standing {
  const { config, key, isOwn, modelsTotal, closed } = facts;
  const { id, name } = config;
  const down = (state: ProviderState, sentence: string, untilMs: number | null = null): Standing => ({
    state,
    sentence,
    ready: false,
    untilMs,
  });
  if (!config.enabled) return down('off', `${name} is switched off in the settings.`);
  if (config.problem !== null) return down('broken', config.problem);
  if (isOwn) {
    return down('broken', `The address of ${name} is this node's own gateway. Give it the address of the provider.`);
  }
  if (key === null) return down('no-key', `The key of ${name} is being looked up.`);
  if (key.kind === 'locked') return down('locked', key.sentence);
  if (key.kind === 'missing') {
    return down('no-key', `${name} has no key yet. Set one with "ranch-hand secrets set ${id}", or in the panel.`);
  }
  const condition = atTime(facts.condition, nowMs);
  if (condition.kind === 'misplaced' || condition.kind === 'unauthorised' || condition.kind === 'out-of-money') {
    return ofTrouble(condition, config, down);
  }
  if (modelsTotal === 0) {
    return down('broken', `No model of ${name} has a known price. Name its models and their prices in the settings.`);
  }
  if (closed) return down('closed', closed.sentence, closed.untilMs);
  if (condition.kind === 'busy') {
    return down('busy', `${name} asked to be left alone for a moment.`, condition.untilMs);
  }
  return ofWell(condition, name, modelsTotal);
}

function ofTrouble(
  condition: Exclude<Condition, { kind: 'well' | 'busy' }>,
  { id, name }: ProviderConfig,
  down: (state: ProviderState, sentence: string, untilMs?: number | null) => Standing,
): Standing {
  switch (condition.kind) {
    case 'misplaced':
      return down('broken', condition.sentence, condition.untilMs);
    case 'unauthorised':
      return down(
        'unauthorised',
        `${name} refused the key of this node (status ${condition.status}). Set another with "ranch-hand secrets set ${id}".`,
      );
    case 'out-of-money': {
      const sentence = `The account with ${name} is used up. Look after it there, then test the provider to use it at once.`;
      return down('out-of-money', sentence, condition.untilMs);
    }
    default:
      return assertNever(condition);
  }
}

function ofWell({ failures, last }: Extract<Condition, { kind: 'well' }>, name: string, modelsTotal: number): Standing {
  if (failures >= brokenFailures) {
    const sentence = `${name} failed several times in a row, last with ${last}. It is tried again by itself.`;
    return { state: 'broken', sentence, ready: true, untilMs: null };
  }
  const models = modelsTotal === 1 ? '1 model' : `${modelsTotal} models`;
  return { state: 'ready', sentence: `Ready with ${models}.`, ready: true, untilMs: null };
}
