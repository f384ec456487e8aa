import { boundedSchema } from '../schema-bounds.ts';
import type { Capability } from '../../../inference/upstream.ts';
import type { Part, ToolCall, ToolDeclaration, Turn } from '../query.ts';
import { invalidField, anyObject, list, object, oneOf, string, type Rule } from '../fields.ts';
import { imageFromBase64 } from '../images.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';

const longText = 32 * 1024 * 1024;
const shortText = 512;

const plainMessages = list(
  object(
    {
      role: (value, path) => oneOf('system', 'user', 'assistant', 'tool')(lower(value), path),
      content: string(longText),
      thinking: string(longText),
      images: list(string(longText), 0, 64),
      tool_calls: list(
        object(
          {
            id: string(shortText),
            type: string(shortText),
            function: object({ name: string(shortText), arguments: textOrObject() }, ['name']),
          },
          ['function'],
        ),
        0,
        256,
      ),
      tool_name: string(shortText),
      tool_call_id: string(shortText),
      /** The name of `tool_name` in earlier versions. */
      name: string(shortText),
    },
    ['role'],
  ),
  0,
  8192,
);

/** Callers send arguments as objects, and some as JSON text. */
function textOrObject(): Rule {
  return (value, path) => (typeof value === 'string' ? string(longText)(value, path) : anyObject(value, path));
}

function lower(value: Json): Json {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

const toolsRule = list(
  object(
    {
      type: oneOf('function'),
      function: object({ name: string(shortText), description: string(longText), parameters: boundedSchema }, ['name']),
    },
    ['function'],
  ),
  0,
  512,
);

/** Tells what an upstream must be able to do, and the field that asks for it. */
export type Need = (capability: Capability, field: string) => void;

/** @throws AppError `invalid_request` naming the field */
export function readTools(value: Json): ToolDeclaration[] {
  return items(toolsRule(value, 'tools')).map((tool) => {
    const declared = isObject(tool['function']) ? tool['function'] : {};
    const parameters = declared['parameters'];
    return {
      name: text(declared['name']),
      description: typeof declared['description'] === 'string' ? declared['description'] : null,
      parameters: isObject(parameters) ? parameters : { type: 'object', properties: {} },
    };
  });
}

/**
 * The messages of a chat. Calls without an id get one by their place, and answers of tools that name the tool alone
 * belong to the first call of it that has no answer yet.
 *
 * @throws AppError `invalid_request` naming the field
 */
export function readTurns(value: Json, need: Need): Turn[] {
  const turns: Turn[] = [];
  const open: ToolCall[] = [];
  items(plainMessages(value, 'messages')).forEach((message, index) => {
    turns.push(readTurn(message, `messages[${index}]`, { need, open, index }));
  });
  return turns;
}

interface Reading {
  readonly need: Need;
  /** Calls that have no answer so far. */
  readonly open: ToolCall[];
  readonly index: number;
}

function readTurn(message: JsonObject, path: string, reading: Reading): Turn {
  const content = text(message['content']);
  const { role } = message;
  if (role === 'system') return { role, text: content };
  if (role === 'assistant') {
    const calls = readCalls(message['tool_calls'], reading.index);
    if (calls.length > 0) reading.need('tools', `${path}.tool_calls`);
    reading.open.push(...calls);
    const thinking = text(message['thinking']);
    return { role, text: content, reasoning: thinking === '' ? null : thinking, calls };
  }
  const parts = readParts(content, message['images'], path, reading.need);
  if (role !== 'tool') return { role: 'user', parts };
  reading.need('tools', `${path}.role`);
  const call = answered(message, reading.open);
  const name = toolNameOf(message) || call?.name;
  const callId = text(message['tool_call_id']) || (call?.id ?? `call_${reading.index}`);
  return { role, callId, name: name ?? null, parts, failed: false };
}

/** Text and the images beside it. */
export function readParts(content: string, images: Json | undefined, path: string, need: Need): Part[] {
  const parts: Part[] = content === '' ? [] : [{ kind: 'text', text: content }];
  if (!Array.isArray(images)) return parts.length === 0 ? [{ kind: 'text', text: '' }] : parts;
  images.forEach((image: Json, index) => {
    const field = path === '' ? `images[${index}]` : `${path}.images[${index}]`;
    if (typeof image !== 'string') throw invalidField(field, 'must be an image as base64');
    need('vision', path === '' ? 'images' : `${path}.images`);
    parts.push({ kind: 'image', ...imageFromBase64(image, field) });
  });
  return parts.length === 0 ? [{ kind: 'text', text: '' }] : parts;
}

function readCalls(value: Json | undefined, turn: number): ToolCall[] {
  return items(value ?? []).map((call, index) => {
    const called = isObject(call['function']) ? call['function'] : {};
    const args = called['arguments'];
    return {
      id: text(call['id']) || `call_${turn}_${index}`,
      name: text(called['name']),
      argumentsText: typeof args === 'string' ? args : JSON.stringify(args ?? {}),
    };
  });
}

/** The call that a tool's message answers, taken off the list of open ones. */
function answered(message: JsonObject, open: ToolCall[]): ToolCall | undefined {
  const id = text(message['tool_call_id']);
  const name = toolNameOf(message);
  const at = open.findIndex((call) => (id === '' ? name === '' || call.name === name : call.id === id));
  return at === -1 ? undefined : open.splice(at, 1)[0];
}

function toolNameOf(message: JsonObject): string {
  return text(message['tool_name']) || text(message['name']);
}

function items(value: Json): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
