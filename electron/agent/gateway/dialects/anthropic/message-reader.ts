import { AppError } from '../../../base/errors.ts';
import { EventStreamParser } from '../event-stream.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { AnswerSink, StreamReader } from '../surface.ts';
import { finishOf } from './wire.ts';
import { toldFailure } from './upstream-failure.ts';
import { addTold, nothingTold, promptTokensOf, usageOf } from './upstream-usage.ts';

/** A call whose arguments come, by the number of its block. */
interface OpenCall {
  readonly index: number;
  /** Given whole at the beginning by some servers. */
  readonly input: Json;
  told: boolean;
}

const early = { isPartial: true } as const;

/** Reads the event stream of `POST /v1/messages`. It must end with `message_stop`: anything else is a broken answer. */
export class MessageReader implements StreamReader {
  readonly #sink: AnswerSink;
  readonly #parser: EventStreamParser;
  readonly #calls = new Map<number, OpenCall>();
  #callCount = 0;
  #started = false;
  #finished = false;
  #over = false;
  #usage = nothingTold;
  /** The answer was counted at its end. */
  #counted = false;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
    this.#parser = new EventStreamParser({
      event: (data, name) => this.#event(data, name),
      broken: (error) => this.#fail(error),
    });
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#parser.push(bytes, start, end);
  }

  end(): void {
    this.#parser.end();
    this.#fail(new AppError('upstream_failed', 'The upstream broke its answer off. Send the request again.'));
  }

  #event(data: string, name: string): void {
    // A ping's data is nobody's business.
    if (this.#over || name === 'ping') return;
    const event = parsed(data);
    if (event === null) {
      this.#fail(
        new AppError('upstream_failed', 'The upstream sent an event that is not JSON. Send the request again.'),
      );
      return;
    }
    switch (textOrNull(event['type']) ?? '') {
      case 'message_start':
        this.#start(isObject(event['message']) ? event['message'] : {});
        return;
      case 'content_block_start':
        this.#blockStart(blockNumber(event), event['content_block']);
        return;
      case 'content_block_delta':
        this.#delta(blockNumber(event), event['delta']);
        return;
      case 'content_block_stop':
        this.#blockStop(blockNumber(event));
        return;
      case 'message_delta':
        this.#messageDelta(event);
        return;
      case 'message_stop':
        this.#stop();
        return;
      case 'error':
        this.#fail(toldFailure(event['error']));
        return;
      default:
        // Pings without a name, and events that are yet to be invented.
        return;
    }
  }

  #start(message: JsonObject): void {
    if (this.#started) return;
    this.#started = true;
    this.#usage = addTold(this.#usage, message['usage']);
    const promptTokens = promptTokensOf(this.#usage);
    this.#sink({
      kind: 'start',
      id: textOrNull(message['id']),
      model: textOrNull(message['model']),
      // Servers that count later say 0 here.
      promptTokens: promptTokens === 0 ? null : promptTokens,
    });
  }

  #blockStart(number: number, block: Json | undefined): void {
    if (!isObject(block)) return;
    this.#start({});
    switch (textOrNull(block['type']) ?? '') {
      case 'text':
        this.#tell('text', block['text']);
        return;
      case 'thinking':
        this.#tell('reasoning', block['thinking']);
        return;
      case 'tool_use': {
        const call: OpenCall = { index: this.#callCount, input: block['input'] ?? {}, told: false };
        this.#callCount += 1;
        this.#calls.set(number, call);
        const id = textOrNull(block['id']) ?? `toolu_${call.index}`;
        this.#sink({ kind: 'call', index: call.index, id, name: textOrNull(block['name']) ?? '' });
        return;
      }
      default:
        // Blocks of the provider's own tools: no other dialect has a word for them.
        return;
    }
  }

  #delta(number: number, delta: Json | undefined): void {
    if (!isObject(delta)) return;
    this.#start({});
    switch (textOrNull(delta['type']) ?? '') {
      case 'text_delta':
        this.#tell('text', delta['text']);
        return;
      case 'thinking_delta':
        this.#tell('reasoning', delta['thinking']);
        return;
      case 'input_json_delta':
        this.#tellArguments(number, delta['partial_json']);
        return;
      default:
        return;
    }
  }

  #tell(kind: 'text' | 'reasoning', text: Json | undefined): void {
    if (typeof text !== 'string' || text === '') return;
    if (kind === 'text') this.#sink({ kind, text, logprobs: null });
    else this.#sink({ kind, text });
  }

  #tellArguments(number: number, text: Json | undefined): void {
    const call = this.#calls.get(number);
    if (!call || typeof text !== 'string' || text === '') return;
    call.told = true;
    this.#sink({ kind: 'arguments', index: call.index, text });
  }

  /** A call without arguments has none in its deltas; other dialects want to see an empty object. */
  #blockStop(number: number): void {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    if (call && !call.told) this.#sink({ kind: 'arguments', index: call.index, text: JSON.stringify(call.input) });
  }

  #messageDelta(event: JsonObject): void {
    this.#start({});
    this.#usage = addTold(this.#usage, event['usage']);
    this.#counted ||= addTold(nothingTold, event['usage']).output !== null;
    const { delta } = event;
    const reason = isObject(delta) ? textOrNull(delta['stop_reason']) : null;
    if (reason === null || !isObject(delta)) return;
    this.#finish(reason, textOrNull(delta['stop_sequence']));
  }

  #finish(reason: string, stopSequence: string | null): void {
    if (this.#finished) return;
    this.#finished = true;
    for (const number of [...this.#calls.keys()]) this.#blockStop(number);
    this.#sink({ kind: 'finish', finish: finishOf(reason), stopSequence });
  }

  #stop(): void {
    this.#start({});
    this.#finish(this.#callCount > 0 ? 'tool_use' : 'end_turn', null);
    this.#over = true;
    const usage = usageOf(this.#usage);
    if (usage) this.#sink({ kind: 'usage', usage, timings: null, ...(this.#counted ? {} : early) });
    this.#sink({ kind: 'end' });
  }

  #fail(error: AppError): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink({ kind: 'error', error });
  }
}

function parsed(data: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function blockNumber(event: JsonObject): number {
  const { index } = event;
  return typeof index === 'number' ? index : -1;
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
