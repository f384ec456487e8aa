import { Fields, refuse } from './fields.ts';

/** A function that the model may call. */
export interface Tool {
  readonly name: string;
  readonly description: string | null;
  /** JSON schema of its arguments; null for none told. */
  readonly parameters: object | null;
}

/** A call that an earlier answer made. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export type ToolChoice =
  | { readonly kind: 'auto' }
  /** The model has to call one: any of these. */
  | { readonly kind: 'call'; readonly names: readonly string[] };

/** What a chat offers the model; null where it offers no tool. */
export interface Toolbox {
  readonly tools: readonly Tool[];
  readonly choice: ToolChoice;
  /** False ends the answer after its first call. */
  readonly parallel: boolean;
}

const mostTools = 512;
const mostCalls = 128;
const toolName = /^[\w.:-]{1,128}$/;

/** `tools`, `tool_choice` and `parallel_tool_calls` of a chat. With the choice `none` the model hears of no tool. */
export function readToolbox(fields: Fields): Toolbox | null {
  const given = fields.raw('tools');
  const tools = given === undefined ? [] : readList(given, 'tools', mostTools).map(readTool);
  const choice = readChoice(fields.raw('tool_choice'), tools);
  if (choice === null || tools.length === 0) return null;
  const parallel = fields.raw('parallel_tool_calls') === undefined || fields.boolean('parallel_tool_calls');
  return { tools, choice, parallel };
}

function readList(value: unknown, place: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(`${place} must be a list.`, place);
  if (value.length > most) throw refuse(`${place} may have at most ${most} entries.`, place);
  return value;
}

function readTool(value: unknown, index: number): Tool {
  const place = `tools[${index}]`;
  const fields = new Fields(value, place);
  if (fields.string('type') !== 'function') throw refuse(`${place}.type must be function.`, `${place}.type`);
  const described = fields.object('function');
  const name = described?.string('name') ?? '';
  if (!described || !toolName.test(name)) {
    throw refuse(
      `${place}.function.name must be a name of letters, digits, dots, colons and dashes.`,
      `${place}.function.name`,
    );
  }
  const parameters = described.object('parameters');
  return {
    name,
    description: described.string('description') ?? null,
    parameters: parameters === undefined ? null : Object.fromEntries(parameters.entries()),
  };
}

/** Null for `none`. */
function readChoice(value: unknown, tools: readonly Tool[]): ToolChoice | null {
  if (value === undefined || value === 'auto') return { kind: 'auto' };
  if (value === 'none') return null;
  if (tools.length === 0) throw refuse('tool_choice asks for a call, and there are no tools.', 'tool_choice');
  if (value === 'required') return { kind: 'call', names: tools.map(({ name }) => name) };
  const chosen =
    typeof value === 'string' ? value : new Fields(value, 'tool_choice').object('function')?.string('name');
  if (chosen === undefined || !tools.some(({ name }) => name === chosen)) {
    throw refuse('tool_choice must be none, auto, required or the name of one of the tools.', 'tool_choice');
  }
  return { kind: 'call', names: [chosen] };
}

/** `tool_calls` of a message. */
export function readToolCalls(value: unknown, place: string): readonly ToolCall[] {
  return readList(value, `${place}.tool_calls`, mostCalls).map((entry, index) => {
    const at = `${place}.tool_calls[${index}]`;
    const fields = new Fields(entry, at);
    const called = fields.object('function');
    const name = called?.string('name') ?? '';
    if (!called || name === '') throw refuse(`${at}.function.name must be the name of a tool.`, `${at}.function.name`);
    return { id: fields.string('id') ?? '', name, arguments: called.string('arguments') ?? '{}' };
  });
}
