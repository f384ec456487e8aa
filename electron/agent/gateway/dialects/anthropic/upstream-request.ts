import { AppError } from '../../../base/errors.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { ChatQuery, Query, ToolDeclaration } from '../query.ts';
import { closedSchema } from './closed-schema.ts';
import { promptOf } from './upstream-messages.ts';

/** For queries without a limit, which the API demands: what every model of the provider's allows. */
const defaultMaxTokens = 8192;

/**
 * The body of `POST /v1/messages`.
 *
 * Whether to think is not asked of upstreams by a wish: how that is said depends on the model, and a model that knows
 * another way refuses the request. A caller of this dialect says it in the provider's own words, which go along.
 *
 * @throws AppError `unsupported_capability` for what is no chat: the dialect has nothing else
 */
export function requestBody(
  query: Query,
  to: {
    readonly model: string;
    readonly stream: boolean;
    readonly extras: JsonObject;
    readonly isProvider?: boolean;
  },
): JsonObject {
  if (query.operation !== 'chat') {
    throw new AppError(
      'unsupported_capability',
      'An upstream of the Anthropic dialect only chats. Use another model.',
      {
        context: { capability: query.operation },
      },
    );
  }
  const { system, messages } = promptOf(query.turns);
  const { temperature, topP, topK } = query.sampling;
  const stop = query.stop.filter(isSayable);
  const config = outputConfig(query, to.extras);
  return {
    model: to.model,
    max_tokens: query.maxTokens ?? defaultMaxTokens,
    messages,
    stream: to.stream,
    ...(system !== '' && { system }),
    ...toolFields(query),
    ...(temperature !== undefined && { temperature: Math.min(1, temperature) }),
    // All of the probability is no limit, and some models refuse it beside a temperature.
    ...(topP !== undefined && topP < 1 && { top_p: topP }),
    ...(topK !== undefined && topK > 0 && { top_k: topK }),
    ...(stop.length > 0 && { stop_sequences: stop }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
    ...extraFields(query, to.extras, to.isProvider === true),
  };
}

/** What of a query has no place in the body; see {@link requestBody}. */
export function unableToAsk(query: Query): string[] {
  if (query.operation !== 'chat') return [];
  const unable: string[] = [];
  const { sampling } = query;
  if (sampling.temperature !== undefined && sampling.temperature > 1) unable.push('temperature');
  for (const name of unknownSampling) {
    const value = sampling[name];
    if (value === undefined) continue;
    if (typeof value !== 'object' || Object.keys(value).length > 0) unable.push(name);
  }
  if (!query.stop.every(isSayable)) unable.push('stop');
  if (query.logprobs !== null) unable.push('logprobs');
  if (query.thinking !== null) unable.push('thinking');
  if (query.keepAlive !== null) unable.push('keepAlive');
  // There is no JSON without a schema.
  if (query.shape.kind === 'json') unable.push('shape');
  return unable;
}

const unknownSampling = ['minP', 'seed', 'presencePenalty', 'frequencyPenalty', 'repeatPenalty', 'logitBias'] as const;

/** Stops of white space alone are refused. */
function isSayable(stop: string): boolean {
  return stop.trim() !== '';
}

function toolFields(query: ChatQuery): JsonObject {
  if (query.tools.length === 0) return {};
  return { tools: query.tools.map(toolBody), tool_choice: choiceBody(query) };
}

function toolBody(tool: ToolDeclaration): Json {
  const schema = tool.parameters['type'] === undefined ? { type: 'object', ...tool.parameters } : tool.parameters;
  return {
    name: tool.name,
    ...(tool.description !== null && tool.description !== '' && { description: tool.description }),
    input_schema: schema,
  };
}

function choiceBody(query: ChatQuery): Json {
  const { toolChoice } = query;
  if (toolChoice === 'none') return { type: 'none' };
  const oneOnly = query.parallelCalls === false ? { disable_parallel_tool_use: true } : {};
  if (toolChoice === 'auto') return { type: 'auto', ...oneOnly };
  if (toolChoice === 'required') return { type: 'any', ...oneOnly };
  return { type: 'tool', name: toolChoice.name, ...oneOnly };
}

function outputConfig(query: ChatQuery, extras: JsonObject): JsonObject {
  const effort = extras['output_config.effort'];
  return {
    ...(typeof effort === 'string' && { effort }),
    ...(query.shape.kind === 'schema' && {
      format: { type: 'json_schema', schema: closedSchema(query.shape.schema) },
    }),
  };
}

function extraFields(query: ChatQuery, extras: JsonObject, isProvider: boolean): JsonObject {
  const { metadata, thinking } = extras;
  const tier = extras['service_tier'];
  return {
    ...(isObject(metadata) && { metadata }),
    ...(typeof tier === 'string' && { service_tier: tier }),
    ...(isObject(thinking) && mayThink(query, thinking, isProvider) && { thinking }),
  };
}

/** The least that `top_p` may be beside thinking. */
const leastTopP = 0.95;

/**
 * Whether the API takes the caller's wish to think beside the rest, which need not be the caller's: a persona has sampling
 * and a limit of its own. Beside thinking there is no other temperature than 1, hardly a `top_p`, no `top_k` and no call
 * that must be made, and a budget is smaller than the limit ("Extended thinking", feature compatibility). Servers of other
 * models mind none of that. In the middle of a round of tools a chat with "enabled" is refused where the thoughts before
 * the calls are missing.
 */
function mayThink(query: ChatQuery, thinking: JsonObject, isProvider: boolean): boolean {
  const { type, budget_tokens: budget } = thinking;
  if (type === 'disabled') return true;
  const isAmidTools = type === 'enabled' && query.turns.at(-1)?.role === 'tool';
  if (isAmidTools || !isProvider) return !isAmidTools;
  const { temperature = 1, topP = 1, topK = 0 } = query.sampling;
  if (temperature < 1 || topP < leastTopP || topK > 0) return false;
  if (query.tools.length > 0 && query.toolChoice !== 'auto' && query.toolChoice !== 'none') return false;
  const limit = query.maxTokens ?? defaultMaxTokens;
  return !(type === 'enabled' && typeof budget === 'number' && budget >= limit);
}
