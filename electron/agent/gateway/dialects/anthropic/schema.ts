import { boolean, integer, invalidField, list, number, object, oneOf, string, type Rule } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { boundedSchema } from '../schema-bounds.ts';

/** The fields of the Anthropic dialect outside of messages and tools. Everything else is dropped and named, or refused. */

const shortText = 512;
const tokenLimit = 10_000_000;

const model = string(shortText);
const maxTokens = integer(1, tokenLimit);

/** An empty stop would end every answer before it began. */
const stopSequence: Rule = (value, path) => {
  const text = string(1024)(value, path);
  if (text === '') throw invalidField(path, 'must not be empty');
  return text;
};

const outputFormat = object({ type: oneOf('json_schema'), schema: boundedSchema }, ['type', 'schema']);

const thinking = object(
  {
    type: oneOf('enabled', 'adaptive', 'disabled'),
    budget_tokens: integer(1, tokenLimit),
    display: string(shortText),
  },
  ['type'],
);

/** Fields that both routes read: what is asked, by which the tokens of a prompt are counted too. */
export const promptFields: Readonly<Record<string, Rule>> = {
  model,
  thinking,
  output_config: object({ effort: string(shortText), format: outputFormat }),
  output_format: outputFormat,
  priority: oneOf('low', 'normal', 'high'),
};

export const answerFields: Readonly<Record<string, Rule>> = {
  max_tokens: maxTokens,
  stream: boolean,
  temperature: number(0, 1),
  top_p: number(0, 1),
  top_k: integer(0, 100_000),
  stop_sequences: list(stopSequence, 0, 16),
};

/** Fields with readers of their own. */
export const structuredFields = ['system', 'messages', 'tools', 'tool_choice'] as const;

/** Harmless to lose, and of use to an upstream of this dialect: passed on to such a one where their form is right. */
export const extraFields = ['metadata', 'service_tier'] as const;

/**
 * Fields that are refused rather than dropped, because they attack an engine or because dropping them would change the
 * answer without the caller's knowledge.
 */
const refusedFields: Readonly<Record<string, string>> = {
  n_discard: 'is not accepted here',
  n_keep: 'is not accepted here',
  chat_parser: 'is not accepted here',
  chat_format: 'is not accepted here',
  id_slot: 'is not accepted here',
  slot_id: 'is not accepted here',
  lora: 'is not accepted here',
  grammar: 'is not accepted here: use output_config.format with a JSON schema',
  json_schema: 'is not accepted here: use output_config.format with a JSON schema',
  api_base: 'is not accepted here: requests never say where they are sent',
  base_url: 'is not accepted here: requests never say where they are sent',
  extra_headers: 'is not accepted here: requests never say what is sent on',
  container: 'is not accepted here: no engine here runs code',
  mcp_servers: 'is not accepted here: no engine here calls servers of tools by itself',
};

/** @throws AppError `invalid_request` naming the first of the refused fields that `body` has */
export function refuse(body: JsonObject): void {
  for (const [name, problem] of Object.entries(refusedFields)) {
    if (!Object.hasOwn(body, name)) continue;
    const value = body[name];
    const empty = value === null || (Array.isArray(value) && value.length === 0);
    if (!empty) throw invalidField(name, problem);
  }
}
