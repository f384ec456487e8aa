import type { AppError } from '../../../base/errors.ts';
import { EventStreamParser } from '../event-stream.ts';
import { isList, isObject, parseJson, type Json, type JsonObject } from '../json.ts';
import type { AnswerFinish } from '../query.ts';
import type { AnswerSink, StreamReader } from '../surface.ts';
import { CallReader } from './call-reader.ts';
import { readFinish, readTimings, readUsage } from './figures.ts';
import { readTextLogprobs } from './text-logprobs.ts';
import { notOfThisDialect, upstreamError } from './upstream-error.ts';

/**
 * Reads a stream of chat or completion chunks. What ends the answer is told only when the stream ends, for some servers
 * send pieces, usage or timings after the reason.
 */
export class OpenAiStreamReader implements StreamReader {
  readonly #operation: 'chat' | 'completion';
  readonly #sink: AnswerSink;
  readonly #parser: EventStreamParser;
  readonly #calls: CallReader;
  #begun = false;
  #over = false;
  #finish: AnswerFinish | null = null;
  #stopSequence: string | null = null;
  #usage: Json | undefined;
  #timings: Json | undefined;

  constructor(operation: 'chat' | 'completion', sink: AnswerSink) {
    this.#operation = operation;
    this.#sink = sink;
    this.#calls = new CallReader(sink);
    this.#parser = new EventStreamParser({
      event: (data, name) => {
        if (!this.#over) this.#event(data, name);
      },
      broken: (error) => this.#fail(error),
    });
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (!this.#over) this.#parser.push(bytes, start, end);
  }

  end(): void {
    if (!this.#over) this.#parser.end();
    if (!this.#over) this.#close(this.#finish);
  }

  #event(data: string, name: string): void {
    if (data === '') return;
    if (data.startsWith('[DONE]')) {
      this.#close(this.#finish ?? 'stop');
      return;
    }
    const chunk = parseJson(data);
    if (!isObject(chunk)) {
      this.#fail(notOfThisDialect('an event that is not JSON'));
      return;
    }
    const error = chunk['error'] ?? null;
    if (error !== null || name === 'error') {
      this.#fail(upstreamError(error ?? chunk));
      return;
    }
    this.#chunk(chunk);
  }

  #chunk(chunk: JsonObject): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#sink({ kind: 'start', id: textOrNull(chunk['id']), model: textOrNull(chunk['model']), promptTokens: null });
    }
    const { choices, usage, timings } = chunk;
    if (isObject(usage)) this.#usage = usage;
    if (isObject(timings)) this.#timings = timings;
    const choice = isList(choices) ? choices[0] : undefined;
    if (!isObject(choice)) return;
    if (this.#operation === 'chat') this.#delta(choice);
    else this.#text(choice['text'], readTextLogprobs(choice['logprobs']));
    this.#finish = readFinish(choice['finish_reason']) ?? this.#finish;
    this.#stopSequence = textOrNull(choice['stop_reason']) ?? this.#stopSequence;
  }

  #delta(choice: JsonObject): void {
    const { delta, logprobs } = choice;
    if (!isObject(delta)) return;
    const reasoning = delta['reasoning_content'] ?? delta['reasoning'];
    if (typeof reasoning === 'string' && reasoning !== '') this.#sink({ kind: 'reasoning', text: reasoning });
    this.#text(delta['content'], isObject(logprobs) && isList(logprobs['content']) ? logprobs['content'] : null);
    this.#text(delta['refusal'], null);
    this.#calls.read(delta['tool_calls']);
  }

  #text(content: Json | undefined, logprobs: Json | null): void {
    const text = contentText(content);
    if (text !== '') this.#sink({ kind: 'text', text, logprobs });
  }

  /** `finish` is null where neither a reason nor the end mark came: the stream was cut. */
  #close(finish: AnswerFinish | null): void {
    if (finish === null) {
      this.#fail(notOfThisDialect('a stream that ended in the middle'));
      return;
    }
    if (!this.#calls.complete) {
      this.#fail(notOfThisDialect('a tool call without a name'));
      return;
    }
    this.#over = true;
    const calledTools = finish === 'stop' && this.#calls.any;
    this.#sink({ kind: 'finish', finish: calledTools ? 'tool' : finish, stopSequence: this.#stopSequence });
    const usage = readUsage(this.#usage, this.#timings);
    if (usage !== null) this.#sink({ kind: 'usage', usage, timings: readTimings(this.#timings) });
    this.#sink({ kind: 'end' });
  }

  #fail(error: AppError): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink({ kind: 'error', error });
  }
}

/** Text, or the texts among parts, as some servers have them. */
export function contentText(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (!isList(content)) return '';
  return content.map((part) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('');
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
