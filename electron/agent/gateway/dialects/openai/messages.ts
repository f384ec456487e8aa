import { asList, asObject, asOptionalText, asText, invalidField, unsupportedField } from '../fields.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Part, ToolCall, Turn } from '../query.ts';
import { readParts, readText } from './content.ts';
import { longText, shortText } from './generation.ts';
import type { Reading } from './reading.ts';

const messageLimit = 8192;
const callLimit = 256;

/** The messages of a chat as turns. Fields of a message that mean nothing here are left out. */
export function readMessages(reading: Reading): Turn[] {
  const messages = asList(reading.field('messages'), 'messages', 1, messageLimit);
  return messages.map((message, index) => readMessage(asObject(message, `messages[${index}]`), index, reading));
}

function readMessage(message: JsonObject, index: number, reading: Reading): Turn {
  const path = `messages[${index}]`;
  const content = message['content'] ?? undefined;
  const { role } = message;
  switch (typeof role === 'string' ? role : '') {
    case 'system':
    // Chat templates know "system"; "developer" is a newer name for the same thing.
    case 'developer':
      return { role: 'system', text: readText(present(content, path), `${path}.content`) };
    case 'user': {
      const name = asOptionalText(message['name'], `${path}.name`, shortText);
      const parts = readParts(present(content, path), `${path}.content`);
      noteImages(parts, `${path}.content`, reading);
      return { role: 'user', parts, ...(name === null ? {} : { name }) };
    }
    case 'assistant':
      return readAssistant(message, path, reading);
    case 'tool': {
      reading.need('tools', `${path}.role`);
      const parts = readParts(present(content, path), `${path}.content`);
      noteImages(parts, `${path}.content`, reading);
      const callId = asText(message['tool_call_id'], `${path}.tool_call_id`, shortText);
      const name = asOptionalText(message['name'], `${path}.name`, shortText);
      return { role: 'tool', callId, name, parts, failed: false };
    }
    default:
      throw invalidField(`${path}.role`, 'must be one of system, developer, user, assistant, tool');
  }
}

function present(content: Json | undefined, path: string): Json {
  if (content === undefined) throw invalidField(`${path}.content`, 'is missing');
  return content;
}

/** An answer may be empty: a model that only thought, or only called tools, has said nothing. */
function readAssistant(message: JsonObject, path: string, reading: Reading): Turn {
  const { content, tool_calls: calls } = message;
  const toolCalls =
    calls === undefined || calls === null
      ? []
      : asList(calls, `${path}.tool_calls`, 0, callLimit).map((call, index) =>
          readCall(call, `${path}.tool_calls[${index}]`),
        );
  if (toolCalls.length > 0) reading.need('tools', `${path}.tool_calls`);
  return {
    role: 'assistant',
    text: content === undefined || content === null ? '' : readText(content, `${path}.content`),
    reasoning:
      asOptionalText(message['reasoning_content'], `${path}.reasoning_content`, longText) ??
      (typeof message['reasoning'] === 'string' ? message['reasoning'] : null),
    calls: toolCalls,
  };
}

function readCall(value: Json, path: string): ToolCall {
  const call = asObject(value, path);
  if (call['type'] !== undefined && call['type'] !== 'function') {
    throw unsupportedField(`${path}.type`, 'must be function: engines here know no other tools');
  }
  const called = asObject(call['function'], `${path}.function`);
  return {
    id: asText(call['id'], `${path}.id`, shortText),
    name: asText(called['name'], `${path}.function.name`, shortText),
    argumentsText: readArguments(called['arguments'], `${path}.function.arguments`),
  };
}

/** Some programs send the arguments as an object rather than as its text. */
export function readArguments(value: Json | undefined, path: string): string {
  return isObject(value) ? JSON.stringify(value) : asText(value, path, longText);
}

export function noteImages(parts: readonly Part[], field: string, reading: Reading): void {
  if (parts.some(({ kind }) => kind === 'image')) reading.need('vision', field);
}
