import type { Operation } from '../../../inference/request.ts';
import type { Capability } from '../../../inference/upstream.ts';
import type { DecodedRequest } from '../dialect.ts';
import { invalidField, pick, type Rule } from '../fields.ts';
import { isObject, parseBody, type Json, type JsonObject } from '../json.ts';
import { chatFields, completionFields, embeddingFields, refusedFields } from './schema.ts';

const operations: Readonly<Record<Operation, { fields: Readonly<Record<string, Rule>>; required: readonly string[] }>> =
  {
    chat: { fields: chatFields, required: ['model', 'messages'] },
    completion: { fields: completionFields, required: ['model', 'prompt'] },
    embedding: { fields: embeddingFields, required: ['model', 'input'] },
  };

/**
 * Reads a body of the OpenAI dialect and rebuilds it from the allow-list.
 *
 * @throws AppError `invalid_request` or `unsupported_capability`, naming the field
 */
export function decodeRequest(operation: Operation, body: Buffer): DecodedRequest {
  const received = parseBody(body);
  for (const [name, problem] of Object.entries(refusedFields)) {
    if (Object.hasOwn(received, name) && received[name] !== null) throw invalidField(name, problem);
  }
  const { fields, required } = operations[operation];
  const picked = pick(received, fields, required, '');
  const model = picked['model'];
  if (typeof model !== 'string' || model === '') throw invalidField('model', 'must name a model');
  return {
    operation,
    model,
    stream: picked['stream'] === true,
    maxTokens: limitOf(picked),
    needs: needsOf(operation, picked),
    ignored: Object.keys(received).filter((name) => !Object.hasOwn(fields, name)),
    bodyFor: (upstreamModel) => Buffer.from(JSON.stringify(settled(picked, upstreamModel)), 'utf8'),
  };
}

function limitOf(picked: JsonObject): number | null {
  const limit = picked['max_completion_tokens'] ?? picked['max_tokens'];
  return typeof limit === 'number' ? limit : null;
}

/** The body in the form that every engine understands alike. */
function settled(picked: JsonObject, model: string): JsonObject {
  const body: Record<string, Json> = { ...picked, model };
  // Not every engine knows the newer name, and none minds the older one.
  const limit = body['max_completion_tokens'] ?? body['max_tokens'];
  if (limit !== undefined) body['max_tokens'] = limit;
  // One choice is every engine's default, and an empty or unwanted list of tools is none.
  const left = new Set(['max_completion_tokens', 'n', 'best_of']);
  if (!usesTools(picked)) for (const name of ['tools', 'tool_choice', 'parallel_tool_calls']) left.add(name);
  return Object.fromEntries(Object.entries(body).filter(([name]) => !left.has(name)));
}

function usesTools(picked: JsonObject): boolean {
  const tools = picked['tools'];
  return Array.isArray(tools) && tools.length > 0 && picked['tool_choice'] !== 'none';
}

/** What an upstream must be able to do, and the first field that asks for it. */
function needsOf(operation: Operation, picked: JsonObject): Map<Capability, string> {
  const needs = new Map<Capability, string>([[operation, contentField[operation]]]);
  if (usesTools(picked)) needs.set('tools', 'tools');
  const format = picked['response_format'];
  if (isObject(format) && format['type'] !== 'text') needs.set('json', 'response_format');
  const { logprobs } = picked;
  if (logprobs !== undefined && logprobs !== false) needs.set('logprobs', 'logprobs');
  const { messages } = picked;
  if (Array.isArray(messages)) messages.forEach((message: Json, index) => addMessageNeeds(needs, message, index));
  return needs;
}

const contentField: Readonly<Record<Operation, string>> = {
  chat: 'messages',
  completion: 'prompt',
  embedding: 'input',
};

function addMessageNeeds(needs: Map<Capability, string>, message: Json, index: number): void {
  if (!isObject(message)) return;
  const need = (capability: Capability, field: string): void => {
    if (!needs.has(capability)) needs.set(capability, `messages[${index}].${field}`);
  };
  // Text parts have been joined by now, so a list that is left contains an image.
  if (Array.isArray(message['content'])) need('vision', 'content');
  if (message['role'] === 'tool') need('tools', 'role');
  const calls = message['tool_calls'];
  if (Array.isArray(calls) && calls.length > 0) need('tools', 'tool_calls');
}
