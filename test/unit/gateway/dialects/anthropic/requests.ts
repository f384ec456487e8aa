import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { anthropic } from '../../../../../electron/agent/gateway/dialects/anthropic/anthropic-dialect.ts';
import type { ChatQuery } from '../../../../../electron/agent/gateway/dialects/query.ts';
import type { Decoded, Surface } from '../../../../../electron/agent/gateway/dialects/surface.ts';

/** One pixel. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

export const hello = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] };

export function messagesSurface(): Surface {
  const surface = anthropic.surfaces['/v1/messages'];
  if (!surface) throw new Error('there is no such surface');
  return surface;
}

/** Reads a body; a text is taken as it is. */
export function decode(body: object | string): Decoded {
  return messagesSurface().decode(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8'));
}

/** The query of {@link hello} with `changes`. */
export function queryOf(changes: object): ChatQuery {
  const { query } = decode({ ...hello, ...changes });
  if (query.operation !== 'chat') throw new Error('not a chat');
  return query;
}

/** The refusal of a body: `param` and the code. */
export function refusal(body: object | string): { code: string; param: unknown; message: string } {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, param: error.context['param'], message: error.message };
    throw error;
  }
  throw new Error('it was accepted');
}
