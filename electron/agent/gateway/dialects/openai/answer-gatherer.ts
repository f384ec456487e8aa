import { AppError } from '../../../base/errors.ts';
import { EventStreamParser } from '../event-stream.ts';
import { isList, isObject, parseJson, type Json, type JsonObject } from '../json.ts';
import type { AnswerEvent } from '../query.ts';
import type { AnswerGatherer } from '../surface.ts';
import { CallReader } from './call-reader.ts';
import { contentText } from './stream-reader.ts';
import { notOfThisDialect } from './upstream-error.ts';

/** Characters of events that one answer may have: far more than any has, and no more than memory has room for. */
const mostCharacters = 128 * 1024 * 1024;
/** Of these the last one holds; of the rest that an answer tells of itself every piece repeats the first. */
const toldLast: ReadonlySet<string> = new Set(['usage', 'timings']);
/** Fields of a piece that the body has in another form or not at all. */
const onlyInPieces: ReadonlySet<string> = new Set(['object', 'choices', 'prompt_progress']);
const onlyInChoices: ReadonlySet<string> = new Set(['index', 'delta', 'text', 'logprobs', 'finish_reason']);

interface GatheredCall {
  readonly id: string;
  readonly name: string;
  argumentsText: string;
}

/** Puts chunks of a chat or a text completion together into the `chat.completion` or `text_completion` they are of. */
export class OpenAiAnswerGatherer implements AnswerGatherer {
  readonly #operation: 'chat' | 'completion';
  readonly #failure: (error: Json) => AppError;
  readonly #parser: EventStreamParser;
  readonly #callReader = new CallReader((event) => this.#called(event));
  readonly #calls: GatheredCall[] = [];
  /** Maps, for the upstream chooses the names. */
  readonly #envelope = new Map<string, Json>();
  readonly #choice = new Map<string, Json>();
  readonly #logprobs = new Map<string, Json[]>();
  readonly #text: string[] = [];
  readonly #reasoning: string[] = [];
  readonly #refusal: string[] = [];
  #finish: string | null = null;
  #closed = false;
  #characters = 0;
  #pieces = 0;
  #error: AppError | null = null;

  constructor(operation: 'chat' | 'completion', failure: (error: Json) => AppError) {
    this.#operation = operation;
    this.#failure = failure;
    this.#parser = new EventStreamParser({
      event: (data, name) => {
        if (this.#error === null && !this.#closed) this.#event(data, name);
      },
      broken: (error) => this.#fail(error),
    });
  }

  get pieces(): number {
    return this.#pieces;
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#parser.push(bytes, start, end);
    if (this.#error !== null) throw this.#error;
  }

  end(): Json {
    this.#parser.end();
    if (this.#error !== null) throw this.#error;
    if (this.#finish === null && !this.#closed) throw notOfThisDialect('a stream that ended in the middle');
    if (!this.#callReader.complete) throw notOfThisDialect('a tool call without a name');
    const isChat = this.#operation === 'chat';
    const content = isChat ? { message: this.#message() } : { text: this.#text.join(''), logprobs: null };
    const logprobs = this.#logprobs.size === 0 ? {} : { logprobs: Object.fromEntries(this.#logprobs) };
    const finish = this.#finish ?? (this.#calls.length > 0 ? 'tool_calls' : 'stop');
    const others = Object.fromEntries(this.#choice);
    return {
      ...Object.fromEntries(this.#envelope),
      object: isChat ? 'chat.completion' : 'text_completion',
      choices: [{ ...others, index: 0, ...content, ...logprobs, finish_reason: finish }],
    };
  }

  #event(data: string, name: string): void {
    if (data === '') return;
    if (data.startsWith('[DONE]')) {
      this.#closed = true;
      return;
    }
    this.#characters += data.length;
    const chunk = parseJson(data);
    if (!isObject(chunk)) {
      this.#fail(notOfThisDialect('an event that is not JSON'));
      return;
    }
    const error = chunk['error'] ?? null;
    if (error !== null || name === 'error') this.#fail(this.#failure(error ?? chunk));
    else if (this.#characters > mostCharacters) {
      this.#fail(new AppError('upstream_failed', 'The answer of the engine is too long to be passed on.'));
    } else this.#chunk(chunk);
  }

  #chunk(chunk: JsonObject): void {
    for (const [name, value] of Object.entries(chunk)) {
      if (value === null || onlyInPieces.has(name)) continue;
      if (toldLast.has(name) || !this.#envelope.has(name)) this.#envelope.set(name, value);
    }
    const { choices } = chunk;
    const choice = isList(choices) ? choices[0] : undefined;
    if (!isObject(choice)) return;
    for (const [name, value] of Object.entries(choice)) {
      if (value !== null && !onlyInChoices.has(name)) this.#choice.set(name, value);
    }
    const { finish_reason: finish, delta, logprobs, text } = choice;
    if (typeof finish === 'string' && finish !== '') this.#finish = finish;
    if (isObject(logprobs)) this.#addLogprobs(logprobs);
    if (this.#operation === 'completion') this.#keep(this.#text, text);
    else if (isObject(delta)) this.#delta(delta);
  }

  #delta(delta: JsonObject): void {
    this.#keep(this.#reasoning, delta['reasoning_content'] ?? delta['reasoning']);
    this.#keep(this.#text, delta['content']);
    this.#keep(this.#refusal, delta['refusal']);
    this.#callReader.read(delta['tool_calls']);
  }

  #keep(texts: string[], value: Json | undefined): void {
    const text = contentText(value);
    if (text === '') return;
    texts.push(text);
    this.#pieces += 1;
  }

  #called(event: AnswerEvent): void {
    this.#pieces += 1;
    if (event.kind === 'call') this.#calls[event.index] = { id: event.id, name: event.name, argumentsText: '' };
    if (event.kind !== 'arguments') return;
    const call = this.#calls[event.index];
    if (call) call.argumentsText += event.text;
  }

  /** Lists side by side, one entry for each token, be it in the newer form or the older. */
  #addLogprobs(logprobs: JsonObject): void {
    for (const [name, entries] of Object.entries(logprobs)) {
      if (!isList(entries)) continue;
      const kept = this.#logprobs.get(name) ?? [];
      for (const entry of entries) kept.push(entry);
      this.#logprobs.set(name, kept);
    }
  }

  #message(): JsonObject {
    const calls = this.#calls.map(({ id, name, argumentsText }) => {
      return { id, type: 'function', function: { name, arguments: argumentsText } };
    });
    return {
      role: 'assistant',
      content: this.#text.join(''),
      ...(this.#refusal.length === 0 ? {} : { refusal: this.#refusal.join('') }),
      ...(this.#reasoning.length === 0 ? {} : { reasoning_content: this.#reasoning.join('') }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  }

  #fail(error: AppError): void {
    this.#error ??= error;
  }
}
