import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { openAi } from '../../../../../electron/agent/gateway/dialects/openai/openai-dialect.ts';
import type { ChatQuery } from '../../../../../electron/agent/gateway/dialects/query.ts';
import type { Decoded } from '../../../../../electron/agent/gateway/dialects/surface.ts';

export type Path = '/v1/chat/completions' | '/v1/completions' | '/v1/embeddings' | '/v1/responses';

export const messages = [{ role: 'user', content: 'Hello' }];
export const weather = {
  type: 'function',
  function: { name: 'weather', description: 'Tells it', parameters: { type: 'object', properties: {} } },
};

/** The smallest body that each path takes. */
export const smallest: Readonly<Record<Path, object>> = {
  '/v1/chat/completions': { model: 'm', messages },
  '/v1/completions': { model: 'm', prompt: 'Once' },
  '/v1/embeddings': { model: 'm', input: 'Hello' },
  '/v1/responses': { model: 'm', input: 'Hello' },
};

export function decodeText(path: Path, text: string | Buffer): Decoded {
  const surface = openAi.surfaces[path];
  if (!surface) throw new Error(`no surface ${path}`);
  return surface.decode(Buffer.from(text));
}

/** Decodes the smallest body with `fields` on top. */
export function decode(path: Path, fields: object = {}): Decoded {
  return decodeText(path, JSON.stringify({ ...smallest[path], ...fields }));
}

export function chat(fields: object = {}): Decoded & { query: ChatQuery } {
  return asChat(decode('/v1/chat/completions', fields));
}

export function respond(fields: object = {}): Decoded & { query: ChatQuery } {
  return asChat(decode('/v1/responses', fields));
}

function asChat(decoded: Decoded): Decoded & { query: ChatQuery } {
  const { query } = decoded;
  if (query.operation !== 'chat') throw new Error('not a chat');
  return { ...decoded, query };
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly param: unknown;
}

/** How `run` was refused; null when it was not. */
export function refusal(run: () => unknown): Refusal | null {
  try {
    run();
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, message: error.message, param: error.context['param'] ?? null };
  }
}

/** A whole PNG of one pixel. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
