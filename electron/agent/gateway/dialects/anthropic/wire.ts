import type { Usage } from '../../../inference/usage.ts';
import type { AnswerFinish } from '../query.ts';
import { isObject, parseWithin, type Json, type JsonObject } from '../json.ts';

/** Forms that both sides of the dialect share. */

/** A server-sent event as this dialect has them: named, and the name again in the data. */
export function sseEvent(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const pingEvent = 'event: ping\ndata: {"type": "ping"}\n\n';

/** Tokens as this dialect counts them: what was read from a cache, or written into one, is no part of `input_tokens`. */
export function usageBody(usage: Usage): Record<string, Json> {
  const read = usage.cachedTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  const thought = usage.reasoningTokens ?? null;
  return {
    input_tokens: Math.max(0, usage.promptTokens - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: usage.completionTokens,
    ...(thought !== null && { output_tokens_details: { thinking_tokens: thought } }),
  };
}

export function stopReason(finish: AnswerFinish, stopSequence: string | null, called: boolean): string {
  switch (finish) {
    case 'stop':
      // Some engines end an answer of tool calls as any other; callers look for the calls by the reason.
      if (called) return 'tool_use';
      return stopSequence === null ? 'end_turn' : 'stop_sequence';
    case 'length':
      return 'max_tokens';
    case 'tool':
      return 'tool_use';
    case 'filter':
      return 'refusal';
  }
}

/** The reverse of {@link stopReason}. A reason that is not known is an end like any other. */
export function finishOf(reason: string): AnswerFinish {
  switch (reason) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use':
      return 'tool';
    case 'refusal':
      return 'filter';
    default:
      return 'stop';
  }
}

/**
 * A tool's arguments as the object that this dialect demands. What a model wrote wrongly is kept as a text under the key
 * that the provider's own documentation advises, so that the tool refuses it and the model can see why.
 */
export function inputOf(argumentsText: string): JsonObject {
  if (argumentsText.trim() === '') return {};
  const value = parseWithin(argumentsText);
  return isObject(value) ? value : { INVALID_JSON: argumentsText };
}
