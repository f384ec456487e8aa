import type { Dialect, Operation } from '../inference/request.ts';

const paths: Readonly<Record<Dialect, Readonly<Partial<Record<Operation, string>>>>> = {
  openai: { chat: '/v1/chat/completions', completion: '/v1/completions', embedding: '/v1/embeddings' },
  anthropic: { chat: '/v1/messages' },
  ollama: { chat: '/api/chat', completion: '/api/generate', embedding: '/api/embed' },
};

/** Where a server of the dialect is asked; undefined for what the dialect has no words for. */
export function pathOf(dialect: Dialect, operation: Operation): string | undefined {
  return paths[dialect][operation];
}

/** What a server of the dialect can be asked to do. */
export function operationsOf(dialect: Dialect): Operation[] {
  return (['chat', 'completion', 'embedding'] as const).filter((operation) => pathOf(dialect, operation) !== undefined);
}
