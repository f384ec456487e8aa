import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../electron/agent/base/errors.ts';
import { anthropicUpstream } from '../../../../../electron/agent/gateway/dialects/anthropic/anthropic-upstream-dialect.ts';
import type { AnswerEvent } from '../../../../../electron/agent/gateway/dialects/query.ts';

/** The events that a reader tells of bytes that come in pieces of these lengths. */
function read(text: string, lengths: readonly number[] = [], end = true): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = anthropicUpstream.reader('chat', (event) => events.push(event));
  const bytes = Buffer.from(text);
  let at = 0;
  for (const length of lengths) {
    const stop = Math.min(bytes.length, at + length);
    reader.push(bytes, at, stop);
    at = stop;
  }
  reader.push(bytes, at, bytes.length);
  if (end) reader.end();
  return events;
}

const event = (type: string, rest: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;

const usage = { input_tokens: 3, cache_creation_input_tokens: 2, cache_read_input_tokens: 5, output_tokens: 1 };
const begin = event('message_start', { message: { id: 'msg_1', model: 'claude', usage } });
const textBlock =
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hé' } }) +
  event('content_block_stop', { index: 0 });
const closing =
  event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 9 } }) +
  event('message_stop');

const started = { kind: 'start', id: 'msg_1', model: 'claude', promptTokens: 10 };
const said = { kind: 'text', text: 'Hé', logprobs: null };
const ended = [
  { kind: 'finish', finish: 'stop', stopSequence: null },
  {
    kind: 'usage',
    usage: { promptTokens: 10, completionTokens: 9, cachedTokens: 5, cacheWriteTokens: 2 },
    timings: null,
  },
  { kind: 'end' },
];

function errorIn(events: readonly AnswerEvent[]): AppError | undefined {
  const last = events.at(-1);
  return last?.kind === 'error' ? last.error : undefined;
}

describe('the stream of an upstream of the Anthropic dialect', () => {
  it('is read, pings between and counts of both places put together', () => {
    const ping = event('ping');
    expect(read(ping + begin + ping + textBlock + ping + closing)).toEqual([started, said, ...ended]);
  });

  it('is the same wherever it is cut into pieces', () => {
    const text = begin + textBlock + closing;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 })), (lengths) => {
        expect(read(text, lengths)).toEqual([started, said, ...ended]);
      }),
    );
  });

  it('has thinking and calls; a call without arguments gets an empty object', () => {
    const events = read(
      begin +
        event('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }) +
        event('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }) +
        event('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'x' } }) +
        event('content_block_stop', { index: 0 }) +
        event('content_block_start', { index: 1, content_block: { type: 'tool_use', id: 'a', name: 'f', input: {} } }) +
        event('content_block_delta', { index: 1, delta: { type: 'input_json_delta', partial_json: '' } }) +
        event('content_block_delta', { index: 1, delta: { type: 'input_json_delta', partial_json: '{"x":' } }) +
        event('content_block_delta', { index: 1, delta: { type: 'input_json_delta', partial_json: '1}' } }) +
        event('content_block_stop', { index: 1 }) +
        event('content_block_start', { index: 2, content_block: { type: 'server_tool_use', id: 's', name: 'web' } }) +
        event('content_block_delta', { index: 2, delta: { type: 'input_json_delta', partial_json: '{"q":1}' } }) +
        event('content_block_stop', { index: 2 }) +
        event('content_block_start', { index: 3, content_block: { type: 'tool_use', id: 'b', name: 'g', input: {} } }) +
        event('content_block_stop', { index: 3 }) +
        event('content_block_start', {
          index: 4,
          content_block: { type: 'tool_use', id: 'c', name: 'h', input: { y: 2 } },
        }) +
        event('content_block_stop', { index: 4 }) +
        event('message_delta', { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 4 } }) +
        event('message_stop'),
    );
    expect(events.slice(1, -2)).toEqual([
      { kind: 'reasoning', text: 'hm' },
      { kind: 'call', index: 0, id: 'a', name: 'f' },
      { kind: 'arguments', index: 0, text: '{"x":' },
      { kind: 'arguments', index: 0, text: '1}' },
      { kind: 'call', index: 1, id: 'b', name: 'g' },
      { kind: 'arguments', index: 1, text: '{}' },
      { kind: 'call', index: 2, id: 'c', name: 'h' },
      { kind: 'arguments', index: 2, text: '{"y":2}' },
      { kind: 'finish', finish: 'tool', stopSequence: null },
    ]);
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool'],
    ['refusal', 'filter'],
  ])('stop_reason %s is %s', (reason, finish) => {
    const events = read(begin + event('message_delta', { delta: { stop_reason: reason, stop_sequence: 'S' } }));
    expect(events[1]).toEqual({ kind: 'finish', finish, stopSequence: 'S' });
  });

  it('F31 says of a count that it came before the end, where none came with it', () => {
    const uncounted = event('message_delta', { delta: { stop_reason: 'end_turn' } }) + event('message_stop');
    expect(read(begin + textBlock + uncounted).at(-2)).toMatchObject({ kind: 'usage', isPartial: true });
    const empty = event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 3 } });
    expect(read(begin + textBlock + empty + event('message_stop')).at(-2)).toMatchObject({ isPartial: true });
    expect(read(begin + textBlock + closing).at(-2)).not.toHaveProperty('isPartial');
  });

  it('may count the prompt only at the end, or not at all', () => {
    const late = event('message_start', {
      message: { id: 'm', model: 'x', usage: { input_tokens: 0, output_tokens: 0 } },
    });
    const end = event('message_delta', {
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: 6, output_tokens: 2 },
    });
    const events = read(late + end + event('message_stop'));
    expect(events[0]).toMatchObject({ promptTokens: null });
    expect(events.at(-2)).toMatchObject({ usage: { promptTokens: 6, completionTokens: 2, cachedTokens: null } });
    const none = read(event('message_start', { message: {} }) + event('message_stop'));
    expect(none.map((told) => told.kind)).toEqual(['start', 'finish', 'end']);
  });

  it.each([
    ['before its first event', ''],
    ['in the middle', begin + textBlock],
    ['before message_stop', begin + textBlock + event('message_delta', { delta: { stop_reason: 'end_turn' } })],
    ['inside an event', begin + 'event: content_block_delta\ndata: {"type":"conte'],
  ])('is an error when it is cut %s', (_where, text) => {
    const events = read(text);
    expect(errorIn(events)?.code).toBe('upstream_failed');
    expect(events.filter((told) => told.kind === 'error' || told.kind === 'end')).toHaveLength(1);
  });

  it('tells nothing after its end', () => {
    expect(read(begin + textBlock + closing + textBlock + event('error', { error: {} }))).toEqual([
      started,
      said,
      ...ended,
    ]);
  });

  it.each([
    ['overloaded_error', 'Overloaded', 'too_busy', 'Overloaded'],
    ['rate_limit_error', 'Slow down', 'too_busy', 'Slow down'],
    ['timeout_error', 'Late', 'upstream_silent', 'Late'],
    ['api_error', 'Oops', 'upstream_failed', 'Oops'],
    ['invalid_request_error', 'prompt is too long: 5 tokens > 4 maximum', 'context_length_exceeded', 'prompt is too'],
  ])('F30 an error of %s in the stream', (type, message, code, told) => {
    const error = errorIn(read(begin + event('error', { error: { type, message } }) + closing));
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(told);
  });

  it('B55 an error about our key is not repeated', () => {
    const message = 'invalid x-api-key sk-ant-secret';
    const error = errorIn(read(event('error', { error: { type: 'authentication_error', message } })));
    expect(error?.message).not.toContain('sk-ant');
  });

  it('B53 is an error when it is HTML, no JSON or a line without end', () => {
    expect(errorIn(read('<html>\n<body>Bad gateway</body>\n'))?.code).toBe('upstream_failed');
    expect(errorIn(read('data: {"type": nonsense}\n\n'))?.code).toBe('upstream_failed');
    expect(errorIn(read(`data: ${'x'.repeat(10_000_000)}\n\n`))?.code).toBe('upstream_failed');
  });

  it('never fails on what it reads, and ends once', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(begin, textBlock, closing, '\n', 'data: ', 'event: error\n', ': hi\n\n'),
        fc.string(),
        fc
          .record({
            type: fc.constantFrom(
              'message_start',
              'content_block_start',
              'content_block_delta',
              'message_delta',
              'error',
            ),
            message: fc.jsonValue(),
            index: fc.jsonValue(),
            delta: fc.jsonValue(),
            content_block: fc.jsonValue(),
            usage: fc.jsonValue(),
            error: fc.jsonValue(),
          })
          .map((value) => `data: ${JSON.stringify(value)}\n\n`),
      ),
    );
    fc.assert(
      fc.property(pieces, (texts) => {
        const events = read(texts.join(''));
        const last = events.filter((told) => told.kind === 'error' || told.kind === 'end');
        expect(last).toEqual(events.slice(-1));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a whole answer of an upstream of the Anthropic dialect', () => {
  it('is read', () => {
    expect(
      anthropicUpstream.readWhole('chat', {
        id: 'msg_1',
        type: 'message',
        model: 'claude',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
          { type: 'tool_use', id: 't', name: 'f', input: { x: 1 } },
        ],
        stop_reason: 'tool_use',
        stop_sequence: null,
        usage,
      }),
    ).toEqual({
      id: 'msg_1',
      model: 'claude',
      text: 'ab',
      reasoning: 'hm',
      calls: [{ id: 't', name: 'f', argumentsText: '{"x":1}' }],
      finish: 'tool',
      stopSequence: null,
      logprobs: null,
      usage: { promptTokens: 10, completionTokens: 1, cachedTokens: 5, cacheWriteTokens: 2 },
      timings: null,
    });
  });

  it.each([[null], ['x'], [{}], [{ content: 'x' }], [{ type: 'error', error: { type: 'api_error', message: 'no' } }]])(
    'is refused when it is something else: %j',
    (body) => {
      expect(() => anthropicUpstream.readWhole('chat', body)).toThrow(AppError);
    },
  );
});
