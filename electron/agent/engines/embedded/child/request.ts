import { AppError } from '../../../base/errors.ts';
import { Fields, refuse } from './fields.ts';
import { readToolbox, readToolCalls, type Toolbox, type ToolCall } from './tools.ts';

export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly toolCalls?: readonly ToolCall[];
      /** What it thought before it answered. */
      readonly reasoning?: string;
    }
  /** What came of a call; the id of that call and the tool's name where the caller tells them. */
  | { readonly role: 'tool'; readonly content: string; readonly callId: string | null; readonly name: string | null };

/** How to choose the next token. Absent fields mean the engine's defaults. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly seed: number | undefined;
  readonly repeatPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** Token number → what is added to its logit. */
  readonly logitBias: ReadonlyMap<number, number>;
}

export type OutputShape =
  { readonly kind: 'text' } | { readonly kind: 'json' } | { readonly kind: 'schema'; readonly schema: object };

/** What a chat and a text completion have in common. */
export interface GenerationRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly sampling: Sampling;
  readonly shape: OutputShape;
  /** Id of the conversation that it belongs to, of the gateway's making; null for none. */
  readonly session: string | null;
}

export interface ChatRequest extends GenerationRequest {
  readonly messages: readonly ChatMessage[];
  readonly toolbox: Toolbox | null;
  /** `chat_template_kwargs`: names that some templates ask for, such as enable_thinking. */
  readonly templateValues: Readonly<Record<string, string | number | boolean>>;
}

export interface CompletionRequest extends GenerationRequest {
  readonly prompt: string | readonly number[];
  /** Repeat the prompt at the head of the answer. */
  readonly echo: boolean;
}

export interface EmbeddingRequest {
  readonly model: string;
  readonly inputs: readonly (string | readonly number[])[];
  readonly base64: boolean;
  /** Length that the vectors are cut to; undefined for the model's own. */
  readonly dimensions: number | undefined;
}

export interface TokenizeRequest {
  readonly content: string;
  readonly addSpecial: boolean;
  readonly parseSpecial: boolean;
}

const mostStops = 64;
const mostMessages = 10_000;
const mostInputs = 2_048;
const mostDimensions = 1_000_000;
const largestSeed = Number.MAX_SAFE_INTEGER;

function readSampling(fields: Fields): Sampling {
  return {
    temperature: fields.number('temperature', 0, 100) ?? 0.8,
    topP: fields.number('top_p', 0, 1) ?? 0.95,
    topK: fields.integer('top_k', 0, 1_000_000) ?? 40,
    minP: fields.number('min_p', 0, 1) ?? 0.05,
    seed: readSeed(fields),
    repeatPenalty: fields.number('repeat_penalty', 0.01, 100) ?? 1,
    presencePenalty: fields.number('presence_penalty', -2, 2) ?? 0,
    frequencyPenalty: fields.number('frequency_penalty', -2, 2) ?? 0,
    logitBias: readLogitBias(fields),
  };
}

/** The engine's seed has 32 bits; −1 means "choose one" in several dialects. */
function readSeed(fields: Fields): number | undefined {
  const seed = fields.integer('seed', -largestSeed, largestSeed);
  if (seed === undefined || seed === -1) return undefined;
  return ((seed % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000;
}

function readLogitBias(fields: Fields): ReadonlyMap<number, number> {
  const biases = new Map<number, number>();
  for (const [token, bias] of fields.object('logit_bias')?.entries() ?? []) {
    const id = Number(token);
    if (!Number.isSafeInteger(id) || id < 0 || typeof bias !== 'number' || Math.abs(bias) > 100) {
      throw refuse('logit_bias must map token numbers to values from -100 to 100.', 'logit_bias');
    }
    biases.set(id, bias);
  }
  if (biases.size > 1_024) throw refuse('logit_bias may have at most 1024 entries.', 'logit_bias');
  return biases;
}

function readShape(fields: Fields): OutputShape {
  const format = fields.object('response_format');
  if (!format) return { kind: 'text' };
  switch (format.string('type') ?? '') {
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      return { kind: 'json' };
    case 'json_schema': {
      const schema = format.object('json_schema')?.raw('schema');
      if (typeof schema !== 'object' || schema === null) {
        throw refuse('response_format.json_schema.schema must be a JSON schema.', 'response_format.json_schema.schema');
      }
      return { kind: 'schema', schema };
    }
    default:
      throw refuse('response_format.type must be text, json_object or json_schema.', 'response_format.type');
  }
}

function readGeneration(fields: Fields): GenerationRequest {
  if ((fields.integer('n', 1, 128) ?? 1) > 1) throw cannot('more than one answer at a time (n)', 'n');
  if (fields.raw('logprobs') !== undefined && fields.raw('logprobs') !== false) throw cannot('logprobs', 'logprobs');
  const stop = fields.strings('stop', mostStops).filter((text) => text !== '');
  return {
    model: fields.string('model') ?? '',
    stream: fields.boolean('stream'),
    includeUsage: fields.object('stream_options')?.boolean('include_usage') ?? false,
    maxTokens: fields.integer('max_completion_tokens', 0, 1e9) ?? fields.integer('max_tokens', 0, 1e9),
    stop,
    sampling: readSampling(fields),
    shape: readShape(fields),
    session: fields.string('session') ?? null,
  };
}

export function cannot(what: string, param: string): AppError {
  return new AppError('unsupported_capability', `This engine has no support for ${what}.`, { context: { param } });
}

function readContent(value: unknown, place: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw refuse(`${place}.content must be text or a list of parts.`, `${place}.content`);
  return value
    .map((part: unknown, index) => {
      const fields = new Fields(part, `${place}.content[${index}]`);
      if (fields.string('type') !== 'text')
        throw cannot(`${fields.string('type') ?? 'unnamed'} parts in a message`, `${place}.content`);
      return fields.string('text') ?? '';
    })
    .join('');
}

function readMessage(value: unknown, index: number): ChatMessage {
  const place = `messages[${index}]`;
  const fields = new Fields(value, place);
  const content = readContent(fields.raw('content'), place);
  switch (fields.string('role') ?? '') {
    case 'system':
    case 'developer':
      return { role: 'system', content };
    case 'user':
      return { role: 'user', content };
    case 'assistant': {
      const calls = fields.raw('tool_calls');
      const reasoning = fields.string('reasoning_content');
      return {
        role: 'assistant',
        content,
        ...(Array.isArray(calls) && calls.length > 0 && { toolCalls: readToolCalls(calls, place) }),
        ...(reasoning !== undefined && reasoning !== '' && { reasoning }),
      };
    }
    case 'tool':
    case 'function':
      return {
        role: 'tool',
        content,
        callId: fields.string('tool_call_id') ?? null,
        name: fields.string('name') ?? null,
      };
    default:
      throw refuse(`${place}.role must be system, developer, user, assistant or tool.`, `${place}.role`);
  }
}

/** Body of POST /v1/chat/completions. */
export function readChatRequest(body: unknown): ChatRequest {
  const fields = new Fields(body);
  const messages = fields.raw('messages');
  if (!Array.isArray(messages) || messages.length === 0)
    throw refuse('messages must be a list with at least one message.', 'messages');
  if (messages.length > mostMessages) throw refuse(`messages may have at most ${mostMessages} entries.`, 'messages');
  const toolbox = readToolbox(fields);
  const generation = readGeneration(fields);
  if (toolbox && generation.shape.kind !== 'text') throw cannot('tools beside a response format', 'response_format');
  return { ...generation, messages: messages.map(readMessage), toolbox, templateValues: readTemplateValues(fields) };
}

function readTemplateValues(fields: Fields): ChatRequest['templateValues'] {
  const values = fields.object('chat_template_kwargs')?.entries() ?? [];
  return Object.fromEntries(
    values.flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : [],
    ),
  );
}

function readTokens(value: unknown, place: string): readonly number[] {
  if (!Array.isArray(value)) throw refuse(`${place} must be text or a list of token numbers.`, place);
  return value.map((token: unknown) => {
    if (typeof token !== 'number' || !Number.isSafeInteger(token) || token < 0) {
      throw refuse(`${place} must be text or a list of token numbers.`, place);
    }
    return token;
  });
}

/** Body of POST /v1/completions. */
export function readCompletionRequest(body: unknown): CompletionRequest {
  const fields = new Fields(body);
  const given = fields.raw('prompt') ?? '';
  const only: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
  if (Array.isArray(only) && typeof only[0] === 'string') throw cannot('several prompts at a time', 'prompt');
  const prompt = typeof only === 'string' ? only : readTokens(typeof only === 'number' ? [only] : only, 'prompt');
  if (fields.string('suffix')) throw cannot('a suffix', 'suffix');
  return { ...readGeneration(fields), prompt, echo: fields.boolean('echo') };
}

/** Body of POST /v1/embeddings. */
export function readEmbeddingRequest(body: unknown): EmbeddingRequest {
  const fields = new Fields(body);
  const format = fields.string('encoding_format') ?? 'float';
  if (format !== 'float' && format !== 'base64')
    throw refuse('encoding_format must be float or base64.', 'encoding_format');
  const given = fields.raw('input');
  const single = typeof given === 'string' || (Array.isArray(given) && typeof given[0] === 'number');
  const list: unknown[] = single ? [given] : Array.isArray(given) ? given : [];
  if (list.length === 0) throw refuse('input must be text, a list of texts, or lists of token numbers.', 'input');
  if (list.length > mostInputs) throw refuse(`input may have at most ${mostInputs} entries.`, 'input');
  return {
    model: fields.string('model') ?? '',
    inputs: list.map((entry) => (typeof entry === 'string' ? entry : readTokens(entry, 'input'))),
    base64: format === 'base64',
    dimensions: fields.integer('dimensions', 1, mostDimensions),
  };
}

/** Body of POST /tokenize. */
export function readTokenizeRequest(body: unknown): TokenizeRequest {
  const fields = new Fields(body);
  return {
    content: fields.string('content') ?? '',
    addSpecial: fields.boolean('add_special'),
    parseSpecial: fields.boolean('parse_special'),
  };
}
