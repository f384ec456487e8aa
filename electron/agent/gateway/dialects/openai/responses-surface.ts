import { anyObject, asIs, boolean, integer, list, oneOf, string, unsupportedField, type Rule } from '../fields.ts';
import { isList, isObject, type JsonObject } from '../json.ts';
import type { ChatQuery } from '../query.ts';
import type { Decoded, Surface } from '../surface.ts';
import { thinkingOf } from './chat-surface.ts';
import { responsesErrorEvent } from './errors.ts';
import { model, readSampling, readStop, refusedFields, samplingFields, shortText, tokenCount } from './generation.ts';
import { readShape } from './output-shape.ts';
import { Reading, type Form } from './reading.ts';
import { readInput } from './responses-input.ts';
import { ResponsesWriter } from './responses-writer.ts';
import { readToolUse } from './tools.ts';

const notInBackground: Rule = (value, path) => {
  if (boolean(value, path) === true) {
    throw unsupportedField(path, 'must be false: nothing is stored here, so an answer cannot be fetched later');
  }
  return value;
};

const form: Form = {
  fields: {
    model,
    input: asIs,
    instructions: asIs,
    stream: boolean,
    stream_options: anyObject,
    ...samplingFields,
    max_output_tokens: tokenCount,
    tools: asIs,
    tool_choice: asIs,
    parallel_tool_calls: boolean,
    text: anyObject,
    reasoning: anyObject,
    include: list(string(shortText), 0, 64),
    top_logprobs: integer(0, 20),
    metadata: anyObject,
    store: boolean,
    background: notInBackground,
    truncation: oneOf('auto', 'disabled'),
  },
  required: ['model', 'input'],
  refused: {
    ...refusedFields,
    previous_response_id: 'is not accepted here: nothing is stored, so send the whole conversation as input',
    conversation: 'is not accepted here: nothing is stored, so send the whole conversation as input',
    prompt: 'is not accepted here: no prompts are stored, so send its text as instructions',
  },
};

/** `POST /v1/responses`, without any memory of earlier ones. */
export const responsesSurface: Surface = {
  name: 'responses',
  dialect: 'openai',
  streamType: 'text/event-stream',
  // Bytes never pass in this form, so what went before it are comments.
  errorEvent: (error) => responsesErrorEvent(error, 0),
  waitingEvent: (sentence) => `: ${sentence}\n\n`,
  decode,
};

function decode(body: Buffer): Decoded {
  const reading = new Reading(body, form);
  reading.need('chat', 'input');
  if (reading.flag('store')) reading.ignore('store');
  if (reading.field('truncation') === 'auto') reading.ignore('truncation');
  const text = reading.field('text');
  if (isObject(text) && (text['verbosity'] ?? null) !== null) reading.ignore('text.verbosity');
  const reasoning = reading.field('reasoning');
  const effort = isObject(reasoning) ? reasoning['effort'] : undefined;
  const query: ChatQuery = {
    operation: 'chat',
    turns: readInput(reading),
    ...readToolUse(reading, 'flat'),
    parallelCalls: reading.field('parallel_tool_calls') === undefined ? null : reading.flag('parallel_tool_calls'),
    shape: readShape(isObject(text) ? text['format'] : undefined, 'text.format', 'flat', reading),
    thinking: thinkingOf(effort),
    sampling: readSampling(reading),
    stop: readStop(reading),
    maxTokens: reading.number('max_output_tokens'),
    logprobs: readLogprobs(reading),
    keepAlive: null,
  };
  const echo = echoOf(reading);
  return {
    surface: responsesSurface,
    operation: 'chat',
    model: reading.model,
    stream: reading.flag('stream'),
    query,
    needs: reading.needs,
    ignored: reading.ignored,
    priority: reading.priority,
    extras: {},
    received: reading.received,
    // Upstreams are asked as for a chat: hardly any has this form, and none here without memory.
    passes: false,
    writer: (facts) => new ResponsesWriter(facts, echo),
  };
}

function readLogprobs(reading: Reading): number | null {
  const include = reading.field('include');
  const wanted = isList(include) ? include : [];
  if (wanted.some((name) => name !== 'message.output_text.logprobs')) reading.ignore('include');
  const top = reading.number('top_logprobs');
  const asked = wanted.includes('message.output_text.logprobs');
  if (!asked && (top === null || top === 0)) return null;
  reading.need('logprobs', asked ? 'include' : 'top_logprobs');
  return top ?? 0;
}

/** What a response repeats of its request; programs that keep responses read it there. */
function echoOf(reading: Reading): JsonObject {
  const { picked } = reading;
  const text = picked['text'];
  const reasoning = picked['reasoning'];
  return {
    background: false,
    instructions: picked['instructions'] ?? null,
    max_output_tokens: picked['max_output_tokens'] ?? null,
    metadata: picked['metadata'] ?? {},
    parallel_tool_calls: picked['parallel_tool_calls'] ?? true,
    previous_response_id: null,
    reasoning: isObject(reasoning) ? reasoning : { effort: null, summary: null },
    store: false,
    temperature: picked['temperature'] ?? null,
    text: isObject(text) ? text : { format: { type: 'text' } },
    tool_choice: picked['tool_choice'] ?? 'auto',
    tools: picked['tools'] ?? [],
    top_logprobs: picked['top_logprobs'] ?? 0,
    top_p: picked['top_p'] ?? null,
    truncation: 'disabled',
  };
}
