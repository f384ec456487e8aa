import { AppError } from '../base/errors.ts';
import type { Capability } from '../inference/upstream.ts';

/**
 * What a request may ask for and not every dialect has words for: that a tool is called and not only may be, JSON without
 * a schema, a bias of single tokens.
 */
export type Wish = 'forced-tool' | 'plain-json' | 'token-bias';

/** What keeps a model from answering a request: it cannot do something, or its engine cannot be told to. */
export type Lack = Capability | Wish;

/** Without these a model is of no use to the request, whatever is left out of it. */
const operations: readonly Lack[] = ['chat', 'completion', 'embedding'];

const capabilityWords: Readonly<Record<Capability, string>> = {
  chat: 'chat',
  completion: 'text completion',
  embedding: 'embeddings',
  tools: 'tools',
  vision: 'images',
  json: 'JSON output',
  logprobs: 'probabilities of tokens',
};

const wishWords: Readonly<Record<Wish, readonly [what: string, advice: string]>> = {
  'forced-tool': ['cannot be told that a tool must be called', 'Let the model choose'],
  'plain-json': ['cannot be asked for JSON without a schema', 'Send a JSON schema'],
  'token-bias': ['has no bias of single tokens', 'Leave it out'],
};

function isWish(lack: Lack): lack is Wish {
  return Object.hasOwn(wishWords, lack);
}

/** The words for traces. */
export function lackSentence(lack: Lack): string {
  return isWish(lack) ? `Its upstream ${wishWords[lack][0]}.` : `The model cannot do this: ${lack}.`;
}

/** The refusal of what a model cannot do, or cannot be asked. `param` is the field of the caller's that asks for it. */
export function missingCapability(model: string, capability: Lack, param: string): AppError {
  const context = { param, capability };
  if (isWish(capability)) {
    const [what, advice] = wishWords[capability];
    const message = `The upstream of the model ${model} ${what} (${param}). ${advice} or choose another model.`;
    return new AppError('unsupported_capability', message, { context });
  }
  const words = `${capabilityWords[capability]} (${capability})`;
  const advice = operations.includes(capability) ? 'Choose another model.' : 'Leave it out or choose another model.';
  const message = `The model ${model} does not support ${words} on this node. ${advice}`;
  return new AppError('unsupported_capability', message, { context });
}
