import { priorities, type Priority } from '../../../../contract/routing.ts';
import type { Operation } from '../../../inference/request.ts';
import type { Capability } from '../../../inference/upstream.ts';
import type { Answer, OutputShape, Query } from '../query.ts';
import type { AnswerWriter, Decoded, Surface, WriterFacts } from '../surface.ts';
import { anyObject, boolean, integer, invalidField, list, oneOf, pick, string, type Rule } from '../fields.ts';
import { boundedSchema } from '../schema-bounds.ts';
import { isObject, parseBody, type Json, type JsonObject } from '../json.ts';
import { readOptions, type ReadOptions } from './options.ts';
import { readParts, readTools, readTurns, type Need } from './turns.ts';

const longText = 32 * 1024 * 1024;
const shortText = 512;
const longestDuration = 64;

/** What all routes that ask a model take. */
const common: Readonly<Record<string, Rule>> = {
  model: string(shortText),
  keep_alive: (value, path) => {
    if (typeof value === 'number' || (typeof value === 'string' && value.length <= longestDuration)) return value;
    throw invalidField(path, 'must be a number of seconds or a time such as 5m');
  },
  truncate: boolean,
  options: anyObject,
  priority: oneOf(...priorities),
};

const generating: Readonly<Record<string, Rule>> = {
  ...common,
  stream: boolean,
  shift: boolean,
  format: (value, path) => {
    if (value === '' || value === 'json') return value;
    if (isObject(value)) return boundedSchema(value, path);
    throw invalidField(path, 'must be "json" or a JSON schema');
  },
  think: (value, path) => {
    if (typeof value === 'boolean') return value;
    return oneOf('low', 'medium', 'high', 'max', 'minimal', 'none')(value, path);
  },
  logprobs: boolean,
  top_logprobs: integer(0, 20),
};

// What messages and tools hold is checked where they are read.
const anything: Rule = (value) => value;
const chatFields = { ...generating, messages: anything, tools: anything };
const generateFields = {
  ...generating,
  prompt: string(longText),
  system: string(longText),
  images: list(string(longText), 0, 64),
  raw: boolean,
};
const embedFields = { ...common, dimensions: integer(0, 65_536), input: anything };
const embeddingsFields = { ...common, prompt: string(longText) };

/** Refused because they attack an engine, or because dropping them would change the answer without the caller's knowledge. */
const refused: Readonly<Record<string, string>> = {
  suffix: 'is not accepted here: put the text before the gap into prompt',
  template: 'is not accepted here: a model answers with its own template; use raw for a prompt of your own form',
  _debug_render_only: 'is not accepted here',
  n_discard: 'is not accepted here',
  n_keep: 'is not accepted here',
  chat_parser: 'is not accepted here',
  chat_format: 'is not accepted here',
  id_slot: 'is not accepted here',
  slot_id: 'is not accepted here',
  lora: 'is not accepted here',
  adapters: 'is not accepted here',
  grammar: 'is not accepted here: use format with a JSON schema',
  api_base: 'is not accepted here: requests never say where they are sent',
  base_url: 'is not accepted here: requests never say where they are sent',
  extra_headers: 'is not accepted here: requests never say what is sent on',
};

/** A body whose fields have been looked at one by one. */
interface Read {
  readonly received: JsonObject;
  readonly fields: JsonObject;
  readonly options: ReadOptions;
  readonly ignored: readonly string[];
}

function read(body: Buffer, rules: Readonly<Record<string, Rule>>): Read {
  const received = parseBody(body);
  for (const [name, problem] of Object.entries(refused)) {
    const value = Object.hasOwn(received, name) ? received[name] : null;
    if (value !== null && value !== '' && value !== false) throw invalidField(name, problem);
  }
  const fields = pick(received, rules, ['model'], '');
  const options = readOptions(fields['options']);
  const dropped = Object.keys(received).filter((name) => !Object.hasOwn(rules, name) && !(name in refused));
  // A prompt that does not fit is told, never cut; asking for that to be so asks for nothing.
  const cuts = ['truncate', 'shift'].filter((name) => fields[name] === true);
  return { received, fields, options, ignored: [...dropped, ...cuts, ...options.ignored] };
}

/** Collects needs, the first field that asks for each. */
function needsOf(
  operation: Operation,
  field: string,
): { readonly needs: Map<Capability, string>; readonly need: Need } {
  const needs = new Map<Capability, string>([[operation, field]]);
  const need: Need = (capability, asking) => {
    if (!needs.has(capability)) needs.set(capability, asking);
  };
  return { needs, need };
}

export type MakeWriter = (facts: WriterFacts, doneReason: 'load' | 'unload' | null) => AnswerWriter;

/** @throws AppError `invalid_request` or `unsupported_capability`, naming the field */
export function decodeChat(surface: Surface, body: Buffer, makeWriter: MakeWriter): Decoded {
  const asked = read(body, chatFields);
  const { fields } = asked;
  const { needs, need } = needsOf('chat', 'messages');
  const tools = readTools(fields['tools'] ?? []);
  if (tools.length > 0) need('tools', 'tools');
  const turns = readTurns(fields['messages'] ?? [], need);
  if (turns.length === 0) return decodeLoading(surface, asked, makeWriter);
  const query: Query = {
    operation: 'chat',
    ...generationOf(asked, need),
    turns,
    tools,
    toolChoice: 'auto',
    parallelCalls: null,
    thinking: thinkingOf(fields['think']),
  };
  return decoded(surface, asked, { query, needs, passes: true, makeWriter });
}

/** @throws AppError `invalid_request` or `unsupported_capability`, naming the field */
export function decodeGenerate(surface: Surface, body: Buffer, makeWriter: MakeWriter): Decoded {
  const asked = read(body, generateFields);
  const { fields } = asked;
  const prompt = fields['prompt'];
  if (typeof prompt !== 'string' || prompt === '') return decodeLoading(surface, asked, makeWriter);
  if (fields['raw'] === true) {
    const { needs, need } = needsOf('completion', 'prompt');
    if (Array.isArray(fields['images']) && fields['images'].length > 0) {
      throw invalidField('images', 'goes with a prompt that has the form of a chat: leave raw out');
    }
    const query: Query = { operation: 'completion', ...generationOf(asked, need), prompt };
    return decoded(surface, asked, { query, needs, passes: true, makeWriter });
  }
  const { needs, need } = needsOf('chat', 'prompt');
  const system = fields['system'];
  const query: Query = {
    operation: 'chat',
    ...generationOf(asked, need),
    turns: [
      ...(typeof system === 'string' && system !== '' ? [{ role: 'system', text: system } as const] : []),
      { role: 'user', parts: readParts(prompt, fields['images'], '', need) },
    ],
    tools: [],
    toolChoice: 'auto',
    parallelCalls: null,
    thinking: thinkingOf(fields['think']),
  };
  // An upstream is asked for a chat, whose answer has another form than the one that is due here.
  return decoded(surface, asked, { query, needs, passes: false, makeWriter });
}

/** @throws AppError `invalid_request` naming the field */
export function decodeEmbed(surface: Surface, body: Buffer, makeWriter: MakeWriter): Decoded {
  const asked = read(body, embedFields);
  const input = asked.fields['input'];
  if (input === undefined) throw invalidField('input', 'is missing');
  const many = typeof input === 'string' ? [input] : list(string(longText), 0, 2048)(input, 'input');
  const { needs } = needsOf('embedding', 'input');
  const dimensions = asked.fields['dimensions'];
  const query: Query = {
    operation: 'embedding',
    inputs: Array.isArray(many) ? many.filter((item) => typeof item === 'string') : [],
    dimensions: typeof dimensions === 'number' && dimensions > 0 ? dimensions : null,
    keepAlive: keepAliveOf(asked.fields),
  };
  const whole = decoded(surface, asked, { query, needs, passes: true, makeWriter });
  return query.inputs.length === 0 ? { ...whole, immediate: nothing } : whole;
}

/** @throws AppError `invalid_request` naming the field */
export function decodeEmbeddings(surface: Surface, body: Buffer, makeWriter: MakeWriter): Decoded {
  const asked = read(body, embeddingsFields);
  const prompt = asked.fields['prompt'];
  if (typeof prompt !== 'string') throw invalidField('prompt', 'is missing');
  const { needs } = needsOf('embedding', 'prompt');
  const query: Query = {
    operation: 'embedding',
    inputs: [prompt],
    dimensions: null,
    keepAlive: keepAliveOf(asked.fields),
  };
  const whole = decoded(surface, asked, { query, needs, passes: false, makeWriter });
  return prompt === '' ? { ...whole, immediate: nothing } : whole;
}

/**
 * A request without a prompt wants the model loaded, or with `keep_alive: 0` gone. Loading is done the only way that all
 * upstreams have: by one token that nobody sees. Unloading is not for one of many callers, so it is agreed to and left.
 */
function decodeLoading(surface: Surface, asked: Read, makeWriter: MakeWriter): Decoded {
  const unload = isZero(asked.fields['keep_alive']);
  const { needs } = needsOf('chat', surface.name === 'ollama-chat' ? 'messages' : 'prompt');
  const query: Query = {
    operation: 'chat',
    ...generationOf(asked, () => undefined),
    shape: { kind: 'text' },
    logprobs: null,
    maxTokens: 1,
    turns: [{ role: 'user', parts: [{ kind: 'text', text: ' ' }] }],
    tools: [],
    toolChoice: 'auto',
    parallelCalls: null,
    thinking: null,
  };
  const plain = decoded(surface, asked, {
    query,
    needs,
    passes: false,
    makeWriter: (facts) => makeWriter(facts, unload ? 'unload' : 'load'),
  });
  // Ollama answers these with one object, whatever `stream` says.
  const whole = { ...plain, stream: false, extras: {} };
  return unload ? { ...whole, ignored: [...plain.ignored, 'keep_alive'], immediate: nothing } : whole;
}

const nothing: Answer = {
  id: null,
  model: null,
  text: '',
  reasoning: null,
  calls: [],
  finish: 'stop',
  stopSequence: null,
  logprobs: null,
  usage: null,
  timings: null,
};

/** "0", "0s" and "0m" are zero as well as 0. */
function isZero(keepAlive: Json | undefined): boolean {
  return keepAlive === 0 || (typeof keepAlive === 'string' && /^0+(?:\.0*)?[a-zµ]*$/.test(keepAlive));
}

function decoded(
  surface: Surface,
  asked: Read,
  made: { query: Query; needs: ReadonlyMap<Capability, string>; passes: boolean; makeWriter: MakeWriter },
): Decoded {
  const { fields, received, options, ignored } = asked;
  const { query, needs, passes, makeWriter } = made;
  const streams = surface.name === 'ollama-chat' || surface.name === 'ollama-generate';
  const { think } = fields;
  return {
    surface,
    operation: query.operation,
    model: modelOf(fields['model']),
    stream: streams && fields['stream'] !== false,
    query,
    needs,
    ignored,
    priority: priorityOf(fields['priority']),
    extras: {
      ...(Object.keys(options.others).length > 0 && query.operation !== 'embedding' ? { options: options.others } : {}),
      ...(typeof think === 'string' ? { think } : {}),
    },
    received,
    passes,
    writer: (facts) => makeWriter(facts, null),
  };
}

/** As the caller wrote it, for answers repeat it. */
function modelOf(value: Json | undefined): string {
  if (typeof value !== 'string' || value === '') throw invalidField('model', 'must name a model');
  return value;
}

function generationOf({ fields, options }: Read, need: Need) {
  const shape = shapeOf(fields['format']);
  if (shape.kind !== 'text') need('json', 'format');
  const top = fields['top_logprobs'];
  const logprobs = fields['logprobs'] === true ? (typeof top === 'number' ? top : 0) : null;
  if (logprobs !== null) need('logprobs', 'logprobs');
  const { sampling, stop, maxTokens } = options;
  return { sampling, stop, maxTokens, shape, logprobs, keepAlive: keepAliveOf(fields) };
}

function shapeOf(format: Json | undefined): OutputShape {
  if (format === 'json') return { kind: 'json' };
  if (isObject(format)) return { kind: 'schema', name: 'answer', schema: format, strict: null };
  return { kind: 'text' };
}

/** Levels say how much, and all but none say that. */
function thinkingOf(think: Json | undefined): boolean | null {
  if (typeof think === 'boolean') return think;
  return typeof think === 'string' ? think !== 'none' : null;
}

function keepAliveOf(fields: JsonObject): string | number | null {
  const value = fields['keep_alive'];
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

function priorityOf(value: Json | undefined): Priority | null {
  return priorities.find((priority) => priority === value) ?? null;
}
