import {
  anyObject,
  asIs,
  boolean,
  integer,
  invalidField,
  list,
  string,
  unsupportedField,
  type Rule,
} from '../fields.ts';
import { isList, isObject } from '../json.ts';
import type { ChatQuery } from '../query.ts';
import type { Decoded, Surface } from '../surface.ts';
import { ChatWriter } from './chat-writer.ts';
import { openAiErrorEvent } from './errors.ts';
import {
  model,
  oneChoice,
  readSampling,
  readStop,
  refusedFields,
  samplingFields,
  shortText,
  streamFields,
  tokenCount,
  wantsUsage,
} from './generation.ts';
import { readMessages } from './messages.ts';
import { readShape } from './output-shape.ts';
import { Reading, type Form } from './reading.ts';
import { readToolUse } from './tools.ts';

/** Text is all that is said here; a list without anything else asks for nothing. */
const modalities: Rule = (value, path) => {
  const wanted = list(string(shortText), 0, 16)(value, path);
  if (isList(wanted) && wanted.every((word) => word === 'text')) return wanted;
  throw unsupportedField(path, 'must be text alone: no engine here speaks or draws');
};

const form: Form = {
  fields: {
    model,
    messages: asIs,
    ...streamFields,
    ...samplingFields,
    max_tokens: tokenCount,
    max_completion_tokens: tokenCount,
    n: oneChoice,
    logprobs: boolean,
    top_logprobs: integer(0, 20),
    response_format: asIs,
    tools: asIs,
    tool_choice: asIs,
    parallel_tool_calls: boolean,
    reasoning_effort: string(shortText),
    chat_template_kwargs: anyObject,
    modalities,
  },
  required: ['model', 'messages'],
  refused: {
    ...refusedFields,
    functions: 'is not accepted here: use tools',
    function_call: 'is not accepted here: use tool_choice',
    audio: 'is not accepted here: no engine here speaks',
    web_search_options: 'is not accepted here: no engine here searches the web',
  },
};

/** `POST /v1/chat/completions`. */
export const chatSurface: Surface = {
  name: 'chat-completions',
  dialect: 'openai',
  streamType: 'text/event-stream',
  errorEvent: openAiErrorEvent,
  waitingEvent: (sentence) => `: ${sentence}\n\n`,
  decode,
};

function decode(body: Buffer): Decoded {
  const reading = new Reading(body, form);
  reading.need('chat', 'messages');
  const includeUsage = wantsUsage(reading);
  const query: ChatQuery = {
    operation: 'chat',
    turns: readMessages(reading),
    ...readToolUse(reading, 'nested'),
    parallelCalls: reading.field('parallel_tool_calls') === undefined ? null : reading.flag('parallel_tool_calls'),
    shape: readShape(reading.field('response_format'), 'response_format', 'nested', reading),
    thinking: readThinking(reading),
    sampling: readSampling(reading),
    stop: readStop(reading),
    maxTokens: reading.number('max_completion_tokens') ?? reading.number('max_tokens'),
    logprobs: readLogprobs(reading),
    keepAlive: null,
    usageInStream: includeUsage,
  };
  return {
    surface: chatSurface,
    operation: 'chat',
    model: reading.model,
    stream: reading.flag('stream'),
    query,
    needs: reading.needs,
    ignored: reading.ignored,
    priority: reading.priority,
    extras: {},
    received: reading.received,
    passes: true,
    writer: (facts) => new ChatWriter(facts, includeUsage),
  };
}

function readLogprobs(reading: Reading): number | null {
  if (!reading.flag('logprobs')) {
    if (reading.number('top_logprobs') !== null) throw invalidField('top_logprobs', 'needs logprobs to be true');
    return null;
  }
  reading.need('logprobs', 'logprobs');
  return reading.number('top_logprobs') ?? 0;
}

/** Both ways that callers of local models have for it. */
function readThinking(reading: Reading): boolean | null {
  const template = reading.field('chat_template_kwargs');
  if (isObject(template)) {
    const { enable_thinking: wish } = template;
    if (Object.keys(template).some((name) => name !== 'enable_thinking') || typeof wish !== 'boolean') {
      reading.ignore('chat_template_kwargs');
    }
    if (typeof wish === 'boolean') return wish;
  }
  return thinkingOf(reading.field('reasoning_effort'));
}

/** Whether an effort asks for thinking; null where none is named. */
export function thinkingOf(effort: unknown): boolean | null {
  return typeof effort === 'string' && effort !== '' ? effort !== 'none' : null;
}
