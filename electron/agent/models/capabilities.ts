import type { ModelSnapshot } from '../../contract/snapshot.ts';
import type { Metadata } from './gguf-metadata.ts';
import { bitnetTensorType } from './gguf-types.ts';

/** What a file says of the uses of its model. */
export interface ModelUse {
  /** Bounded in length; null where the file has none. An engine then takes a plain one of its own. */
  readonly chatTemplate: string | null;
  /** Whether the template knows what to do with tools. */
  readonly tools: boolean;
  /** Made for embeddings or ranking, not for answers. */
  readonly use: 'answers' | 'embedding' | 'ranking';
}

/** Architectures that read both ways and write nothing. */
const encoders =
  /^(?:bert|nomic-bert|nomic-bert-moe|neo-bert|jina-bert-v\d|modern-bert|gemma-embedding|t5encoder|eurobert)$/;

/** As llama.cpp numbers the ways of pooling. */
const pooling = { none: 0, rank: 4 };

/** Reads from metadata what a model is for. */
export function useOf(architecture: string, metadata: Metadata): ModelUse {
  const names = metadata.keys('tokenizer.chat_template');
  const templates = names.map((name) => metadata.text(name) ?? '');
  const type = metadata.number(`${architecture}.pooling_type`);
  return {
    chatTemplate: metadata.text('tokenizer.chat_template') ?? templates[0] ?? null,
    tools: names.some((name) => name.endsWith('.tool_use')) || templates.some((text) => /\btools\b/.test(text)),
    use:
      type === pooling.rank
        ? 'ranking'
        : (type !== null && type !== pooling.none) || encoders.test(architecture)
          ? 'embedding'
          : 'answers',
  };
}

/**
 * What callers may ask of a usable file. Every model that writes answers can chat, since engines have a plain template
 * for those without one, keep to a grammar, and embed a text, unless its weights are ternary: their embeddings are of
 * no use.
 */
export function capabilitiesOf(
  { use, tools }: ModelUse,
  tensorTypes: ReadonlyMap<number, number>,
): ModelSnapshot['capabilities'] {
  if (use === 'ranking') return [];
  if (use === 'embedding') return ['embedding'];
  const capabilities: ModelSnapshot['capabilities'] = ['chat', 'completion'];
  if (!tensorTypes.has(bitnetTensorType)) capabilities.push('embedding');
  capabilities.push('json');
  if (tools) capabilities.push('tools');
  return capabilities;
}
