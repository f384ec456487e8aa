import { speechFormats } from '../../../contract/cloud.ts';
import { invalidField, number, oneOf, string, type Rule } from '../dialects/fields.ts';
import { isObject } from '../dialects/json.ts';
import { Reading, type Form } from '../dialects/openai/reading.ts';

/** A request for speech in OpenAI's form, read and checked. */
export interface SpeechQuery {
  /** As the caller wrote it; empty where it wrote none. */
  readonly model: string;
  readonly input: string;
  /** What the price is reckoned by: whole characters, an emoji as one. */
  readonly characters: number;
  /** Null where none was named. */
  readonly voice: string | { readonly id: string } | null;
  readonly instructions: string | null;
  /** Null where none was named. */
  readonly format: string | null;
  readonly speed: number | null;
  readonly streamFormat: 'audio' | 'sse' | null;
  /** Fields that were accepted and dropped. */
  readonly ignored: readonly string[];
}

/** Of the input and of the instructions, as at OpenAI. */
const mostCharacters = 4_096;
const longestName = 500;
const longestVoice = 100;

/** A voice by its name, or one of the caller's own by its id. */
const voice: Rule = (value, path) => {
  const id = isObject(value) ? value['id'] : value;
  if (typeof id === 'string' && id !== '' && id.length <= longestVoice) return isObject(value) ? { id } : id;
  throw invalidField(path, `must name a voice in at most ${longestVoice} characters`);
};

const text: Rule = (value, path) => {
  if (typeof value !== 'string') throw invalidField(path, 'must be a text');
  const count = charactersOf(value);
  if (count > mostCharacters) {
    const most = mostCharacters.toLocaleString('en-US');
    throw invalidField(
      path,
      `has ${count.toLocaleString('en-US')} characters, and ${most} are the most. Send less at once`,
    );
  }
  return value;
};

const form: Form = {
  fields: {
    model: string(longestName),
    input: text,
    voice,
    instructions: text,
    response_format: oneOf(...speechFormats),
    speed: number(0.25, 4),
    stream_format: oneOf('audio', 'sse'),
  },
  required: ['input'],
  refused: {},
};

/** @throws AppError `invalid_request`, naming the field in `param` of its context */
export function readSpeechQuery(body: Buffer): SpeechQuery {
  const reading = new Reading(body, form);
  const input = textOf(reading, 'input') ?? '';
  if (input.trim() === '') throw invalidField('input', 'must have something to say');
  const streamFormat = textOf(reading, 'stream_format');
  return {
    model: textOf(reading, 'model') ?? '',
    input,
    characters: charactersOf(input),
    voice: voiceOf(reading),
    instructions: textOf(reading, 'instructions'),
    format: textOf(reading, 'response_format'),
    speed: reading.number('speed'),
    streamFormat: streamFormat === 'audio' || streamFormat === 'sse' ? streamFormat : null,
    ignored: reading.ignored,
  };
}

function textOf(reading: Reading, name: string): string | null {
  const value = reading.field(name);
  return typeof value === 'string' ? value : null;
}

function voiceOf(reading: Reading): SpeechQuery['voice'] {
  const value = reading.field('voice');
  if (typeof value === 'string') return value;
  const id = isObject(value) ? value['id'] : null;
  return typeof id === 'string' ? { id } : null;
}

/** Halves of pairs are no characters of their own. */
function charactersOf(value: string): number {
  let count = 0;
  for (let at = 0; at < value.length; at += 1) {
    const unit = value.charCodeAt(at);
    if (unit < 0xdc00 || unit > 0xdfff) count += 1;
  }
  return count;
}
