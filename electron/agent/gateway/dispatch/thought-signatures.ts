import { isList, isObject, type Json, type JsonObject } from '../dialects/json.ts';
import type { Dialect } from '../../inference/request.ts';

/** Google's own endpoint knows its models by bare names; who passes requests on to it does this by itself. */
const wantsSignatures = /^gemini-(?:[3-9]|1\d|.*latest)/;

/** What Google has for calls that none of its models made, or whose signature is lost: https://ai.google.dev/gemini-api/docs/thought-signatures */
const standIn = { google: { thought_signature: 'skip_thought_signature_validator' } };

/**
 * A chat whose calls of tools Gemini accepts: from 3 on it refuses those without the signature that it gave them ("Function
 * call is missing a thought_signature"). The other dialects have no place for it, and many programs do not keep it. Only the
 * first call of a message has one. Pure.
 */
export function withThoughtSignatures(dialect: Dialect, model: string, body: JsonObject): JsonObject {
  const { messages } = body;
  if (dialect !== 'openai' || !isList(messages) || !wantsSignatures.test(model)) return body;
  return { ...body, messages: messages.map(signed) };
}

function signed(message: Json): Json {
  if (!isObject(message) || message['role'] !== 'assistant' || !isList(message['tool_calls'])) return message;
  const [first, ...others] = message['tool_calls'];
  if (!isObject(first) || isSigned(first)) return message;
  return { ...message, tool_calls: [{ ...first, extra_content: standIn }, ...others] };
}

function isSigned({ extra_content: extra }: JsonObject): boolean {
  const google = isObject(extra) ? extra['google'] : null;
  const signature = isObject(google) ? google['thought_signature'] : null;
  return typeof signature === 'string' && signature !== '';
}
