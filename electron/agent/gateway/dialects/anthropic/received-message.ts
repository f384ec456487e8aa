import { isObject, type Json, type JsonObject } from '../json.ts';

/**
 * A received body for the provider itself, whose cache is keyed by its bytes: as it came, and without
 * what only this node understands or made. That is `priority`, and thinking blocks without a signature, which
 * came from a model here earlier in the chat and which the provider would refuse.
 */
export function bodyForProvider(received: JsonObject): JsonObject {
  const kept = Object.entries(received).filter(([name]) => name !== 'priority');
  return Object.fromEntries(
    kept.map(([name, value]) => {
      const isChat = name === 'messages' && Array.isArray(value);
      return [name, isChat ? value.flatMap(withoutUnsigned) : value];
    }),
  );
}

function withoutUnsigned(message: Json): Json[] {
  if (!isObject(message)) return [message];
  const { content } = message;
  if (message['role'] !== 'assistant' || !Array.isArray(content) || !content.some(isUnsigned)) return [message];
  const signed = content.filter((block: Json) => !isUnsigned(block));
  // A message without anything in it is refused too.
  return signed.length === 0 ? [] : [{ ...message, content: signed }];
}

function isUnsigned(block: Json): boolean {
  return isObject(block) && block['type'] === 'thinking' && (block['signature'] ?? '') === '';
}
