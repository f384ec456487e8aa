import { AppError } from '../base/errors.ts';
import type { Capability } from '../inference/upstream.ts';

/** Without these a model is of no use to the request, whatever is left out of it. */
const operations: readonly Capability[] = ['chat', 'completion', 'embedding'];

const capabilityWords: Readonly<Record<Capability, string>> = {
  chat: 'chat',
  completion: 'text completion',
  embedding: 'embeddings',
  tools: 'tools',
  vision: 'images',
  json: 'JSON output',
  logprobs: 'probabilities of tokens',
};

/** The refusal of what a model cannot do. `param` is the field that asks for it. */
export function missingCapability(model: string, capability: Capability, param: string): AppError {
  const words = `${capabilityWords[capability]} (${capability})`;
  const advice = operations.includes(capability) ? 'Choose another model.' : 'Leave it out or choose another model.';
  const message = `The model ${model} does not support ${words} on this node. ${advice}`;
  return new AppError('unsupported_capability', message, { context: { param, capability } });
}
