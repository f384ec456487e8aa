import { quotable } from '../../../base/quotable.ts';
import { boolean, invalidField, object, oneOf, string, unsupportedField } from '../fields.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { boundedSchema } from '../schema-bounds.ts';
import type { ToolChoice, ToolDeclaration } from '../query.ts';
import { ignore, ignoreOthers, need, type Findings } from './findings.ts';

const mostTools = 512;
const longestName = 128;
const longText = 32 * 1024 * 1024;

export interface ToolsAsked {
  readonly tools: readonly ToolDeclaration[];
  readonly choice: ToolChoice;
  readonly parallelCalls: boolean | null;
}

const choiceRule = object(
  {
    type: oneOf('auto', 'any', 'tool', 'none'),
    name: string(longestName),
    disable_parallel_tool_use: boolean,
  },
  ['type'],
);

/** Reads `tools` and `tool_choice`. @throws AppError naming the tool */
export function readTools(body: JsonObject, findings: Findings): ToolsAsked {
  const tools = readDeclarations(body['tools'] ?? [], findings);
  const picked = body['tool_choice'] == null ? { type: 'auto' } : choiceRule(body['tool_choice'], 'tool_choice');
  const choice = isObject(picked) ? readChoice(picked, tools) : 'auto';
  if (tools.length > 0 && choice !== 'none') need(findings, 'tools', 'tools');
  const oneOnly = isObject(picked) && picked['disable_parallel_tool_use'] === true;
  return { tools, choice, parallelCalls: oneOnly ? false : null };
}

function readChoice(picked: JsonObject, tools: readonly ToolDeclaration[]): ToolChoice {
  const { type, name } = picked;
  if (type === 'none' || type === 'auto') return type;
  if (tools.length === 0) throw invalidField('tool_choice', 'demands a tool, and there are none in "tools"');
  if (type === 'any') return 'required';
  if (typeof name !== 'string') throw invalidField('tool_choice.name', 'is missing');
  if (!tools.some((tool) => tool.name === name)) throw invalidField('tool_choice.name', 'must be the name of a tool');
  return { name };
}

function readDeclarations(value: Json, findings: Findings): ToolDeclaration[] {
  if (!Array.isArray(value) || value.length > mostTools) {
    throw invalidField('tools', `must be a list of at most ${mostTools} items`);
  }
  const names = new Set<string>();
  return value.flatMap((item: Json, index) => {
    const tool = readTool(item, `tools[${index}]`, findings);
    if (tool === null) return [];
    if (names.has(tool.name)) throw invalidField(`tools[${index}].name`, 'must not be that of another tool');
    names.add(tool.name);
    return [tool];
  });
}

function readTool(item: Json, path: string, findings: Findings): ToolDeclaration | null {
  if (!isObject(item)) throw invalidField(path, 'must be an object');
  const type = item['type'] ?? 'custom';
  if (typeof type !== 'string') throw invalidField(`${path}.type`, 'must be a text');
  if (type.startsWith('tool_search_tool_')) {
    // It finds tools among those that are declared, and here the model sees them all from the beginning.
    ignore(findings, 'tools.tool_search');
    return null;
  }
  if (type !== 'custom') {
    const told = quotable(type, 64);
    throw unsupportedField(path, `is the tool ${told} of a provider, which no engine here has`);
  }
  ignoreOthers(findings, item, ['type', 'name', 'description', 'input_schema'], 'tools.');
  const name = item['name'] ?? null;
  if (typeof name !== 'string' || name === '' || name.length > longestName) {
    throw invalidField(`${path}.name`, `must be a text of 1 to ${longestName} characters`);
  }
  const schema = boundedSchema(item['input_schema'], `${path}.input_schema`);
  const description = item['description'] ?? null;
  if (description !== null) string(longText)(description, `${path}.description`);
  return { name, description: typeof description === 'string' ? description : null, parameters: schema };
}
