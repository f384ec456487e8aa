import { isList, isObject, type Json, type JsonObject } from '../json.ts';
import type { Answer, EmbeddingAnswer, ToolCall } from '../query.ts';
import { argumentsText, madeUpCallId } from './call-reader.ts';
import { readFinish, readTimings, readUsage } from './figures.ts';
import { contentText } from './stream-reader.ts';
import { readTextLogprobs } from './text-logprobs.ts';
import { notOfThisDialect, upstreamError } from './upstream-error.ts';

/** @throws AppError `upstream_failed` when the body is no answer of this dialect */
export function readWholeAnswer(operation: 'chat' | 'completion', body: Json): Answer {
  const { answer, choice } = opened(body);
  const message = isObject(choice['message']) ? choice['message'] : null;
  if (operation === 'chat' && message === null) throw notOfThisDialect('an answer without a message');
  const { logprobs } = choice;
  const calls = message === null ? [] : readCalls(message['tool_calls']);
  const finish = readFinish(choice['finish_reason']) ?? 'stop';
  const reasoning = message?.['reasoning_content'] ?? message?.['reasoning'];
  return {
    id: textOrNull(answer['id']),
    model: textOrNull(answer['model']),
    text:
      message === null
        ? contentText(choice['text'])
        : contentText(message['content']) + contentText(message['refusal']),
    reasoning: textOrNull(reasoning),
    calls,
    finish: finish === 'stop' && calls.length > 0 ? 'tool' : finish,
    stopSequence: textOrNull(choice['stop_reason']),
    logprobs: readTextLogprobs(logprobs),
    usage: readUsage(answer['usage'], answer['timings']),
    timings: readTimings(answer['timings']),
  };
}

/** @throws AppError `upstream_failed` when the body has no vectors */
export function readEmbeddingAnswer(body: Json): EmbeddingAnswer {
  const answer = checked(body);
  const { data } = answer;
  if (!isList(data) || data.length === 0) throw notOfThisDialect('an answer without embeddings');
  const vectors: (readonly number[])[] = [];
  data.forEach((item, position) => {
    if (!isObject(item)) throw notOfThisDialect('an embedding that is none');
    const { index, embedding } = item;
    vectors[typeof index === 'number' ? index : position] = readVector(embedding);
  });
  // An index beyond the list leaves holes, and a list with holes answers other texts than were asked.
  if (vectors.length !== data.length || Object.keys(vectors).length !== data.length) {
    throw notOfThisDialect('embeddings with a wrong index');
  }
  const usage = readUsage(answer['usage'], undefined);
  const { promptTokens = null, billedUsd = null } = usage ?? {};
  return { model: textOrNull(answer['model']), vectors, promptTokens, ...(billedUsd === null ? {} : { billedUsd }) };
}

function readVector(embedding: Json | undefined): readonly number[] {
  if (typeof embedding === 'string') return fromBase64(embedding);
  if (!isList(embedding)) throw notOfThisDialect('an embedding that is no list of numbers');
  const vector = embedding.filter((value) => typeof value === 'number');
  if (vector.length !== embedding.length) throw notOfThisDialect('an embedding that is no list of numbers');
  return vector;
}

function fromBase64(text: string): readonly number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_none, index) => bytes.readFloatLE(index * 4));
}

function checked(body: Json): JsonObject {
  if (!isObject(body)) throw notOfThisDialect('an answer that is no JSON object');
  const error = body['error'] ?? null;
  if (error !== null) throw upstreamError(error);
  return body;
}

function opened(body: Json): { answer: JsonObject; choice: JsonObject } {
  const answer = checked(body);
  const { choices } = answer;
  const choice = isList(choices) ? choices[0] : undefined;
  if (!isObject(choice)) throw notOfThisDialect('an answer without choices');
  return { answer, choice };
}

function readCalls(value: Json | undefined): ToolCall[] {
  if (!isList(value)) return [];
  return value.flatMap((call) => {
    const called = isObject(call) ? call['function'] : null;
    if (!isObject(call) || !isObject(called) || typeof called['name'] !== 'string') {
      throw notOfThisDialect('a tool call without a name');
    }
    return [
      {
        id: textOrNull(call['id']) ?? madeUpCallId(),
        name: called['name'],
        argumentsText: argumentsText(called['arguments']),
      },
    ];
  });
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
