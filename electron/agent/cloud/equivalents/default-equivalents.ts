/** Stands for every model of this node that has no entry of its own. Only for what local answers would have cost. */
export const anyModel = '*';
/** The same for embeddings, which no model that chats could stand in for. */
export const anyEmbedding = '*embedding';

const best = [
  'anthropic/claude-opus-5-5',
  'openai/gpt-6.1-sol',
  'gemini/gemini-3.1-pro-preview',
  'xai/grok-4.7',
] as const;

/**
 * What stands in for what where the settings say nothing, best first: each purpose goes to the provider that is best at
 * it, so that its credits do. Those whose provider has no key are passed over.
 */
export const defaultEquivalents: Readonly<Record<string, readonly string[]>> = {
  'ranch/auto': best,
  'ranch/quality': best,
  'ranch/long-context': ['gemini/gemini-3.1-pro-preview', 'gemini/gemini-3.8-flash'],
  'ranch/live': ['xai/grok-4.7', 'xai/grok-4.6'],
  'ranch/code': ['openai/gpt-6.1-sol', 'openai/gpt-6.1-terra'],
  'ranch/reasoning': ['anthropic/claude-opus-5-5', 'anthropic/claude-opus-5'],
  // Neither dear nor cheap: what most would pay for if they had no machine of their own.
  [anyModel]: ['openai/gpt-6.1-terra'],
  [anyEmbedding]: ['openai/text-embedding-3-small'],
};
