import { traitsOf, type AppError } from '../../../base/errors.ts';
import type { LoadedModel } from '../protocol.ts';
import type { AnswerPart } from './answer-reader.ts';
import type { Outcome, Timings } from './generator.ts';

export interface AnswerHead {
  /** Such as chatcmpl-… */
  readonly id: string;
  readonly model: string;
  /** Seconds since the epoch. */
  readonly createdS: number;
}

interface UsageBody {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

function usageOf(outcome: Outcome): UsageBody {
  return {
    prompt_tokens: outcome.promptTokens,
    completion_tokens: outcome.completionTokens,
    total_tokens: outcome.promptTokens + outcome.completionTokens,
    prompt_tokens_details: { cached_tokens: outcome.timings.cache_n },
  };
}

function rounded(timings: Timings): Timings & { prompt_per_second: number; predicted_per_second: number } {
  const perSecond = (count: number, ms: number): number => (ms > 0 ? Math.round((count * 1e5) / ms) / 100 : 0);
  return {
    ...timings,
    prompt_ms: Math.round(timings.prompt_ms * 1e3) / 1e3,
    predicted_ms: Math.round(timings.predicted_ms * 1e3) / 1e3,
    prompt_per_second: perSecond(timings.prompt_n, timings.prompt_ms),
    predicted_per_second: perSecond(timings.predicted_n, timings.predicted_ms),
  };
}

const event = (body: string): string => `data: ${body}\n\n`;

/** The events of one streamed answer, in OpenAI's shape. */
export interface StreamShape {
  /** Goes before the first text; empty where the dialect has no such event. */
  readonly opening: string;
  part(part: AnswerPart): string;
  /** The last events: finish reason with timings, usage if it was asked for, and the end mark. */
  closing(outcome: Outcome, calls: number, includeUsage: boolean): string;
}

/** Chat completions. The constant parts of an event are built once: one event goes out for every token. */
export function chatStream({ id, model, createdS }: AnswerHead): StreamShape {
  const head = `{"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${createdS},"model":${JSON.stringify(model)}`;
  const choice = `${head},"choices":[{"index":0,"delta":`;
  const open = ',"logprobs":null,"finish_reason":null}]}';
  return {
    opening: event(`${choice}{"role":"assistant","content":""}${open}`),
    part: (part) => event(`${choice}${deltaOf(part)}${open}`),
    closing: (outcome, calls, includeUsage) =>
      closing(
        `${choice}{},"logprobs":null,"finish_reason":"${finishReason(outcome, calls)}"}]`,
        head,
        outcome,
        includeUsage,
      ),
  };
}

/** Text completions. */
export function textStream({ id, model, createdS }: AnswerHead): StreamShape {
  const head = `{"id":${JSON.stringify(id)},"object":"text_completion","created":${createdS},"model":${JSON.stringify(model)}`;
  const choice = `${head},"choices":[{"index":0,"text":`;
  return {
    opening: '',
    part: (part) =>
      part.kind === 'text'
        ? event(`${choice}${JSON.stringify(part.text)},"logprobs":null,"finish_reason":null}]}`)
        : '',
    closing: (outcome, _, includeUsage) =>
      closing(
        `${choice}"","logprobs":null,"finish_reason":"${finishReason(outcome, 0)}"}]`,
        head,
        outcome,
        includeUsage,
      ),
  };
}

function deltaOf(part: AnswerPart): string {
  switch (part.kind) {
    case 'text':
      return `{"content":${JSON.stringify(part.text)}}`;
    case 'reasoning':
      return `{"reasoning_content":${JSON.stringify(part.text)}}`;
    case 'call': {
      const { index, id, name } = part;
      return JSON.stringify({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] });
    }
    case 'arguments':
      return JSON.stringify({ tool_calls: [{ index: part.index, function: { arguments: part.text } }] });
  }
}

function finishReason(outcome: Outcome, calls: number): 'length' | 'tool_calls' | 'stop' {
  if (outcome.finish === 'length') return 'length';
  return calls > 0 ? 'tool_calls' : 'stop';
}

/** The message that the parts of an answer make. */
function messageOf(parts: readonly AnswerPart[]): object {
  let [content, reasoning] = ['', ''];
  const calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  for (const part of parts) {
    if (part.kind === 'text') content += part.text;
    else if (part.kind === 'reasoning') reasoning += part.text;
    else if (part.kind === 'call') {
      calls.push({ id: part.id, type: 'function', function: { name: part.name, arguments: '' } });
    } else {
      const call = calls[part.index];
      if (call) call.function.arguments += part.text;
    }
  }
  return {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    refusal: null,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function closing(last: string, head: string, outcome: Outcome, includeUsage: boolean): string {
  const finish = event(`${last},"timings":${JSON.stringify(rounded(outcome.timings))}}`);
  const usage = includeUsage ? event(`${head},"choices":[],"usage":${JSON.stringify(usageOf(outcome))}}`) : '';
  return `${finish}${usage}${event('[DONE]')}`;
}

/** The whole chat answer. */
export function chatBody(
  { id, model, createdS }: AnswerHead,
  parts: readonly AnswerPart[],
  calls: number,
  outcome: Outcome,
): object {
  return {
    id,
    object: 'chat.completion',
    created: createdS,
    model,
    choices: [
      {
        index: 0,
        message: messageOf(parts),
        logprobs: null,
        finish_reason: finishReason(outcome, calls),
      },
    ],
    usage: usageOf(outcome),
    timings: rounded(outcome.timings),
  };
}

/** The whole text completion. */
export function completionBody({ id, model, createdS }: AnswerHead, text: string, outcome: Outcome): object {
  return {
    id,
    object: 'text_completion',
    created: createdS,
    model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: finishReason(outcome, 0) }],
    usage: usageOf(outcome),
    timings: rounded(outcome.timings),
  };
}

/** Vectors as lists of numbers, or as base64 of little-endian 32-bit floats. */
export function embeddingBody(
  model: string,
  vectors: readonly (readonly number[])[],
  promptTokens: number,
  base64: boolean,
): object {
  return {
    object: 'list',
    model,
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: base64 ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector,
    })),
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}

/** `GET /v1/models`. */
export function modelsBody(model: LoadedModel, createdS: number): object {
  return {
    object: 'list',
    data: [
      {
        id: model.id,
        object: 'model',
        created: createdS,
        owned_by: 'ranch-hand',
        meta: { n_ctx_train: model.trainedContextLength, n_ctx: model.contextLength },
      },
    ],
  };
}

/** The body of an error, in OpenAI's shape. */
export function errorBody(error: AppError): object {
  const client = traitsOf(error.code).httpStatus < 500;
  return {
    error: {
      message: error.message,
      type: client ? 'invalid_request_error' : 'server_error',
      param: error.context['param'] ?? null,
      code: error.code,
      ...(error.code === 'context_length_exceeded' && error.context),
    },
  };
}
