import { integer, list, oneOf, string, unsupportedField, type Rule } from '../fields.ts';
import type { EmbeddingQuery } from '../query.ts';
import type { Decoded, Surface } from '../surface.ts';
import { EmbeddingWriter } from './embedding-writer.ts';
import { openAiErrorEvent } from './errors.ts';
import { longText, model, refusedFields } from './generation.ts';
import { Reading, type Form } from './reading.ts';

const inputs: Rule = (value, path) => {
  if (typeof value === 'string') return [string(longText)(value, path)];
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  if (typeof first === 'number' || Array.isArray(first)) {
    throw unsupportedField(path, 'must be text: token numbers are not served here');
  }
  return list(string(longText), 1, 2048)(value, path);
};

const form: Form = {
  fields: {
    model,
    input: inputs,
    encoding_format: oneOf('float', 'base64'),
    dimensions: integer(1, 65_536),
  },
  required: ['model', 'input'],
  refused: refusedFields,
};

/** `POST /v1/embeddings`. */
export const embeddingSurface: Surface = {
  name: 'embeddings',
  dialect: 'openai',
  streamType: 'text/event-stream',
  errorEvent: openAiErrorEvent,
  waitingEvent: (sentence) => `: ${sentence}\n\n`,
  decode,
};

function decode(body: Buffer): Decoded {
  const reading = new Reading(body, form);
  reading.need('embedding', 'input');
  const input = reading.field('input');
  const dimensions = reading.number('dimensions');
  const base64 = reading.field('encoding_format') === 'base64';
  const query: EmbeddingQuery = {
    operation: 'embedding',
    inputs: Array.isArray(input) ? input.filter((text) => typeof text === 'string') : [],
    dimensions,
    keepAlive: null,
  };
  return {
    surface: embeddingSurface,
    operation: 'embedding',
    model: reading.model,
    stream: false,
    query,
    needs: reading.needs,
    ignored: reading.ignored,
    priority: reading.priority,
    extras: {},
    received: reading.received,
    // Upstreams are always asked for plain numbers, and not all of them cut their vectors when asked.
    passes: !base64 && dimensions === null,
    writer: (facts) => new EmbeddingWriter(facts, { base64, dimensions }),
  };
}
