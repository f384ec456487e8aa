import { isObject, type Json, type JsonObject } from '../dialects/json.ts';

/** Fields that carry a part of a query, for those whose names differ between the dialects. */
const fieldsOf: Readonly<Record<string, readonly string[]>> = {
  thinking: ['chat_template_kwargs', 'reasoning_effort', 'reasoning', 'think', 'thinking'],
  parallel_calls: ['parallel_tool_calls', 'tool_choice.disable_parallel_tool_use'],
  shape: ['response_format', 'text.format', 'format'],
  stop: ['stop', 'stop_sequences', 'options.stop'],
};

/**
 * The caller's own names for parts of its query, such as `options.min_p` for `minP`: those that its body has. A part that
 * the body does not have, as a persona adds some, keeps the name that most dialects give it.
 */
export function callerFields(parts: readonly string[], received: JsonObject): string[] {
  return parts.flatMap((part) => {
    const plain = part.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const fields = fieldsOf[plain] ?? [plain, `options.${plain}`];
    const sent = fields.filter((field) => has(received, field));
    return sent.length > 0 ? sent : fields.slice(0, 1);
  });
}

function has(body: JsonObject, field: string): boolean {
  let value: Json | undefined = body;
  for (const name of field.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return false;
    value = value[name];
  }
  return value !== undefined && value !== null;
}
