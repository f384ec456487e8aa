import { isObject, parseWithin, type Json, type JsonObject } from '../json.ts';
import type { ChatQuery, OutputShape, Part, Query, ToolDeclaration, Turn } from '../query.ts';
import { writeOptions } from './options.ts';

export interface Addressee {
  readonly model: string;
  readonly stream: boolean;
  /** {@link Decoded.extras} of a caller of this dialect. */
  readonly extras: JsonObject;
}

/** The body for `/api/chat`, for `/api/generate` in its raw form, or for `/api/embed`. */
export function requestBody(query: Query, to: Addressee): JsonObject {
  // A prompt that does not fit is an error there too: an Ollama left to itself cuts its beginning without a word.
  const head = {
    model: to.model,
    truncate: false,
    ...(query.keepAlive === null ? {} : { keep_alive: query.keepAlive }),
  };
  if (query.operation === 'embedding') {
    const dimensions = query.dimensions === null ? {} : { dimensions: query.dimensions };
    return { ...head, input: query.inputs, ...dimensions };
  }
  const generation = {
    ...head,
    stream: to.stream,
    shift: false,
    ...formatOf(query.shape),
    ...(query.logprobs === null ? {} : { logprobs: true, top_logprobs: query.logprobs }),
    options: optionsOf(query, to.extras['options']),
  };
  if (query.operation === 'completion') return { ...generation, prompt: query.prompt, raw: true };
  const tools = offeredTools(query);
  return {
    ...generation,
    messages: messagesOf(query.turns),
    ...(tools.length === 0 ? {} : { tools }),
    ...thinkOf(query.thinking, to.extras['think']),
  };
}

/** What Ollama has no field for. */
export function unableToAsk(query: Query): string[] {
  if (query.operation === 'embedding') return [];
  const unable: string[] = [];
  if (query.sampling.logitBias && Object.keys(query.sampling.logitBias).length > 0) unable.push('logitBias');
  if (query.operation === 'completion') return unable;
  if (query.toolChoice !== 'auto' && query.toolChoice !== 'none' && query.tools.length > 0) unable.push('toolChoice');
  if (query.parallelCalls === false && query.tools.length > 0) unable.push('parallelCalls');
  return unable;
}

function formatOf(shape: OutputShape): JsonObject {
  switch (shape.kind) {
    case 'text':
      return {};
    case 'json':
      return { format: 'json' };
    case 'schema':
      return { format: shape.schema };
  }
}

function optionsOf(query: Exclude<Query, { operation: 'embedding' }>, others: Json | undefined): JsonObject {
  return {
    ...(isObject(others) ? others : {}),
    ...writeOptions(query.sampling),
    ...(query.stop.length === 0 ? {} : { stop: query.stop }),
    ...(query.maxTokens === null ? {} : { num_predict: query.maxTokens }),
  };
}

/** A level says more than a yes; it stands as long as nothing has changed the yes. */
function thinkOf(thinking: boolean | null, level: Json | undefined): JsonObject {
  if (thinking === null) return {};
  return { think: thinking && typeof level === 'string' ? level : thinking };
}

/** Ollama cannot be told to call a tool, but a tool that is not there is not called. */
function offeredTools({ tools, toolChoice }: ChatQuery): Json[] {
  if (toolChoice === 'none') return [];
  const offered = typeof toolChoice === 'object' ? tools.filter(({ name }) => name === toolChoice.name) : tools;
  return offered.map(toolOf);
}

function toolOf({ name, description, parameters }: ToolDeclaration): Json {
  return {
    type: 'function',
    function: { name, ...(description === null ? {} : { description }), parameters },
  };
}

function messagesOf(turns: readonly Turn[]): Json[] {
  const names = new Map<string, string>();
  return turns.map((turn): Json => {
    switch (turn.role) {
      case 'system':
        return { role: 'system', content: turn.text };
      case 'user':
        return { role: 'user', ...contentOf(turn.parts) };
      case 'assistant': {
        for (const call of turn.calls) names.set(call.id, call.name);
        const calls = turn.calls.map(({ id, name, argumentsText }, index) => ({
          id,
          function: { index, name, arguments: objectOf(argumentsText) },
        }));
        return {
          role: 'assistant',
          content: turn.text,
          ...(turn.reasoning === null ? {} : { thinking: turn.reasoning }),
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        };
      }
      case 'tool': {
        const name = turn.name ?? names.get(turn.callId);
        return {
          role: 'tool',
          ...contentOf(turn.parts),
          ...(name === undefined ? {} : { tool_name: name }),
          tool_call_id: turn.callId,
        };
      }
    }
  });
}

function contentOf(parts: readonly Part[]): JsonObject {
  const texts = parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  const images = parts.flatMap((part) => (part.kind === 'image' ? [part.base64] : []));
  return { content: texts.join('\n'), ...(images.length === 0 ? {} : { images }) };
}

/** Models now and then write arguments that are no object; templates need one, so such text becomes a field of one. */
function objectOf(text: string): JsonObject {
  const value = parseWithin(text === '' ? '{}' : text);
  return isObject(value) ? value : { value: text };
}
