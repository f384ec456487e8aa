import type { ServedModel } from '../../inference/upstream.ts';
import { isList, type JsonObject } from '../dialects/json.ts';

/**
 * The body of a chat as the model takes it with tools: one that refuses them while it thinks is told not to, unless the
 * caller said how much it is to think. That wish stands, for what becomes of it is told by the provider. Pure.
 */
export function besideTools(body: JsonObject, { toolsNeedNoThinking }: ServedModel): JsonObject {
  const { tools, reasoning_effort: wish = null } = body;
  if (toolsNeedNoThinking !== true || wish !== null) return body;
  return isList(tools) && tools.length > 0 ? { ...body, reasoning_effort: 'none' } : body;
}
