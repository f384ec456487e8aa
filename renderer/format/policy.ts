import { offloadModes, type OffloadMode } from '../../electron/contract/cloud.ts';
import { type KeyRow, type Policy, type PolicyInput } from '../../electron/contract/keys.ts';
import { formatCount } from './numbers.ts';
import { offloadWord } from './offload.ts';
import { ceilingWords, priorityWord } from './trace.ts';
import { formatDollars } from './traffic.ts';

/** A policy as it stands in a form: limits as they were typed, empty for none. */
export interface PolicyDraft {
  readonly defaultModel: string;
  readonly priority: Policy['priority'];
  readonly maxPriority: Policy['maxPriority'];
  readonly ceiling: Policy['ceiling'];
  /** One a line, or with commas between. */
  readonly models: string;
  readonly requestsPerMinute: string;
  readonly tokensPerMinute: string;
  readonly concurrency: string;
  readonly dollarsPerDay: string;
  /** Its own place of the offload switch; `node` for the node's. */
  readonly offload: OffloadMode | 'node';
}

export const offloadChoices = ['node', ...offloadModes] as const;

/** A choice of the offload field. */
export function offloadChoiceWord(choice: OffloadMode | 'node'): string {
  return choice === 'node' ? 'As the node has it' : offloadWord(choice).word;
}

export const emptyDraft: PolicyDraft = {
  defaultModel: '',
  priority: 'normal',
  maxPriority: 'high',
  ceiling: 'cloud',
  models: '',
  requestsPerMinute: '',
  tokensPerMinute: '',
  concurrency: '',
  dollarsPerDay: '',
  offload: 'node',
};

export function draftOf(policy: Policy): PolicyDraft {
  const number = (value: number | null): string => (value === null ? '' : `${value}`);
  return {
    defaultModel: policy.defaultModel ?? '',
    priority: policy.priority,
    maxPriority: policy.maxPriority,
    ceiling: policy.ceiling,
    models: (policy.models ?? []).join('\n'),
    requestsPerMinute: number(policy.requestsPerMinute),
    tokensPerMinute: number(policy.tokensPerMinute),
    concurrency: number(policy.concurrency),
    dollarsPerDay: number(policy.dollarsPerDay),
    offload: policy.offload ?? 'node',
  };
}

/** The whole policy of a draft: what was left empty is no limit. */
export function policyOf(draft: PolicyDraft): PolicyInput {
  const models = draft.models.split(/[\n,]/u).flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  const number = (text: string): number | null => (text.trim() === '' ? null : Number(text));
  return {
    defaultModel: draft.defaultModel.trim() === '' ? null : draft.defaultModel.trim(),
    priority: draft.priority,
    maxPriority: draft.maxPriority,
    ceiling: draft.ceiling,
    models: models.length === 0 ? null : models,
    requestsPerMinute: number(draft.requestsPerMinute),
    tokensPerMinute: number(draft.tokensPerMinute),
    concurrency: number(draft.concurrency),
    dollarsPerDay: number(draft.dollarsPerDay),
    offload: draft.offload === 'node' ? null : draft.offload,
  };
}

/** An own switch in the list of what a key may do. */
const offloadPolicyWords: Readonly<Record<OffloadMode, string>> = { off: 'never', auto: 'when busy', on: 'first' };

/** What a key may do, where that is not everything: one part a limit. */
export function policyWords(policy: Policy): string[] {
  const { defaultModel, models, requestsPerMinute, tokensPerMinute, concurrency, dollarsPerDay } = policy;
  return [
    ...(defaultModel === null ? [] : [`${defaultModel} unless it names a model`]),
    ...(models === null ? [] : [`only ${models.join(', ')}`]),
    ...(policy.priority === 'normal' ? [] : [`priority ${priorityWord(policy.priority).toLowerCase()}`]),
    ...(policy.maxPriority === 'high' ? [] : [`never above ${priorityWord(policy.maxPriority).toLowerCase()}`]),
    ...(policy.ceiling === 'cloud' ? [] : [lowerFirst(ceilingWords(policy.ceiling))]),
    ...(requestsPerMinute === null ? [] : [`${formatCount(requestsPerMinute)} requests a minute`]),
    ...(tokensPerMinute === null ? [] : [`${formatCount(tokensPerMinute)} tokens a minute`]),
    ...(concurrency === null ? [] : [`${formatCount(concurrency)} at once`]),
    ...(policy.offload === null ? [] : [`cloud ${offloadPolicyWords[policy.offload]}`]),
    ...(dollarsPerDay === null ? [] : [dollarsPerDay === 0 ? 'no money' : `${formatDollars(dollarsPerDay)} a day`]),
  ];
}

/** The keys that are valid first, the latest made first among equals. */
export function orderKeys(keys: readonly KeyRow[]): readonly KeyRow[] {
  return keys.toSorted(
    (one, other) =>
      Number(one.revokedAt !== null) - Number(other.revokedAt !== null) || other.createdAt.localeCompare(one.createdAt),
  );
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
