import { invalidField } from '../fields.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Part, ToolCall, Turn } from '../query.ts';
import { blockAt, contentParts, isForeign, partsOf, systemText, textOf } from './content.ts';
import { ignoreOthers, need, type Findings } from './findings.ts';

const mostMessages = 8192;
const longestName = 256;

type AssistantTurn = Extract<Turn, { role: 'assistant' }>;
type ToolTurn = Extract<Turn, { role: 'tool' }>;

/**
 * Reads `messages`. As in the provider's own reading, messages of one role that follow each other are one turn, and the
 * results of tools stand before what the user says beside them. A last message of the assistant stays the last turn: the
 * answer goes on from it where the model's template can do that.
 *
 * @throws AppError `invalid_request` or `unsupported_capability`, naming the message
 */
export function readMessages(value: Json | undefined, findings: Findings): Turn[] {
  if (value === undefined || value === null) throw invalidField('messages', 'is missing');
  if (!Array.isArray(value) || value.length < 1 || value.length > mostMessages) {
    throw invalidField('messages', `must be a list of 1 to ${mostMessages} items`);
  }
  const turns = new Turns();
  value.forEach((item: Json, index) => readMessage(item, `messages[${index}]`, turns, findings));
  return turns.all();
}

function readMessage(item: Json, path: string, turns: Turns, findings: Findings): void {
  if (!isObject(item)) throw invalidField(path, 'must be an object');
  ignoreOthers(findings, item, ['role', 'content'], 'messages.');
  const { role, content } = item;
  if (content === undefined || content === null) throw invalidField(`${path}.content`, 'is missing');
  switch (typeof role === 'string' ? role : '') {
    case 'system':
      turns.system(systemText(content, `${path}.content`, findings));
      return;
    case 'user':
      readUser(content, path, turns, findings);
      return;
    case 'assistant':
      turns.assistant(readAssistant(content, path, findings));
      return;
    default:
      throw invalidField(`${path}.role`, 'must be one of user, assistant, system');
  }
}

function readUser(content: Json, path: string, turns: Turns, findings: Findings): void {
  if (!Array.isArray(content)) {
    turns.user([], contentParts(content, `${path}.content`, findings));
    return;
  }
  const results: ToolTurn[] = [];
  const parts: Part[] = [];
  content.forEach((item: Json, index) => {
    const at = `${path}.content[${index}]`;
    if (isObject(item) && item['type'] === 'tool_result') results.push(toolResult(item, at, turns, findings));
    else parts.push(...partsOf(item, at, findings));
  });
  turns.user(results, parts);
}

function toolResult(block: JsonObject, path: string, turns: Turns, findings: Findings): ToolTurn {
  ignoreOthers(findings, block, ['type', 'tool_use_id', 'content', 'is_error'], 'messages.');
  need(findings, 'tools', path);
  const callId = named(block, 'tool_use_id', path);
  const content = block['content'] ?? '';
  const failed = block['is_error'] ?? false;
  if (typeof failed !== 'boolean') throw invalidField(`${path}.is_error`, 'must be true or false');
  const parts = contentParts(content, `${path}.content`, findings);
  return { role: 'tool', callId, name: turns.nameOf(callId), parts: withoutEmpty(parts), failed };
}

function readAssistant(content: Json, path: string, findings: Findings): AssistantTurn {
  if (typeof content === 'string') return { role: 'assistant', text: content, reasoning: null, calls: [] };
  if (!Array.isArray(content)) throw invalidField(`${path}.content`, 'must be a text or a list of blocks');
  const texts: string[] = [];
  const thoughts: string[] = [];
  const calls: ToolCall[] = [];
  content.forEach((item: Json, index) => {
    const at = `${path}.content[${index}]`;
    const { block, type } = blockAt(item, at);
    if (type === 'thinking') thoughts.push(textOf(block, 'thinking', at));
    else if (type === 'tool_use') calls.push(toolUse(block, at, findings));
    else if (type === 'text') {
      ignoreOthers(findings, block, ['type', 'text', 'citations'], 'messages.');
      texts.push(textOf(block, 'text', at));
    } else if (type === 'compaction') {
      texts.push(...partsOf(item, at, findings).flatMap((part) => (part.kind === 'text' ? [part.text] : [])));
    } else if (!isForeign({ block, type }, at, findings)) {
      throw invalidField(`${at}.type`, 'must be one of text, thinking, redacted_thinking, tool_use');
    }
  });
  const reasoning = joined(thoughts);
  return { role: 'assistant', text: joined(texts), reasoning: reasoning === '' ? null : reasoning, calls };
}

function toolUse(block: JsonObject, path: string, findings: Findings): ToolCall {
  ignoreOthers(findings, block, ['type', 'id', 'name', 'input', 'caller'], 'messages.');
  need(findings, 'tools', path);
  const input = block['input'] ?? {};
  if (!isObject(input)) throw invalidField(`${path}.input`, 'must be an object');
  return { id: named(block, 'id', path), name: named(block, 'name', path), argumentsText: JSON.stringify(input) };
}

function named(block: JsonObject, field: string, path: string): string {
  const text = textOf(block, field, path);
  if (text === '' || text.length > longestName) {
    throw invalidField(`${path}.${field}`, `must be a text of 1 to ${longestName} characters`);
  }
  return text;
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n');
}

function withoutEmpty(parts: readonly Part[]): Part[] {
  return parts.filter((part) => part.kind !== 'text' || part.text !== '');
}

/** Gathers turns, putting together what belongs to one. */
class Turns {
  readonly #turns: Turn[] = [];
  readonly #names = new Map<string, string>();
  /** User messages that follow each other, not yet a turn. */
  #run: { readonly results: ToolTurn[]; readonly parts: Part[] } | null = null;

  nameOf(callId: string): string | null {
    return this.#names.get(callId) ?? null;
  }

  system(text: string): void {
    if (text === '') return;
    this.#endRun();
    this.#turns.push({ role: 'system', text });
  }

  user(results: readonly ToolTurn[], parts: readonly Part[]): void {
    this.#run ??= { results: [], parts: [] };
    this.#run.results.push(...results);
    this.#run.parts.push(...parts);
  }

  assistant(turn: AssistantTurn): void {
    this.#endRun();
    for (const call of turn.calls) this.#names.set(call.id, call.name);
    const last = this.#turns.at(-1);
    if (last?.role === 'assistant') this.#turns[this.#turns.length - 1] = both(last, turn);
    // Nothing said, nothing called: some programs end a chat with such a turn, and templates mind it.
    else if (turn.text !== '' || turn.reasoning !== null || turn.calls.length > 0) this.#turns.push(turn);
  }

  all(): Turn[] {
    this.#endRun();
    return this.#turns;
  }

  #endRun(): void {
    if (this.#run === null) return;
    const { results, parts } = this.#run;
    this.#run = null;
    this.#turns.push(...results);
    const said = withoutEmpty(parts);
    // A user who says nothing at all is still a turn between two of the assistant's.
    if (said.length > 0 || results.length === 0) {
      this.#turns.push({ role: 'user', parts: said.length > 0 ? said : [{ kind: 'text', text: '' }] });
    }
  }
}

function both(first: AssistantTurn, second: AssistantTurn): AssistantTurn {
  const reasoning = joined([first.reasoning ?? '', second.reasoning ?? '']);
  return {
    role: 'assistant',
    text: joined([first.text, second.text]),
    reasoning: reasoning === '' ? null : reasoning,
    calls: [...first.calls, ...second.calls],
  };
}
