import { quotable } from '../../../base/quotable.ts';
import { unsupportedField } from '../fields.ts';
import { isList, isObject, type Json, type JsonObject } from '../json.ts';

/**
 * Looks into a block that is not read here and may go on to its provider: a document or an image in it may be of any length
 * (an address, a name, pages that are packed), and a tool of the provider's own is billed for each use.
 *
 * @throws AppError `unsupported_capability`, naming the block
 */
export function refuseHidden(value: Json, path: string): void {
  if (isList(value)) {
    for (const item of value) refuseHidden(item, path);
    return;
  }
  if (!isObject(value)) return;
  refuseSource(value, path);
  if (value['type'] === 'tool_addition') refuseTool(value['tool'] ?? null, path);
  for (const [name, inner] of Object.entries(value)) if (!ownWords.has(name)) refuseHidden(inner, path);
}

/** What a tool was asked, and how one is asked: anything may stand there, and nobody takes it for a block. */
const ownWords: ReadonlySet<string> = new Set(['input', 'input_schema', 'input_examples']);

function refuseSource({ type, source = null }: JsonObject, path: string): void {
  if (type !== 'document' && type !== 'image') return;
  const kind = isObject(source) ? source['type'] : null;
  if (kind === 'text' || kind === 'content') return;
  throw unsupportedField(path, `holds a provider's ${type}, which no engine here reads: send its text instead`);
}

/** A tool is named, or defined on the spot; only one that the caller itself carries out costs nothing beside its words. */
function refuseTool(tool: Json, path: string): void {
  if (!isObject(tool)) return;
  const { type = null, definition = null } = tool;
  if (definition === null && typeof type === 'string' && type.endsWith('_reference')) return;
  const kind = isObject(definition) ? (definition['type'] ?? 'custom') : type;
  if (kind === 'custom') return;
  const told = quotable(typeof kind === 'string' ? kind : 'without a type', 64);
  throw unsupportedField(path, `adds the tool ${told} of a provider, which no engine here has`);
}
