import { AppError } from '../../../base/errors.ts';
import type { Operation } from '../../../inference/request.ts';
import type { Capability } from '../../../inference/upstream.ts';
import { invalidField, pick, type Rule } from './fields.ts';
import { isObject, parseBody, type Json, type JsonObject } from './json.ts';
import { chatFields, completionFields, embeddingFields, refusedFields } from './schema.ts';

/** A request understood and checked, before it is known who answers it. */
export interface DecodedRequest {
  readonly operation: Operation;
  /** As the caller named it; may be a virtual name. */
  readonly model: string;
  readonly stream: boolean;
  /** What an upstream must be able to do. */
  readonly needs: readonly Capability[];
  /** Fields that were accepted and dropped. */
  readonly ignored: readonly string[];
  /** The body to send, for the model as the upstream names it. */
  bodyFor(model: string): Buffer;
}

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
    needs: needsOf(operation, picked),
    ignored: Object.keys(received).filter((name) => !Object.hasOwn(fields, name)),
    bodyFor: (upstreamModel) => Buffer.from(JSON.stringify(settled(picked, upstreamModel)), 'utf8'),
  };
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

function needsOf(operation: Operation, picked: JsonObject): Capability[] {
  const needs: Capability[] = [operation];
  if (usesTools(picked)) needs.push('tools');
  const format = picked['response_format'];
  if (isObject(format) && format['type'] !== 'text') needs.push('json');
  const messages = picked['messages'];
  if (Array.isArray(messages) && messages.some(hasImage)) needs.push('vision');
  return needs;
}

function hasImage(message: Json): boolean {
  // Text parts have been joined by now, so a list that is left contains an image.
  return isObject(message) && Array.isArray(message['content']);
}

/** What a capability is called in an error, for people. */
export function missingCapability(model: string, capability: Capability): AppError {
  const fields: Readonly<Record<Capability, [string, string]>> = {
    chat: ['chat', 'messages'],
    completion: ['text completion', 'prompt'],
    embedding: ['embeddings', 'input'],
    tools: ['tools', 'tools'],
    vision: ['images', 'messages'],
    json: ['JSON output', 'response_format'],
  };
  const [words, param] = fields[capability];
  const message = `The model ${model} does not support ${words} (${capability}) on this node. Choose another model.`;
  return new AppError('unsupported_capability', message, { context: { param, capability } });
}
