import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { end, finish, readStream, said, start, stream } from './reading.ts';

const stop = { delta: {}, finish_reason: 'stop' };
const content = (text: string): object => ({ delta: { content: text } });
const calls = (...deltas: object[]): object => ({ delta: { tool_calls: deltas } });
const call = (index: number, id: string, name: string): object => ({ kind: 'call', index, id, name });
const args = (index: number, text: string): object => ({ kind: 'arguments', index, text });

describe('OpenAiStreamReader', () => {
  it('reads an ordinary answer', () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 1 },
    };
    const text = stream([{ delta: { role: 'assistant', content: '' } }, content('Hel'), content('lo'), stop], {
      usage,
      timings: { prompt_n: 2, prompt_ms: 4, predicted_n: 2, predicted_ms: 8 },
    });
    expect(readStream([text])).toEqual([
      start,
      said('Hel'),
      said('lo'),
      finish('stop'),
      {
        kind: 'usage',
        usage: { promptTokens: 5, completionTokens: 2, cachedTokens: 3, reasoningTokens: 1 },
        timings: { promptMs: 4, decodeMs: 8, loadMs: null, decodedTokens: 2 },
      },
      end,
    ]);
  });

  it('makes a usage of timings where there is no other', () => {
    const text = stream([content('a'), { ...stop }], { timings: { prompt_n: 4, cache_n: 6, predicted_n: 1 } });
    expect(readStream([text])).toContainEqual({
      kind: 'usage',
      usage: { promptTokens: 10, completionTokens: 1, cachedTokens: 6 },
      timings: { promptMs: null, decodeMs: null, loadMs: null, decodedTokens: 1 },
    });
  });

  it('reads thoughts by either name', () => {
    const text = stream([{ delta: { reasoning_content: 'Hm' } }, { delta: { reasoning: '.' } }, content('Ok'), stop]);
    expect(readStream([text])).toEqual([
      start,
      { kind: 'reasoning', text: 'Hm' },
      { kind: 'reasoning', text: '.' },
      said('Ok'),
      finish('stop'),
      end,
    ]);
  });

  it('reads probabilities', () => {
    const entry = { token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [] };
    const text = stream([{ ...content('a'), logprobs: { content: [entry] } }, stop]);
    expect(readStream([text])[1]).toEqual({ kind: 'text', text: 'a', logprobs: [entry] });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['tool_calls', 'tool'],
    ['function_call', 'tool'],
    ['content_filter', 'filter'],
    ['eos', 'stop'],
  ])('maps finish_reason %s to %s', (reason, mapped) => {
    expect(readStream([stream([content('a'), { delta: {}, finish_reason: reason }])])).toContainEqual(finish(mapped));
  });

  it('takes an empty finish_reason in every piece for none', () => {
    const text = stream([{ ...content('a'), finish_reason: '' }, { ...content('b'), finish_reason: '' }, stop]);
    expect(readStream([text])).toEqual([start, said('a'), said('b'), finish('stop'), end]);
  });

  it('tells the stop sequence where the server does', () => {
    expect(readStream([stream([content('a'), { ...stop, stop_reason: 'END' }])])).toContainEqual({
      kind: 'finish',
      finish: 'stop',
      stopSequence: 'END',
    });
  });

  it('reads parallel calls in pieces', () => {
    const text = stream([
      calls({ index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '' } }),
      calls({ index: 0, function: { arguments: '{"x"' } }),
      calls(
        { index: 0, function: { arguments: ':1}' } },
        { index: 1, id: 'b', function: { name: 'see', arguments: '{' } },
      ),
      calls({ index: 1, function: { arguments: '}' } }),
      { delta: {}, finish_reason: 'tool_calls' },
    ]);
    expect(readStream([text])).toEqual([
      start,
      call(0, 'a', 'look'),
      args(0, '{"x"'),
      args(0, ':1}'),
      call(1, 'b', 'see'),
      args(1, '{'),
      args(1, '}'),
      finish('tool'),
      end,
    ]);
  });

  it('reads calls without index, all of index 0, repeated, of arguments as an object, and with a late name', () => {
    const whole = { id: 'a', function: { name: 'look', arguments: '{}' } };
    const other = { id: 'b', function: { name: 'see', arguments: { y: 2 } } };
    const both = [
      start,
      call(0, 'a', 'look'),
      args(0, '{}'),
      call(1, 'b', 'see'),
      args(1, '{"y":2}'),
      finish('tool'),
      end,
    ];
    expect(readStream([stream([calls(whole), calls(other), stop])])).toEqual(both);
    expect(readStream([stream([calls({ ...whole, index: 0 }), calls({ ...other, index: 0 }), stop])])).toEqual(both);
    const repeated = { index: 0, id: 'a', function: { name: 'look', arguments: '{' } };
    expect(
      readStream([stream([calls(repeated), calls({ ...repeated, function: { name: 'look', arguments: '}' } }), stop])]),
    ).toEqual([start, call(0, 'a', 'look'), args(0, '{'), args(0, '}'), finish('tool'), end]);
    expect(
      readStream([
        stream([
          calls({ index: 0, id: 'a', function: { arguments: '{' } }),
          calls({ index: 0, function: { name: 'look' } }),
          stop,
        ]),
      ]),
    ).toEqual([start, call(0, 'a', 'look'), args(0, '{'), finish('tool'), end]);
  });

  it('makes up ids that are missing, each another one', () => {
    const nameless = (name: string): object => ({ function: { name, arguments: '{}' } });
    const events = readStream([stream([calls(nameless('a'), nameless('b')), stop])]);
    const ids = events.flatMap((event) => (typeof event === 'object' && event.kind === 'call' ? [event.id] : []));
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^call_[0-9a-f]{24}$/);
  });

  it('says that a call never got its name', () => {
    expect(readStream([stream([calls({ index: 0, id: 'a', function: { arguments: '{}' } }), stop])]).at(-1)).toMatch(
      /^error upstream_failed/,
    );
  });

  it('reads text completions', () => {
    const text = stream([
      { text: 'a', logprobs: null, finish_reason: null },
      { text: '', finish_reason: 'length' },
    ]);
    expect(readStream([text], 'completion')).toEqual([start, said('a'), finish('length'), end]);
  });

  it('takes either a reason or the end mark for the end', () => {
    const chunk = (choice: object): string => `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [choice] })}\n\n`;
    expect(readStream([chunk(content('a')), chunk(stop)])).toEqual([start, said('a'), finish('stop'), end]);
    expect(readStream([chunk(content('a')), 'data: [DONE]'])).toEqual([start, said('a'), finish('stop'), end]);
  });

  it('keeps what comes after the reason, and nothing after the end mark', () => {
    expect(readStream([stream([stop, content('late')]), 'data: {"error":"x"}\n\n'])).toEqual([
      start,
      said('late'),
      finish('stop'),
      end,
    ]);
  });

  it.each([
    ['cut after a piece', `data: {"id":"x","model":"m","choices":[{"delta":{"content":"a"}}]}\n\n`],
    [
      'cut inside a piece',
      `data: {"id":"x","model":"m","choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"del`,
    ],
    ['broken JSON', `data: {"id":"x","model":"m","choices":[{"delta":{"content":"a"}}]}\n\ndata: {oops}\n\n`],
    ['a list', `data: {"id":"x","model":"m","choices":[{"delta":{"content":"a"}}]}\n\ndata: []\n\n`],
  ])('B53 a stream %s ends with an error and no end', (_name, text) => {
    const events = readStream([text, '']);
    expect(events.slice(0, 2)).toEqual([start, said('a')]);
    expect(events).toHaveLength(3);
    expect(events[2]).toMatch(/^error upstream_failed: The upstream sent /);
  });

  it.each([
    ['nothing', ''],
    ['HTML', '<!doctype html><html><body>502</body></html>'],
    ['a plain error', '{"error":{"message":"x"}}'],
  ])('B53 %s instead of a stream is an error', (_name, text) => {
    expect(readStream([text])).toEqual([expect.stringMatching(/^error upstream_failed/)]);
  });

  it.each(['{oops}', '[]', '"x"', '{"choices":[{"delta":{"content":"b"}}'])(
    'B53 %s among good events is an error, however well the stream goes on',
    (event) => {
      const events = readStream([stream([content('a')]).replace('[DONE]', event), stream([content('c'), stop])]);
      expect(events).toEqual([start, said('a'), expect.stringMatching(/^error upstream_failed: .*not JSON/)]);
    },
  );

  it('B53 a 10 MB line is an error, and what follows it is not read', () => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    const events = readStream([
      'data: "',
      ...Array.from({ length: 10 }, () => piece),
      '"\n\n',
      stream([content('a'), stop]),
    ]);
    expect(events).toEqual([expect.stringMatching(/^error upstream_failed: .*more than/)]);
  });

  it('B52 a newline and "event:" inside a token stay one piece', () => {
    const token = 'a\n\nevent: error\ndata: [DONE]\n\n';
    expect(readStream([stream([content(token), stop])])).toEqual([start, said(token), finish('stop'), end]);
  });

  it.each([
    ['data: {"error":{"message":"Out of memory.","code":500}}\n\n', 'error upstream_failed: Out of memory.'],
    ['event: error\ndata: {"message":"Out of memory."}\n\n', 'error upstream_failed: Out of memory.'],
    ['data: {"error":"Out of memory."}\n\n', 'error upstream_failed: Out of memory.'],
    ['data: {"error":{"message":"Full.","type":"server_error","code":"too_busy"}}\n\n', 'error too_busy: Full.'],
    ['data: {"error":{"message":"Slow down.","code":429}}\n\n', 'error too_busy: Slow down.'],
    ['data: {"error":{"message":"Slow down.","type":"rate_limit_error"}}\n\n', 'error too_busy: Slow down.'],
    [
      'data: {"error":{"message":"Too long.","type":"exceed_context_size_error","code":400}}\n\n',
      'error context_length_exceeded: Too long.',
    ],
  ])('an error in the stream is told once: %j', (text, told) => {
    expect(readStream([text, 'data: [DONE]\n\n'])).toEqual([told]);
  });

  it('B55 an error that repeats a key is told without it', () => {
    const [told] = readStream([
      'data: {"error":{"message":"Incorrect API key provided: sk-abc123456789. Bearer xyz."}}\n\n',
    ]);
    expect(told).toBe('error upstream_failed: Incorrect API key provided: …. Bearer …');
  });

  it('passes over comments, pings and empty data', () => {
    const text = `: ping\n\ndata:\n\n${stream([content('a'), stop])}`;
    expect(readStream([text])).toEqual([start, said('a'), finish('stop'), end]);
  });

  it('tells the same however the bytes are split (fuzz)', () => {
    const text = stream([
      content('ä😀'),
      calls({ index: 0, id: 'a', function: { name: 'f', arguments: '{"ß":1}' } }),
      { delta: {}, finish_reason: 'tool_calls' },
    ]);
    const bytes = Buffer.from(text.replaceAll('\n', '\r\n'));
    const whole = readStream([bytes]);
    expect(whole).toHaveLength(6);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (points) => {
        const cuts = [...points, 0, bytes.length].sort((a, b) => a - b);
        expect(readStream(cuts.slice(1).map((point, index) => bytes.subarray(cuts[index] ?? 0, point)))).toEqual(whole);
      }),
    );
  });

  it('never throws, and ends every stream with one end or one error (fuzz)', () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant('x'));
    const chunk = fc.record({
      choices: fc.oneof(
        value,
        fc.array(
          fc.record({ delta: fc.oneof(value, fc.record({ content: value, tool_calls: value })), finish_reason: value }),
        ),
      ),
      usage: value,
      timings: value,
    });
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            chunk.map((body) => JSON.stringify(body)),
            fc.string(),
          ),
        ),
        fc.boolean(),
        (lines, done) => {
          const text = lines.map((line) => `data: ${line}\n\n`).join('') + (done ? 'data: [DONE]\n\n' : '');
          const events = readStream([text]);
          const endings = events.filter((event) => typeof event === 'string' || event.kind === 'end');
          expect(endings).toHaveLength(1);
          expect(events.at(-1)).toBe(endings[0]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
