import { randomUUID } from 'node:crypto';
import { AppError, toAppError } from '../../../base/errors.ts';
import { sayable } from '../../sayable.ts';
import type { Usage } from '../../../inference/usage.ts';
import type { Answer, AnswerEvent, AnswerFinish, EmbeddingAnswer, EngineTimings, ToolCall } from '../query.ts';
import type { AnswerSink, StreamReader } from '../surface.ts';
import { isList, isObject, type Json, type JsonObject } from '../json.ts';
import { TextLines } from '../lines.ts';

const perMillisecond = 1_000_000;
/** Reads Ollama's lines as events. An error is a line among them, under status 200; an answer that is whole says `done`. */
export class OllamaStreamReader implements StreamReader {
  readonly #sink: AnswerSink;
  readonly #lines: TextLines;
  #state: 'new' | 'open' | 'over' = 'new';
  #calls = 0;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
    this.#lines = new TextLines({
      line: (text) => this.#line(text),
      broken: (error) => this.#fail(error),
    });
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (this.#state !== 'over') this.#lines.push(bytes, start, end);
  }

  end(): void {
    if (this.#state !== 'over') this.#lines.end();
    // The line that was left may have been the last one.
    this.#fail(failed('The upstream ended its answer before it was complete. Send the request again.'));
  }

  #line(text: string): void {
    if (this.#state === 'over') return;
    const line = objectIn(text);
    const problem = line === null ? notOllama() : reportedIn(line);
    if (line === null || problem !== null) {
      this.#fail(problem ?? notOllama());
      return;
    }
    if (this.#state === 'new') {
      this.#state = 'open';
      this.#tell({ kind: 'start', id: null, model: textOf(line['model']), promptTokens: null });
    }
    try {
      this.#tellPieces(line);
    } catch (thrown) {
      this.#fail(toAppError(thrown));
    }
    if (line['done'] === true) this.#tellEnd(line);
  }

  #tellPieces(line: JsonObject): void {
    const { text, reasoning, calls } = piecesOf(line);
    if (reasoning !== '') this.#tell({ kind: 'reasoning', text: reasoning });
    const logprobs = logprobsOf(line);
    if (text !== '' || logprobs !== null) this.#tell({ kind: 'text', text, logprobs });
    for (const { id, name, argumentsText } of calls) {
      const index = this.#calls;
      this.#calls += 1;
      this.#tell({ kind: 'call', index, id, name });
      this.#tell({ kind: 'arguments', index, text: argumentsText });
    }
  }

  #tellEnd(line: JsonObject): void {
    if (this.#state === 'over') return;
    this.#tell({ kind: 'finish', finish: finishOf(line, this.#calls > 0), stopSequence: null });
    const usage = usageOf(line);
    const timings = timingsOf(line);
    if (usage) this.#tell({ kind: 'usage', usage, timings });
    this.#state = 'over';
    this.#sink({ kind: 'end' });
  }

  #tell(event: AnswerEvent): void {
    if (this.#state !== 'over') this.#sink(event);
  }

  #fail(error: AppError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#sink({ kind: 'error', error });
  }
}

/** @throws AppError `upstream_failed` */
export function readAnswer(body: Json): Answer {
  const whole = checked(body);
  const { text, reasoning, calls } = piecesOf(whole);
  if (whole['done'] !== true) throw failed('The upstream sent an answer that is not complete. Send the request again.');
  return {
    id: null,
    model: textOf(whole['model']),
    text,
    reasoning: reasoning === '' ? null : reasoning,
    calls,
    finish: finishOf(whole, calls.length > 0),
    stopSequence: null,
    logprobs: logprobsOf(whole),
    usage: usageOf(whole),
    timings: timingsOf(whole),
  };
}

/** @throws AppError `upstream_failed` */
export function readEmbeddingAnswer(body: Json): EmbeddingAnswer {
  const whole = checked(body);
  const vectors = Array.isArray(whole['embeddings']) ? whole['embeddings'].map(vectorOf) : null;
  if (vectors === null) throw notOllama();
  return { model: textOf(whole['model']), vectors, promptTokens: numberOf(whole['prompt_eval_count']) };
}

function vectorOf(value: Json): number[] {
  if (!Array.isArray(value)) throw notOllama();
  return value.map((number: Json) => {
    if (typeof number !== 'number') throw notOllama();
    return number;
  });
}

function checked(body: Json): JsonObject {
  if (!isObject(body)) throw notOllama();
  const problem = reportedIn(body);
  if (problem) throw problem;
  return body;
}

/** The text, thinking and calls of a line of chat or of generate. */
function piecesOf(line: JsonObject): { text: string; reasoning: string; calls: ToolCall[] } {
  const { message } = line;
  const from = isObject(message) ? message : line;
  const calls = Array.isArray(from['tool_calls']) ? from['tool_calls'] : [];
  return {
    text: textOf(from[isObject(message) ? 'content' : 'response']) ?? '',
    reasoning: textOf(from['thinking']) ?? '',
    calls: calls.flatMap((call: Json) => callOf(call)),
  };
}

function callOf(call: Json): ToolCall[] {
  const called = isObject(call) ? call['function'] : null;
  if (!isObject(call) || !isObject(called)) return [];
  const id = textOf(call['id']) ?? '';
  return [
    {
      // Earlier versions give none, and callers of other dialects tell calls apart by it.
      id: id === '' ? `call_${randomUUID().slice(0, 8)}` : id,
      name: textOf(called['name']) ?? '',
      argumentsText: argumentsIn(called['arguments']),
    },
  ];
}

function argumentsIn(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value ?? {});
  } catch {
    // Nested so deep that writing it overflows the stack.
    throw notOllama();
  }
}

function finishOf(line: JsonObject, calls: boolean): AnswerFinish {
  if (line['done_reason'] === 'length') return 'length';
  if (line['done_reason'] === 'content_filter') return 'filter';
  return calls ? 'tool' : 'stop';
}

/** `prompt_eval_count` is left out there when all of the prompt came from the cache. */
function usageOf(line: JsonObject): Usage | null {
  const prompt = numberOf(line['prompt_eval_count']);
  const completion = numberOf(line['eval_count']);
  if (prompt === null && completion === null) return null;
  return { promptTokens: prompt ?? 0, completionTokens: completion ?? 0, cachedTokens: null };
}

function timingsOf(line: JsonObject): EngineTimings | null {
  const promptMs = millisecondsOf(line['prompt_eval_duration']);
  const decodeMs = millisecondsOf(line['eval_duration']);
  const loadMs = millisecondsOf(line['load_duration']);
  if (promptMs === null && decodeMs === null && loadMs === null) return null;
  return { promptMs, decodeMs, loadMs, decodedTokens: decodeMs === null ? null : numberOf(line['eval_count']) };
}

function logprobsOf(line: JsonObject): Json | null {
  const { logprobs } = line;
  if (!isList(logprobs) || logprobs.length === 0) return null;
  return logprobs.map((entry) => {
    if (!isObject(entry)) return entry;
    const { bytes, top_logprobs: others } = entry;
    // Empty fields are left out there, and clients of OpenAI's dialect refuse an entry that lacks one.
    return { ...entry, bytes: bytes ?? null, top_logprobs: isList(others) ? others.map(withBytes) : [] };
  });
}

function withBytes(entry: Json): Json {
  return isObject(entry) ? { ...entry, bytes: entry['bytes'] ?? null } : entry;
}

function millisecondsOf(value: Json | undefined): number | null {
  const nanoseconds = numberOf(value);
  return nanoseconds === null ? null : nanoseconds / perMillisecond;
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function objectIn(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** What the upstream itself says went wrong; null where it says nothing of the kind. */
function reportedIn(line: JsonObject): AppError | null {
  const { error } = line;
  const said = isObject(error) ? error['message'] : error;
  if (said === undefined || said === null || said === '') return null;
  const sentence = typeof said === 'string' ? sayable(said) : 'an error without a sentence';
  return failed(`The upstream reported: ${sentence}`);
}

function notOllama(): AppError {
  return failed('The upstream sent something that is not an answer of Ollama. Check its address and dialect.');
}

function failed(sentence: string): AppError {
  return new AppError('upstream_failed', sentence);
}
