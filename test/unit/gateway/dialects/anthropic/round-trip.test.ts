import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../../../electron/agent/gateway/dialects/anthropic/message-reader.ts';
import { MessageWriter } from '../../../../../electron/agent/gateway/dialects/anthropic/message-writer.ts';
import { anthropicUpstream } from '../../../../../electron/agent/gateway/dialects/anthropic/anthropic-upstream-dialect.ts';
import type { Json } from '../../../../../electron/agent/gateway/dialects/json.ts';
import type { Answer, AnswerEvent, ToolCall } from '../../../../../electron/agent/gateway/dialects/query.ts';

const facts = { model: 'm', trace: 'T', createdS: 1 };

const saying = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text.isWellFormed());
const call = fc.tuple(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.dictionary(fc.string(), fc.jsonValue()),
  fc.integer({ min: 1, max: 9 }),
);
const usage = fc.record({
  promptTokens: fc.integer({ min: 200, max: 9999 }),
  completionTokens: fc.nat(9999),
  cachedTokens: fc.nat(100),
  cacheWriteTokens: fc.nat(99),
});

/** Pieces of a text, a thought, or a call with its arguments in pieces. */
const block = fc.oneof(
  fc.array(saying, { minLength: 1 }).map((texts) => ({ kind: 'text' as const, texts })),
  fc.array(saying, { minLength: 1 }).map((texts) => ({ kind: 'reasoning' as const, texts })),
  call.map(([name, input, width]) => ({ kind: 'call' as const, name, pieces: cut(JSON.stringify(input), width) })),
);

function cut(text: string, width: number): string[] {
  const characters = Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += width) pieces.push(characters.slice(at, at + width).join(''));
  return pieces;
}

const answer = fc.record({
  blocks: fc.array(block, { maxLength: 6 }),
  end: fc.constantFrom('stop', 'length', 'filter'),
  stopSequence: fc.option(saying),
  usage,
});

type Made = typeof answer extends fc.Arbitrary<infer Value> ? Value : never;

function eventsOf(made: Made): AnswerEvent[] {
  let calls = 0;
  const content = made.blocks.flatMap((item): AnswerEvent[] => {
    if (item.kind === 'text') return item.texts.map((text) => ({ kind: 'text', text, logprobs: null }));
    if (item.kind === 'reasoning') return item.texts.map((text) => ({ kind: 'reasoning', text }));
    const index = calls;
    calls += 1;
    const begun: AnswerEvent = { kind: 'call', index, id: `call_${index}`, name: item.name };
    return [begun, ...item.pieces.map((text): AnswerEvent => ({ kind: 'arguments', index, text }))];
  });
  const finish = calls > 0 && made.end === 'stop' ? 'tool' : made.end;
  return [
    { kind: 'start', id: 'msg_x', model: 'm', promptTokens: null },
    ...content,
    { kind: 'finish', finish, stopSequence: finish === 'stop' ? made.stopSequence : null },
    { kind: 'usage', usage: made.usage, timings: null },
    { kind: 'end' },
  ];
}

function readBack(bytes: Buffer, lengths: readonly number[]): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = new MessageReader((event) => events.push(event));
  let at = 0;
  for (const length of lengths) {
    const stop = Math.min(bytes.length, at + length);
    reader.push(bytes, at, stop);
    at = stop;
  }
  reader.push(bytes, at, bytes.length);
  reader.end();
  return events;
}

describe('what is written in the Anthropic dialect', () => {
  it('reads back as the same events, cut anywhere', () => {
    fc.assert(
      fc.property(answer, fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 }), (made, lengths) => {
        const events = eventsOf(made);
        const writer = new MessageWriter(facts);
        const bytes = Buffer.from(events.map((event) => writer.write(event)).join(''));
        expect(readBack(bytes, lengths)).toEqual(events);
      }),
      { numRuns: 300 },
    );
  });

  it('has every call whole, however their arguments were mixed', () => {
    const calls = fc.array(call, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(calls, fc.infiniteStream(fc.nat(3)), (made, choices) => {
        const left = made.map(([, input, width]) => cut(JSON.stringify(input), width));
        const events = made.map(([name], index): AnswerEvent => ({ kind: 'call', index, id: `call_${index}`, name }));
        for (const choice of choices) {
          if (left.every((pieces) => pieces.length === 0)) break;
          const index = choice % made.length;
          const text = left[index]?.shift();
          if (text !== undefined) events.push({ kind: 'arguments', index, text });
        }
        const writer = new MessageWriter(facts);
        const ended: AnswerEvent[] = [{ kind: 'finish', finish: 'tool', stopSequence: null }, { kind: 'end' }];
        const bytes = Buffer.from([...events, ...ended].map((event) => writer.write(event)).join(''));
        const read = gathered(readBack(bytes, []));
        expect(read.calls.map((told) => told.argumentsText)).toEqual(made.map(([, input]) => JSON.stringify(input)));
      }),
      { numRuns: 200 },
    );
  });

  it('says the same when it is written whole', () => {
    fc.assert(
      fc.property(answer, (made) => {
        const events = eventsOf(made);
        const whole = gathered(events);
        const body = JSON.parse(JSON.stringify(new MessageWriter(facts).whole(whole))) as Json;
        expect(anthropicUpstream.readWhole('chat', body)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });
});

function gathered(events: readonly AnswerEvent[]): Answer {
  let text = '';
  let reasoning = '';
  const calls: ToolCall[] = [];
  const made: Pick<Answer, 'finish' | 'stopSequence' | 'usage'>[] = [];
  for (const event of events) {
    if (event.kind === 'text') text += event.text;
    else if (event.kind === 'reasoning') reasoning += event.text;
    else if (event.kind === 'call') calls.push({ id: event.id, name: event.name, argumentsText: '' });
    else if (event.kind === 'arguments') {
      const last = calls.at(-1);
      if (last) calls[calls.length - 1] = { ...last, argumentsText: last.argumentsText + event.text };
    } else if (event.kind === 'finish')
      made.push({ finish: event.finish, stopSequence: event.stopSequence, usage: null });
    else if (event.kind === 'usage' && made[0]) made[0] = { ...made[0], usage: event.usage };
  }
  const { finish, stopSequence, usage: told } = made[0] ?? { finish: 'stop', stopSequence: null, usage: null };
  return {
    id: 'msg_x',
    model: 'm',
    text,
    reasoning: reasoning === '' ? null : reasoning,
    calls,
    finish,
    stopSequence,
    logprobs: null,
    usage: told,
    timings: null,
  };
}
