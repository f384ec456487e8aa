import { asIs, boolean, integer, string, unsupportedField, type Rule } from '../fields.ts';
import type { CompletionQuery } from '../query.ts';
import type { Decoded, Surface } from '../surface.ts';
import { CompletionWriter } from './completion-writer.ts';
import { openAiErrorEvent } from './errors.ts';
import {
  longText,
  model,
  oneChoice,
  readSampling,
  readStop,
  refusedFields,
  samplingFields,
  streamFields,
  tokenCount,
  wantsUsage,
} from './generation.ts';
import { readShape } from './output-shape.ts';
import { Reading, type Form } from './reading.ts';

const onePrompt: Rule = (value, path) => {
  if (typeof value === 'string') return string(longText)(value, path);
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : undefined;
  if (typeof only === 'string') return string(longText)(only, path);
  throw unsupportedField(path, 'must be one text: lists of prompts and token numbers are not served here');
};

const noEcho: Rule = (value, path) => {
  if (boolean(value, path) === true) throw unsupportedField(path, 'must be false: prompts are not repeated here');
  return value;
};

const noSuffix: Rule = (value, path) => {
  if (value === '') return value;
  throw unsupportedField(path, 'is not accepted here: put the text before the gap into prompt');
};

const form: Form = {
  fields: {
    model,
    prompt: onePrompt,
    ...streamFields,
    ...samplingFields,
    max_tokens: tokenCount,
    n: oneChoice,
    best_of: oneChoice,
    echo: noEcho,
    suffix: noSuffix,
    logprobs: integer(0, 20),
    response_format: asIs,
  },
  required: ['model', 'prompt'],
  refused: refusedFields,
};

/** `POST /v1/completions`. */
export const completionSurface: Surface = {
  name: 'completions',
  dialect: 'openai',
  streamType: 'text/event-stream',
  errorEvent: openAiErrorEvent,
  waitingEvent: (sentence) => `: ${sentence}\n\n`,
  decode,
};

function decode(body: Buffer): Decoded {
  const reading = new Reading(body, form);
  reading.need('completion', 'prompt');
  const prompt = reading.field('prompt');
  const logprobs = reading.number('logprobs');
  if (logprobs !== null) reading.need('logprobs', 'logprobs');
  const includeUsage = wantsUsage(reading);
  const query: CompletionQuery = {
    operation: 'completion',
    prompt: typeof prompt === 'string' ? prompt : '',
    shape: readShape(reading.field('response_format'), 'response_format', 'nested', reading),
    sampling: readSampling(reading),
    stop: readStop(reading),
    maxTokens: reading.number('max_tokens'),
    logprobs,
    keepAlive: null,
    usageInStream: includeUsage,
  };
  return {
    surface: completionSurface,
    operation: 'completion',
    model: reading.model,
    stream: reading.flag('stream'),
    query,
    needs: reading.needs,
    ignored: reading.ignored,
    priority: reading.priority,
    extras: {},
    received: reading.received,
    passes: true,
    writer: (facts) => new CompletionWriter(facts, includeUsage),
  };
}
