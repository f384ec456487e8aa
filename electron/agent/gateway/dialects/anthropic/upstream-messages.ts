import type { Json } from '../json.ts';
import type { Part, ToolCall, Turn } from '../query.ts';
import { inputOf } from './wire.ts';

type Block = Readonly<Record<string, Json>>;

interface Message {
  readonly role: 'user' | 'assistant';
  readonly blocks: Block[];
}

/** The prompt in the form of the API. */
export interface Prompt {
  /** Empty where there is none. */
  readonly system: string;
  readonly messages: readonly Json[];
}

/**
 * Turns as the API takes them: what the system says first in one text, and what it says later as a user's words where it
 * stands, for few models let it speak between, and moving it to the front would make every cached prefix worthless; roles in turn; results of tools at the beginning of the message after their calls; no empty block, which is
 * refused. What the model thought is left out: the API takes it back only with its own signature, which no other dialect
 * carries.
 */
export function promptOf(turns: readonly Turn[]): Prompt {
  const systems: string[] = [];
  const messages: Message[] = [];
  for (const turn of turns) {
    if (turn.role === 'system') {
      if (messages.length > 0) add(messages, 'user', [], textBlock(turn.text));
      else if (turn.text.trim() !== '') systems.push(turn.text);
    } else if (turn.role === 'assistant') add(messages, 'assistant', [], saidBlocks(turn.text, turn.calls));
    else if (turn.role === 'tool') add(messages, 'user', [resultBlock(turn)], []);
    else add(messages, 'user', [], turn.parts.flatMap(partBlock));
  }
  // The API answers to messages only: where there is nothing but a system prompt, the last of it is what is asked.
  const asked = messages.length === 0 ? systems.pop() : undefined;
  if (asked !== undefined) messages.push({ role: 'user', blocks: [{ type: 'text', text: asked }] });
  return {
    system: systems.join('\n\n'),
    messages: messages.map((message, at) => body(message, at === messages.length - 1)),
  };
}

/** `first` goes before all other blocks of the message, behind those that are there for the same reason. */
function add(messages: Message[], role: Message['role'], first: readonly Block[], rest: readonly Block[]): void {
  if (first.length === 0 && rest.length === 0) return;
  let message = messages.at(-1);
  if (message?.role !== role) {
    message = { role, blocks: [] };
    messages.push(message);
  }
  const results = message.blocks.filter((block) => block['type'] === 'tool_result').length;
  message.blocks.splice(results, 0, ...first);
  // Calls stand last in what an assistant said, or their results would not follow them.
  const calls = role === 'assistant' ? message.blocks.filter((block) => block['type'] === 'tool_use').length : 0;
  const texts = rest.filter((block) => block['type'] !== 'tool_use');
  message.blocks.splice(message.blocks.length - calls, 0, ...texts);
  message.blocks.push(...rest.filter((block) => block['type'] === 'tool_use'));
}

/** One block of text is written as a text: every server of this dialect reads that. */
function body(message: Message, isLast: boolean): Json {
  const { role } = message;
  // An answer may not go on from white space.
  const blocks = isLast && role === 'assistant' ? message.blocks.map(trimmedEnd) : message.blocks;
  const [only] = blocks;
  const content = blocks.length === 1 && only?.['type'] === 'text' ? (only['text'] ?? '') : blocks;
  return { role, content };
}

function trimmedEnd(block: Block): Block {
  const { text } = block;
  return block['type'] === 'text' && typeof text === 'string' ? { ...block, text: text.trimEnd() } : block;
}

function saidBlocks(text: string, calls: readonly ToolCall[]): Block[] {
  return [
    ...textBlock(text),
    ...calls.map((call) => ({
      type: 'tool_use',
      id: callId(call.id),
      name: call.name,
      input: inputOf(call.argumentsText),
    })),
  ];
}

function resultBlock(turn: Extract<Turn, { role: 'tool' }>): Block {
  const content = turn.parts.flatMap(partBlock);
  return {
    type: 'tool_result',
    tool_use_id: callId(turn.callId),
    ...(content.length > 0 && { content }),
    ...(turn.failed && { is_error: true }),
  };
}

function partBlock(part: Part): Block[] {
  if (part.kind === 'text') return textBlock(part.text);
  return [{ type: 'image', source: { type: 'base64', media_type: part.mediaType, data: part.base64 } }];
}

function textBlock(text: string): Block[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }];
}

/** The API takes letters, digits, `_` and `-` only; a call and its result are changed alike. */
function callId(id: string): string {
  return id.replaceAll(/[^\w-]/g, '_') || '_';
}
