import {
  anyObject,
  boolean,
  integer,
  invalidField,
  list,
  number,
  object,
  oneOf,
  string,
  unsupportedField,
  type Rule,
} from '../fields.ts';
import { isObject, type Json } from '../json.ts';

/** The fields of the OpenAI dialect that may reach an engine. Everything else is dropped or refused. */

const longText = 32 * 1024 * 1024;
const shortText = 512;
const tokenLimit = 10_000_000;

type ContentPart = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } };

/** A message's text as one string: engines differ in how they join parts, so they never see them. */
const textOrParts: Rule = (value, path) => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw invalidField(path, 'must be a text or a list of parts');
  const parts = value.map((part: Json, index) => contentPart(part, `${path}[${index}]`));
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  return texts.length === parts.length ? texts.join('\n') : parts;
};

function contentPart(part: Json, path: string): ContentPart {
  if (!isObject(part)) throw invalidField(path, 'must be an object');
  const type = part['type'];
  if (type === 'text' || type === 'input_text') {
    const text = part['text'];
    if (typeof text !== 'string') throw invalidField(`${path}.text`, 'must be a text');
    return { type: 'text', text };
  }
  if (type === 'image_url') {
    const image = part['image_url'];
    const url = isObject(image) ? image['url'] : image;
    if (typeof url !== 'string') throw invalidField(`${path}.image_url.url`, 'must be a text');
    // Fetching an address that a caller names would let callers reach into this machine's networks.
    if (!url.startsWith('data:image/')) throw invalidField(`${path}.image_url.url`, 'must be a data:image/ address');
    return { type: 'image_url', image_url: { url } };
  }
  if (type === 'input_audio' || type === 'file') {
    throw unsupportedField(path, `has the part type ${type}, which no engine here reads`);
  }
  throw invalidField(`${path}.type`, 'must be text or image_url');
}

const toolCall = object(
  {
    id: string(shortText),
    type: oneOf('function'),
    function: object({ name: string(shortText), arguments: string(longText) }, ['name', 'arguments']),
  },
  ['id', 'function'],
);

const messageFields = {
  role: oneOf('system', 'developer', 'user', 'assistant', 'tool'),
  content: textOrParts,
  name: string(shortText),
  tool_calls: list(toolCall, 0, 256),
  tool_call_id: string(shortText),
  reasoning_content: string(longText),
};

const plainMessage = object(messageFields, ['role']);

const message: Rule = (value, path) => {
  const picked = plainMessage(value, path);
  if (!isObject(picked)) return picked;
  const calls = picked['tool_calls'];
  const mayBeEmpty = picked['role'] === 'assistant' && Array.isArray(calls) && calls.length > 0;
  if (picked['content'] === undefined && !mayBeEmpty) throw invalidField(`${path}.content`, 'is missing');
  if (picked['role'] === 'tool' && picked['tool_call_id'] === undefined) {
    throw invalidField(`${path}.tool_call_id`, 'is missing');
  }
  // Chat templates know "system"; "developer" is a newer name for the same thing.
  return picked['role'] === 'developer' ? { ...picked, role: 'system' } : picked;
};

const tool = object(
  {
    type: oneOf('function'),
    function: object(
      { name: string(shortText), description: string(longText), parameters: anyObject, strict: boolean },
      ['name'],
    ),
  },
  ['type', 'function'],
);

const toolChoice: Rule = (value, path) => {
  if (typeof value === 'string') return oneOf('none', 'auto', 'required')(value, path);
  return object({ type: oneOf('function'), function: object({ name: string(shortText) }, ['name']) }, [
    'type',
    'function',
  ])(value, path);
};

const responseFormat: Rule = (value, path) => {
  const picked = object(
    {
      type: oneOf('text', 'json_object', 'json_schema'),
      json_schema: object(
        { name: string(shortText), description: string(longText), schema: anyObject, strict: boolean },
        ['schema'],
      ),
    },
    ['type'],
  )(value, path);
  if (isObject(picked) && picked['type'] === 'json_schema' && picked['json_schema'] === undefined) {
    throw invalidField(`${path}.json_schema`, 'is missing');
  }
  return picked;
};

const stop: Rule = (value, path) => {
  if (typeof value === 'string') return [string(1024)(value, path)];
  return list(string(1024), 0, 16)(value, path);
};

const logitBias: Rule = (value, path) => {
  if (!isObject(value)) throw invalidField(path, 'must be an object');
  const entries = Object.entries(value);
  if (entries.length > 1024) throw invalidField(path, 'has more than 1024 entries');
  return Object.fromEntries(
    entries.map(([token, bias]) => {
      if (!/^\d{1,9}$/.test(token)) throw invalidField(path, 'must have token numbers as its keys');
      return [token, number(-100, 100)(bias, `${path}.${token}`)];
    }),
  );
};

/** One choice is what every engine gives; asking for more would be answered with one by some of them. */
const oneChoice: Rule = (value, path) => {
  const count = integer(1, 128)(value, path);
  if (count !== 1) throw unsupportedField(path, 'must be 1: engines here give one choice');
  return count;
};

const model = string(shortText);

const sampling = {
  model,
  stream: boolean,
  stream_options: object({ include_usage: boolean }),
  max_tokens: integer(1, tokenLimit),
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: integer(0, 100_000),
  min_p: number(0, 1),
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  stop,
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  repeat_penalty: number(0.01, 100),
  logit_bias: logitBias,
  n: oneChoice,
};

export const chatFields: Readonly<Record<string, Rule>> = {
  ...sampling,
  messages: list(message, 1, 8192),
  max_completion_tokens: integer(1, tokenLimit),
  logprobs: boolean,
  top_logprobs: integer(0, 20),
  response_format: responseFormat,
  tools: list(tool, 0, 512),
  tool_choice: toolChoice,
  parallel_tool_calls: boolean,
};

const onePrompt: Rule = (value, path) => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw invalidField(path, 'must be a text');
  const only: unknown = value[0];
  if (value.length === 1 && typeof only === 'string') return only;
  throw unsupportedField(path, 'must be one text: lists of prompts and token numbers are not served here');
};

export const completionFields: Readonly<Record<string, Rule>> = {
  ...sampling,
  prompt: onePrompt,
  logprobs: integer(0, 20),
  best_of: oneChoice,
};

const embeddingInput: Rule = (value, path) => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && typeof value[0] === 'number') {
    throw unsupportedField(path, 'must be text: token numbers are not served here');
  }
  return list(string(longText), 1, 2048)(value, path);
};

export const embeddingFields: Readonly<Record<string, Rule>> = {
  model,
  input: embeddingInput,
  encoding_format: oneOf('float', 'base64'),
  dimensions: integer(1, 65_536),
};

/**
 * Fields that are refused rather than dropped, because they attack an engine or because dropping them would change the
 * answer without the caller's knowledge.
 */
export const refusedFields: Readonly<Record<string, string>> = {
  n_discard: 'is not accepted here',
  n_keep: 'is not accepted here',
  chat_parser: 'is not accepted here',
  chat_format: 'is not accepted here',
  id_slot: 'is not accepted here',
  slot_id: 'is not accepted here',
  lora: 'is not accepted here',
  grammar: 'is not accepted here: use response_format with a JSON schema',
  json_schema: 'is not accepted here: use response_format with a JSON schema',
  api_base: 'is not accepted here: requests never say where they are sent',
  base_url: 'is not accepted here: requests never say where they are sent',
  extra_headers: 'is not accepted here: requests never say what is sent on',
  functions: 'is not accepted here: use tools',
  function_call: 'is not accepted here: use tool_choice',
  audio: 'is not accepted here: no engine here speaks',
  web_search_options: 'is not accepted here: no engine here searches the web',
  suffix: 'is not accepted here: put the text before the gap into prompt',
};
