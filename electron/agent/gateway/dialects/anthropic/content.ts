import { invalidField, unsupportedField } from '../fields.ts';
import { imageFromBase64 } from '../images.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Part } from '../query.ts';
import { ignore, ignoreOthers, need, type Findings } from './findings.ts';
import { refuseHidden } from './hidden-content.ts';

/** A block of content: an object with a type. @throws AppError `invalid_request` */
export function blockAt(value: Json, path: string): { block: JsonObject; type: string } {
  if (!isObject(value)) throw invalidField(path, 'must be an object');
  const { type } = value;
  if (typeof type !== 'string') throw invalidField(`${path}.type`, 'must be a text');
  return { block: value, type };
}

export function textOf(block: JsonObject, field: string, path: string): string {
  const text = block[field];
  if (typeof text !== 'string') throw invalidField(`${path}.${field}`, 'must be a text');
  return text;
}

/** A system prompt: a text, or blocks of text, which are joined. Empty ones say nothing. */
export function systemText(value: Json, path: string, findings: Findings): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw invalidField(path, 'must be a text or a list of blocks');
  const texts = value.map((item: Json, index) => {
    const at = `${path}[${index}]`;
    const { block, type } = blockAt(item, at);
    if (type !== 'text') throw invalidField(`${at}.type`, 'must be text');
    ignoreOthers(findings, block, ['type', 'text'], 'system.');
    return textOf(block, 'text', at);
  });
  return texts.filter((text) => text !== '').join('\n\n');
}

/**
 * Blocks of a provider's own tools in a chat's history: there is nothing here that could read them, and the chat goes on
 * without them. Refusing them would end every chat that once went to such a provider.
 */
const foreignBlocks: ReadonlySet<string> = new Set([
  'redacted_thinking',
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'advisor_tool_result',
  'mcp_tool_use',
  'mcp_tool_result',
  'mcp_tool_listing',
  'tool_addition',
  'tool_removal',
  'fallback',
]);

/**
 * Whether the block is left out of what a model here sees; then its type is named. A provider of this dialect may still get
 * it, so nothing may be in it whose cost is not known by its length.
 *
 * @throws AppError `invalid_request` or `unsupported_capability`, naming the block
 */
export function isForeign(
  { block, type }: { block: JsonObject; type: string },
  path: string,
  findings: Findings,
): boolean {
  if (!foreignBlocks.has(type)) return false;
  refuseHidden(block, path);
  ignore(findings, `messages.${type}`);
  return true;
}

/**
 * What a model reads of a block: text, an image, or a document whose text is in the request; nothing of blocks that are
 * left out.
 *
 * @throws AppError `invalid_request` or `unsupported_capability`, naming the block
 */
export function partsOf(item: Json, path: string, findings: Findings): Part[] {
  const { block, type } = blockAt(item, path);
  switch (type) {
    case 'text':
      ignoreOthers(findings, block, ['type', 'text'], 'messages.');
      return [{ kind: 'text', text: textOf(block, 'text', path) }];
    case 'image':
      ignoreOthers(findings, block, ['type', 'source'], 'messages.');
      return [image(block['source'] ?? null, `${path}.source`, findings)];
    case 'document':
      ignoreOthers(findings, block, ['type', 'source', 'title', 'context'], 'messages.');
      return document(block, path, findings);
    case 'search_result':
      ignoreOthers(findings, block, ['type', 'title', 'source', 'content'], 'messages.');
      return searchResult(block, path, findings);
    case 'tool_reference':
      return [{ kind: 'text', text: textOf(block, 'tool_name', path) }];
    case 'compaction':
      refuseHidden(block, path);
      ignoreOthers(findings, block, ['type', 'content'], 'messages.');
      return block['content'] == null ? [] : [{ kind: 'text', text: textOf(block, 'content', path) }];
    case 'container_upload':
      throw unsupportedField(path, 'is a file in a container, which no engine here reads');
    default:
      if (isForeign({ block, type }, path, findings)) return [];
      throw invalidField(`${path}.type`, 'must be a type of block that is read here, such as text or image');
  }
}

function image(source: Json, path: string, findings: Findings): Part {
  if (!isObject(source)) throw invalidField(path, 'must be an object');
  const { type } = source;
  // Fetching an address that a caller names would let callers reach into this machine's networks.
  if (type === 'url') {
    throw invalidField(path, 'must hold the image as base64: images are not fetched from addresses here');
  }
  if (type === 'file') throw unsupportedField(path, 'names a file of a provider, which no engine here can read');
  if (type !== 'base64') throw invalidField(`${path}.type`, 'must be base64');
  const { mediaType, base64 } = imageFromBase64(textOf(source, 'data', path), `${path}.data`);
  need(findings, 'vision', path);
  return { kind: 'image', mediaType, base64 };
}

function document(block: JsonObject, path: string, findings: Findings): Part[] {
  const source = block['source'] ?? null;
  if (!isObject(source)) throw invalidField(`${path}.source`, 'must be an object');
  const head = [block['title'], block['context']].filter(
    (text): text is string => typeof text === 'string' && text !== '',
  );
  const lead: Part[] = head.length === 0 ? [] : [{ kind: 'text', text: head.join('\n') }];
  if (source['type'] === 'text') {
    return [...lead, { kind: 'text', text: textOf(source, 'data', `${path}.source`) }];
  }
  if (source['type'] === 'content') {
    return [...lead, ...contentParts(source['content'] ?? null, `${path}.source.content`, findings)];
  }
  throw unsupportedField(path, 'is a document that no engine here reads: send its text instead');
}

function searchResult(block: JsonObject, path: string, findings: Findings): Part[] {
  const head = `${textOf(block, 'title', path)}\n${textOf(block, 'source', path)}`;
  return [{ kind: 'text', text: head }, ...contentParts(block['content'] ?? null, `${path}.content`, findings)];
}

/** A text, or a list of blocks. */
export function contentParts(value: Json, path: string, findings: Findings): Part[] {
  if (typeof value === 'string') return [{ kind: 'text', text: value }];
  if (!Array.isArray(value)) throw invalidField(path, 'must be a text or a list of blocks');
  return value.flatMap((item: Json, index) => partsOf(item, `${path}[${index}]`, findings));
}
