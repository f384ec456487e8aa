import { assertNever } from '../../../base/errors.ts';
import { isObject, parseJson, type Json, type JsonObject } from '../json.ts';
import type {
  ChatQuery,
  CompletionQuery,
  EmbeddingQuery,
  OutputShape,
  Part,
  Query,
  Sampling,
  ToolCall,
  ToolDeclaration,
  Turn,
} from '../query.ts';
import { joinedText } from './content.ts';
import { samplingNames } from './generation.ts';
import { settledTurns } from './settled-turns.ts';

export interface EncodeTarget {
  readonly model: string;
  readonly stream: boolean;
  readonly extras: JsonObject;
}

/** The body of a request in the words that every server of this dialect understands alike, the older where there are two. */
export function encodeRequest(query: Query, to: EncodeTarget): JsonObject {
  switch (query.operation) {
    case 'chat':
      return {
        ...to.extras,
        model: to.model,
        messages: messagesOf(query.turns),
        ...toolsOf(query),
        ...generation(query, to),
      };
    case 'completion':
      return { ...to.extras, model: to.model, prompt: query.prompt, ...generation(query, to) };
    case 'embedding':
      return { ...to.extras, model: to.model, ...embedding(query) };
    default:
      return assertNever(query);
  }
}

/** What a body of this dialect has no field for that every server takes. */
export function unableToCarry(query: Query): readonly string[] {
  const left: string[] = [];
  if (query.keepAlive !== null) left.push('keep_alive');
  if (query.operation === 'chat' && query.thinking !== null) left.push('thinking');
  return left;
}

function embedding({ inputs, dimensions }: EmbeddingQuery): JsonObject {
  const [only] = inputs;
  return {
    input: inputs.length === 1 && only !== undefined ? only : inputs,
    encoding_format: 'float',
    ...(dimensions === null ? {} : { dimensions }),
  };
}

function generation(query: ChatQuery | CompletionQuery, to: EncodeTarget): JsonObject {
  const { sampling, stop, maxTokens, usageInStream } = query;
  const body: Record<string, Json> = { ...samplingOf(sampling) };
  if (stop.length > 0) body['stop'] = stop;
  if (maxTokens !== null) body['max_tokens'] = maxTokens;
  if (to.stream) {
    body['stream'] = true;
    if (usageInStream !== false) body['stream_options'] = { include_usage: true };
  }
  return { ...body, ...logprobsOf(query), ...shapeOf(query.shape, query.operation) };
}

function samplingOf(sampling: Sampling): JsonObject {
  const body: Record<string, Json> = {};
  for (const [name, field] of samplingNames) {
    const value = sampling[name];
    if (value !== undefined) body[field] = value;
  }
  if (sampling.logitBias !== undefined) body['logit_bias'] = sampling.logitBias;
  return body;
}

function logprobsOf({ operation, logprobs }: ChatQuery | CompletionQuery): JsonObject {
  if (logprobs === null) return {};
  // llama-server tells nothing when it is asked for none beside the token itself, and twenty when it is not told.
  const top = Math.max(1, logprobs);
  return operation === 'completion' ? { logprobs: top } : { logprobs: true, top_logprobs: top };
}

function shapeOf(shape: OutputShape, operation: 'chat' | 'completion'): JsonObject {
  switch (shape.kind) {
    case 'text':
      return {};
    case 'json':
      // llama-server reads response_format in chats only.
      return {
        response_format: { type: 'json_object' },
        ...(operation === 'completion' ? { json_schema: { type: 'object' } } : {}),
      };
    case 'schema': {
      const { name, schema, strict } = shape;
      return {
        response_format: { type: 'json_schema', json_schema: { name, schema, ...(strict === null ? {} : { strict }) } },
        ...(operation === 'completion' ? { json_schema: schema } : {}),
      };
    }
    default:
      return assertNever(shape);
  }
}

function toolsOf({ tools, toolChoice, parallelCalls }: ChatQuery): JsonObject {
  if (tools.length === 0) return {};
  // Not every server heeds a tool's name as the choice. A choice of one tool is the same, and they all heed that.
  const named = typeof toolChoice === 'string' ? null : toolChoice.name;
  return {
    tools: tools.filter(({ name }) => named === null || name === named).map(toolBody),
    ...(toolChoice === 'auto' ? {} : { tool_choice: named === null ? toolChoice : 'required' }),
    ...(parallelCalls === null ? {} : { parallel_tool_calls: parallelCalls }),
  };
}

function toolBody({ name, description, parameters }: ToolDeclaration): JsonObject {
  return { type: 'function', function: { name, ...(description === null ? {} : { description }), parameters } };
}

function messagesOf(turns: readonly Turn[]): JsonObject[] {
  const settled = settledTurns(turns);
  const lastUser = settled.findLastIndex(({ role }) => role === 'user');
  // Templates that know thinking read it back only while the model works on the user's last words.
  return settled.map((turn, index) => messageOf(turn, index > lastUser));
}

function messageOf(turn: Turn, isRecent: boolean): JsonObject {
  switch (turn.role) {
    case 'system':
      return { role: 'system', content: turn.text };
    case 'user':
      return { role: 'user', content: contentOf(turn.parts), ...(turn.name === undefined ? {} : { name: turn.name }) };
    case 'assistant':
      return {
        role: 'assistant',
        content: turn.text,
        ...(isRecent && turn.reasoning !== null ? { reasoning_content: turn.reasoning } : {}),
        ...(turn.calls.length === 0 ? {} : { tool_calls: turn.calls.map(callBody) }),
      };
    case 'tool':
      return {
        role: 'tool',
        tool_call_id: turn.callId,
        ...(turn.name === null ? {} : { name: turn.name }),
        content: joinedText(turn.parts),
      };
    default:
      return assertNever(turn);
  }
}

/** Engines differ in how they join parts of text, so they never see them. */
function contentOf(parts: readonly Part[]): Json {
  if (parts.every(({ kind }) => kind === 'text')) return joinedText(parts);
  return parts.map((part) =>
    part.kind === 'text'
      ? { type: 'text', text: part.text }
      : { type: 'image_url', image_url: { url: `data:${part.mediaType};base64,${part.base64}` } },
  );
}

function callBody({ id, name, argumentsText }: ToolCall): JsonObject {
  return { id, type: 'function', function: { name, arguments: settledArguments(argumentsText) } };
}

/**
 * Chat templates take the arguments apart, and an engine fails on what is no JSON object: a model that wrote such a one
 * once would spoil the whole chat.
 */
function settledArguments(text: string): string {
  if (text.trim() === '') return '{}';
  return isObject(parseJson(text)) ? text : JSON.stringify({ arguments: text });
}
