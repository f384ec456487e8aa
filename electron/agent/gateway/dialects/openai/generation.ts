import {
  boolean,
  integer,
  invalidField,
  list,
  number,
  object,
  string,
  unsupportedField,
  type Rule,
} from '../fields.ts';
import { isList, isObject } from '../json.ts';
import type { Sampling } from '../query.ts';
import type { Reading } from './reading.ts';

/** Fields that chats, completions and responses have in common: how tokens are chosen and when the answer ends. */

export const longText = 32 * 1024 * 1024;
export const shortText = 512;
const tokenLimit = 10_000_000;

export const tokenCount = integer(1, tokenLimit);
export const model = string(shortText);

const stop: Rule = (value, path) => {
  if (typeof value === 'string') return [string(1024)(value, path)];
  return list(string(1024), 0, 16)(value, path);
};

const logitBias: Rule = (value, path) => {
  if (!isObject(value)) throw invalidField(path, 'must be an object');
  const entries = Object.entries(value);
  if (entries.length > 1024) throw invalidField(path, 'has more than 1024 entries');
  return Object.fromEntries(
    entries.map(([token, bias]) => {
      if (!/^\d{1,9}$/.test(token)) throw invalidField(path, 'must have token numbers as its keys');
      return [token, number(-100, 100)(bias, `${path}.${token}`)];
    }),
  );
};

/** One choice is what every engine gives; asking for more would be answered with one by some of them. */
export const oneChoice: Rule = (value, path) => {
  const count = integer(1, 128)(value, path);
  if (count !== 1) throw unsupportedField(path, 'must be 1: engines here give one choice');
  return count;
};

export const samplingFields: Readonly<Record<string, Rule>> = {
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: integer(0, 100_000),
  min_p: number(0, 1),
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  repeat_penalty: number(0.01, 100),
  logit_bias: logitBias,
  stop,
};

export const streamFields: Readonly<Record<string, Rule>> = {
  stream: boolean,
  stream_options: object({ include_usage: boolean }),
};

/** Neutral names beside those of the field that carries them. */
export const samplingNames = [
  ['temperature', 'temperature'],
  ['topP', 'top_p'],
  ['topK', 'top_k'],
  ['minP', 'min_p'],
  ['seed', 'seed'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['repeatPenalty', 'repeat_penalty'],
] as const satisfies readonly (readonly [keyof Sampling, string])[];

export function readSampling(reading: Reading): Sampling {
  const sampling: Record<string, number | Record<string, number>> = {};
  for (const [name, field] of samplingNames) {
    const value = reading.number(field);
    if (value !== null) sampling[name] = value;
  }
  const bias = reading.field('logit_bias');
  if (isObject(bias)) {
    sampling['logitBias'] = Object.fromEntries(
      Object.entries(bias).flatMap(([token, added]) => (typeof added === 'number' ? [[token, added]] : [])),
    );
  }
  return sampling;
}

/** An empty text ends nothing. */
export function readStop(reading: Reading): string[] {
  const value = reading.field('stop');
  if (!isList(value)) return [];
  return value.filter((text) => typeof text === 'string').filter((text) => text !== '');
}

export function wantsUsage(reading: Reading): boolean {
  const options = reading.field('stream_options');
  return isObject(options) && options['include_usage'] === true;
}

/** Fields that attack an engine, or would send a request or its answer elsewhere. */
export const refusedFields: Readonly<Record<string, string>> = {
  n_discard: 'is not accepted here',
  n_keep: 'is not accepted here',
  chat_parser: 'is not accepted here',
  chat_format: 'is not accepted here',
  id_slot: 'is not accepted here',
  slot_id: 'is not accepted here',
  lora: 'is not accepted here',
  grammar: 'is not accepted here: use response_format with a JSON schema',
  json_schema: 'is not accepted here: use response_format with a JSON schema',
  api_base: 'is not accepted here: requests never say where they are sent',
  base_url: 'is not accepted here: requests never say where they are sent',
  extra_headers: 'is not accepted here: requests never say what is sent on',
};
