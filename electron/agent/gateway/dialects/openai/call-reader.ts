import { randomUUID } from 'node:crypto';
import { isList, isObject, type Json, type JsonObject } from '../json.ts';
import type { AnswerSink } from '../surface.ts';

interface OpenCall {
  /** As the upstream counts; null where it does not. */
  readonly upstreamIndex: number | null;
  readonly id: string;
  readonly index: number;
  /** Null until the name has come: nobody is told of a call without one. */
  name: string | null;
  /** Arguments that came before the name. */
  early: string;
}

/**
 * Puts the pieces of streamed tool calls together. Servers differ: some leave out the index or the id, count every call
 * as number 0, repeat id and name in each piece, or send the arguments as an object.
 */
export class CallReader {
  readonly #sink: AnswerSink;
  readonly #calls: OpenCall[] = [];

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  get any(): boolean {
    return this.#calls.length > 0;
  }

  /** `tool_calls` of a delta. */
  read(deltas: Json | undefined): void {
    if (!isList(deltas)) return;
    for (const delta of deltas) if (isObject(delta)) this.#read(delta);
  }

  /** True unless a call never got its name. */
  get complete(): boolean {
    return this.#calls.every(({ name }) => name !== null);
  }

  #read(delta: JsonObject): void {
    const called = isObject(delta['function']) ? delta['function'] : {};
    const name = nonEmpty(called['name']);
    const call = this.#open(delta, name);
    if (call.name === null && name !== null) {
      call.name = name;
      this.#sink({ kind: 'call', index: call.index, id: call.id, name });
      if (call.early !== '') this.#sink({ kind: 'arguments', index: call.index, text: call.early });
    }
    const text = argumentsText(called['arguments']);
    if (text === '') return;
    if (call.name === null) call.early += text;
    else this.#sink({ kind: 'arguments', index: call.index, text });
  }

  /** The call that a piece belongs to; a new one where it is of none so far. */
  #open(delta: JsonObject, name: string | null): OpenCall {
    const index = typeof delta['index'] === 'number' ? delta['index'] : null;
    const id = nonEmpty(delta['id']);
    const last = this.#calls.findLast((call) => index === null || call.upstreamIndex === index);
    const continues = last !== undefined && (id === null ? index !== null || name === null : id === last.id);
    if (continues) return last;
    const call: OpenCall = {
      upstreamIndex: index,
      id: id ?? madeUpCallId(),
      index: this.#calls.length,
      name: null,
      early: '',
    };
    this.#calls.push(call);
    return call;
  }
}

/** An id for a call that came without one; callers send it back with the result, so it must be the only one in a chat. */
export function madeUpCallId(): string {
  return `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
}

export function argumentsText(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return isObject(value) ? JSON.stringify(value) : '';
}

function nonEmpty(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
