/** What the real API refuses in the form of a chat, as far as a translation can get it wrong. */

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with the body of a request; null when nothing is. */
export function chatFault(body: unknown): string | null {
  if (!isFields(body)) return 'the body is not an object';
  const { max_tokens: limit, messages, temperature } = body;
  if (limit !== undefined && (typeof limit !== 'number' || limit < 1)) return 'max_tokens: must be at least 1';
  const sampled = ['temperature', 'top_p', 'top_k'].find((name) => body[name] !== undefined);
  if (sampled !== undefined && /opus-(?:4-[789]|5)|sonnet-5|fable/.test(String(body['model']))) {
    return `\`${sampled}\` is deprecated for this model.`;
  }
  if (typeof temperature === 'number' && (temperature < 0 || temperature > 1)) return 'temperature: range: 0..1';
  if (!Array.isArray(messages) || messages.length === 0) return 'messages: at least one message is required';
  const stops = Array.isArray(body['stop_sequences']) ? body['stop_sequences'] : [];
  if (stops.some((stop) => typeof stop !== 'string' || stop.trim() === '')) return 'stop_sequences: white space only';
  const format = isFields(body['output_config']) ? body['output_config']['format'] : undefined;
  if (isFields(format) && isOpen(format['schema']))
    return 'output_config.format.schema: additionalProperties must be false';
  let called: readonly unknown[] = [];
  for (const [index, message] of messages.entries()) {
    if (!isFields(message)) return `messages.${index}: not an object`;
    const problem = messageFault(message, index === messages.length - 1, called);
    if (problem !== null) return `messages.${index}: ${problem}`;
    called = blocksOf(message)
      .filter((block) => block['type'] === 'tool_use')
      .map((block) => block['id']);
  }
  return called.length > 0 ? 'tool_use ids were found without tool_result blocks after them' : null;
}

function messageFault(message: Fields, isLast: boolean, called: readonly unknown[]): string | null {
  const { role, content } = message;
  if (role !== 'user' && role !== 'assistant' && role !== 'system') return 'unexpected role';
  if (typeof content === 'string' ? content.trim() === '' : !Array.isArray(content) || content.length === 0) {
    return 'must have non-empty content';
  }
  const blocks = blocksOf(message);
  if (blocks.some((block) => block['type'] === 'text' && String(block['text']).trim() === '')) {
    return 'text content blocks must contain non-whitespace text';
  }
  const results = blocks.filter((block) => block['type'] === 'tool_result').map((block) => block['tool_use_id']);
  if (results.some((id) => !called.includes(id))) return 'unexpected tool_use_id in tool_result blocks';
  if (called.some((id) => !results.includes(id)))
    return 'tool_use ids were found without tool_result blocks after them';
  if (blocks.slice(0, results.length).some((block) => block['type'] !== 'tool_result'))
    return 'tool_result blocks come first';
  if (blocks.some((block) => block['type'] === 'tool_use' && !/^[\w-]+$/.test(String(block['id'])))) return 'bad id';
  if (blocks.some((block) => block['type'] === 'thinking' && block['signature'] !== 'sig-fake')) return 'bad signature';
  if (isLast && role === 'assistant' && /\s$/.test(lastText(message)))
    return 'final assistant content ends in white space';
  return null;
}

function blocksOf(message: Fields): Fields[] {
  const { content } = message;
  return Array.isArray(content) ? content.filter(isFields) : [];
}

function lastText(message: Fields): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  const text = blocksOf(message).at(-1)?.['text'];
  return typeof text === 'string' ? text : '';
}

function isOpen(schema: unknown): boolean {
  if (!isFields(schema)) return false;
  if (schema['type'] === 'object' && schema['additionalProperties'] !== false) return true;
  const properties = isFields(schema['properties']) ? Object.values(schema['properties']) : [];
  return [...properties, schema['items']].some(isOpen);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
