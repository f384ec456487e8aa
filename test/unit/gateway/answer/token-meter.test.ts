import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { DecodeSpeed } from '../../../../electron/agent/gateway/decode-speed.ts';
import { TokenMeter } from '../../../../electron/agent/gateway/answer/token-meter.ts';
import type { Dialect } from '../../../../electron/agent/inference/request.ts';
import type { AnswerFigures } from '../../../../electron/agent/inference/usage.ts';

function token(text: string): string {
  return `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;
}

const role = 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n';
const stop = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n';
const usage =
  'data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":8}}}\n\n';
const done = 'data: [DONE]\n\n';

function measure(pieces: readonly string[], stream = true, dialect: Dialect = 'openai'): AnswerFigures {
  const clock = new ManualClock();
  const meter = new TokenMeter({ dialect, stream, arrivedMs: clock.monotonic() }, { clock, speed: null });
  for (const piece of pieces) {
    clock.advance(100);
    const padded = Buffer.from(`<<${piece}>>`);
    meter.scan(padded, 2, padded.length - 2);
  }
  return meter.end();
}

describe('TokenMeter', () => {
  it('counts tokens, times the first one, and reads the last usage', () => {
    expect(measure([role, token('a'), token('b'), token('c'), stop, usage, done])).toEqual({
      usage: { promptTokens: 12, completionTokens: 3, cachedTokens: 8 },
      ttftMs: 200,
      durationMs: 700,
      tokens: 3,
      tokensPerSecond: 10,
      prefillTokensPerSecond: null,
      finish: 'stop',
    });
  });

  it('gives no speed for tokens that came all at once out of a buffer', () => {
    const clock = new ManualClock();
    const meter = new TokenMeter(
      { dialect: 'openai', stream: true, arrivedMs: clock.monotonic() },
      { clock, speed: null },
    );
    for (const text of ['a', 'b', 'c']) {
      const bytes = Buffer.from(token(text));
      meter.scan(bytes, 0, bytes.length);
      clock.advance(1);
    }
    expect(meter.end()).toMatchObject({ tokens: 3, tokensPerSecond: null });
  });

  it('counts by events when no usage is told', () => {
    expect(measure([token('a'), token('b'), stop, done])).toMatchObject({ usage: null, tokens: 2, ttftMs: 100 });
  });

  it('takes text completions, reasoning, tool arguments and spaced JSON for tokens', () => {
    const pieces = [
      'data: {"choices":[{"text":"a"}]}\n\n',
      'data: {"choices":[{"delta":{"reasoning_content":"a"}}]}\n\n',
      'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}\n\n',
      'data: {"choices": [{"delta": {"content": "a"}}]}\n\n',
    ];
    expect(measure(pieces).tokens).toBe(4);
  });

  it('is not deceived by text that looks like keys', () => {
    const tricky = '"content":"x" "usage":{"prompt_tokens":99} \n\ndata: {"text":"y"}';
    expect(measure([token(tricky), stop])).toMatchObject({ usage: null, tokens: 1 });
  });

  it('F31 does not take a count from the beginning for that of an answer that was cut', () => {
    const begun =
      'data: {"type":"message_start","message":{"usage":{"input_tokens":9,"cache_read_input_tokens":3,"output_tokens":1}}}\n\n';
    const delta = (text: string): string =>
      `data: ${JSON.stringify({ type: 'content_block_delta', delta: { type: 'text_delta', text } })}\n\n`;
    const cut = measure([begun, delta('one'), delta('two and more'), delta('x')], true, 'anthropic');
    expect(cut).toMatchObject({ usage: { promptTokens: 12, completionTokens: 1 }, tokens: 3 });
    // The shortest of them counts as one byte.
    expect(cut.answerBytes).toBe('one'.length + 'two and more'.length + 'x'.length);
    const end = 'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}\n\n';
    const whole = measure([begun, delta('one'), delta('two'), delta('x'), end], true, 'anthropic');
    expect(whole).toMatchObject({ usage: { completionTokens: 2 }, tokens: 2 });
    expect(whole).not.toHaveProperty('answerBytes');
  });

  it.each([
    ['none', '{"type":"message_delta","delta":{"stop_reason":"end_turn"}}'],
    ['null', '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":null}'],
    ['an empty one', '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}'],
    ['no answer', '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":9}}'],
    ['an answer of nothing', '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":0}}'],
  ])('F31 does not take a count from the beginning for that of a whole answer: %s at its end', (_what, end) => {
    const begun = 'data: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}\n\n';
    const delta = (text: string): string =>
      `data: ${JSON.stringify({ type: 'content_block_delta', delta: { type: 'text_delta', text } })}\n\n`;
    const whole = measure([begun, delta('one'), delta('more text'), delta('x'), `data: ${end}\n\n`], true, 'anthropic');
    expect(whole).toMatchObject({ usage: { promptTokens: 9 }, tokens: 3, isPartial: true, finish: 'stop' });
    expect(whole.answerBytes).toBe('onemore textx'.length);
  });

  it('keeps the count of the prompt where the end fills its place with nothing', () => {
    const begun = 'data: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}\n\n';
    const end =
      'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":5}}\n\n';
    const whole = measure([begun, end], true, 'anthropic');
    expect(whole).toMatchObject({ usage: { promptTokens: 9, completionTokens: 5 } });
    expect(whole).not.toHaveProperty('isPartial');
  });

  it('F31 tells how much text there was of a whole answer whose count never came: pieces may be long', () => {
    const long = measure([token('a'), token('b'.repeat(300)), stop, done]);
    expect(long).toMatchObject({ usage: null, tokens: 2 });
    expect(long.answerBytes).toBe(301);
  });

  it.each([
    ['no count', {}, null],
    ['a count that leaves it out', { usage: { prompt_tokens: 9, completion_tokens: 0 } }, true],
  ])('F31 tells how much text there was of an answer that came at once with %s', (_what, fields, isPartial) => {
    const answer = { choices: [{ message: { content: 'Hello there' }, finish_reason: 'stop' }], ...fields };
    const figures = measure([JSON.stringify(answer)], false);
    expect(figures).toMatchObject({ tokens: 0, answerBytes: 11, finish: 'stop' });
    expect(figures.isPartial ?? null).toBe(isPartial);
  });

  it('F31 believes a count of nothing where nothing was written, and any other', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 0 };
    const bodies = [
      { choices: [{ message: { content: '' } }], usage },
      { choices: [{ message: { content: 'Hello' } }], usage: { ...usage, completion_tokens: 1 } },
      { object: 'list', data: [{ object: 'embedding', embedding: [1, 2] }], usage: { prompt_tokens: 9 } },
    ];
    for (const body of bodies) {
      const figures = measure([JSON.stringify(body)], false);
      expect(figures).toMatchObject({ usage: { promptTokens: 9 } });
      expect(figures).not.toHaveProperty('isPartial');
      expect(figures).not.toHaveProperty('answerBytes');
    }
  });

  it('reads what was written into a cache, and thinking that is billed beside the answer', () => {
    const written =
      'data: {"usage":{"input_tokens":9,"output_tokens":2,"cache_creation_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}},"delta":{"stop_reason":"end_turn"}}\n\n';
    expect(measure([written], true, 'anthropic').usage).toEqual({
      promptTokens: 16,
      completionTokens: 2,
      cachedTokens: null,
      cacheWriteTokens: 7,
      hourCacheWriteTokens: 4,
    });
    const beside =
      'data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":50,"completion_tokens_details":{"reasoning_tokens":37}}}\n\n';
    expect(measure([token('a'), stop, beside, done]).usage).toEqual({
      promptTokens: 10,
      completionTokens: 40,
      cachedTokens: null,
      reasoningTokens: 37,
    });
  });

  it.each([
    ['its own bill, of which the host’s is a part', { cost: 0.002, is_byok: false }, 0.001_5, 0.002],
    ['a fee beside the host’s bill', { cost: 0.000_1, is_byok: true }, 0.002, 0.002_1],
    ['no fee at all beside it', { cost: 0, is_byok: true }, 0.002, 0.002],
    ['what must be a fee, for the host’s bill is higher', { cost: 0.95 }, 19, 19.95],
    ['no bill of a host', { cost: 0.002, is_byok: false }, null, 0.002],
  ])('reads the sum that the provider names: %s', (_name, named, host, sum) => {
    const told = { prompt_tokens: 9, completion_tokens: 2, ...named, cost_details: { upstream_inference_cost: host } };
    const counted = { promptTokens: 9, completionTokens: 2, cachedTokens: null, billedUsd: sum };
    expect(
      measure([token('a'), stop, `data: ${JSON.stringify({ choices: [], usage: told })}\n\n`, done]).usage,
    ).toEqual(counted);
    expect(measure([JSON.stringify({ choices: [{ message: { content: 'a' } }], usage: told })], false).usage).toEqual(
      counted,
    );
  });

  it.each([
    ['us', true],
    ['eu', true],
    ['global', undefined],
    ['not_available', undefined],
    ['', undefined],
    [null, undefined],
  ])('reads whether an answer was made in one region: %j', (region, inRegion) => {
    const usage = { input_tokens: 9, output_tokens: 1, inference_geo: region };
    const begun = `data: ${JSON.stringify({ type: 'message_start', message: { usage } })}\n\n`;
    const end =
      'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":9,"output_tokens":5}}\n\n';
    expect(measure([begun, end], true, 'anthropic').usage?.inRegion).toBe(inRegion);
    expect(measure([JSON.stringify({ content: [], usage })], false, 'anthropic').usage?.inRegion).toBe(inRegion);
  });

  it.each([{ total_cost: 1 }, -1, '0.1', null])('reads no sum from %j', (cost) => {
    const told = { choices: [], usage: { prompt_tokens: 9, completion_tokens: 2, cost } };
    expect(measure([`data: ${JSON.stringify(told)}\n\n`]).usage).not.toHaveProperty('billedUsd');
  });

  it("reads llama.cpp's timings where there is no usage", () => {
    const timings = 'data: {"choices":[],"timings":{"cache_n":5,"prompt_n":7,"predicted_n":2,"predicted_ms":50.5}}\n\n';
    expect(measure([token('a'), token('b'), timings]).usage).toEqual({
      promptTokens: 12,
      completionTokens: 2,
      cachedTokens: 5,
    });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['tool_calls', 'tool'],
    ['content_filter', null],
  ])('tells why an answer ended: %s', (reason, finish) => {
    const last = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"${reason}"}]}\n\n`;
    expect(measure([role, token('a "finish_reason":"stop" b'), last, usage, done]).finish).toBe(finish);
    const lead = `{"choices":[{"finish_reason":"${reason}","message":{"content":"${'x'.repeat(20_000)}"}}]}`;
    expect(measure([lead.slice(0, 30), lead.slice(30)], false).finish).toBe(finish);
    const tail = `{"choices":[{"message":{"content":"${'x'.repeat(20_000)}"},"finish_reason":"${reason}"}]}`;
    expect(measure([tail], false).finish).toBe(finish);
  });

  it('reads the speed of reading the prompt where the engine tells it, and not from a few tokens', () => {
    const timings = (tokens: number): string =>
      `data: {"choices":[],"timings":{"prompt_n":${tokens},"prompt_ms":200,"predicted_n":2,"predicted_ms":50}}\n\n`;
    expect(measure([token('a'), token('b'), timings(80), done]).prefillTokensPerSecond).toBe(400);
    expect(measure([token('a'), token('b'), timings(3), done]).prefillTokensPerSecond).toBeNull();
  });

  describe("the engine's own clock", () => {
    const timed =
      'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null,"timings":{"prompt_n":12,"predicted_n":3,"predicted_ms":50}}\n\n';

    it.each([
      ['before the usage', [timed, usage]],
      ['after the usage', [usage, timed]],
      ['without a usage', [timed]],
    ])('goes before the clock of arrivals, told %s', (_name, last) => {
      const figures = measure([token('a'), token('b'), token('c'), ...last, done]);
      expect(figures).toMatchObject({ tokens: 3, tokensPerSecond: 40, usage: { promptTokens: 12 } });
    });

    it.each([
      ['no time', '{"predicted_n":3,"predicted_ms":0}'],
      ['one token', '{"predicted_n":1,"predicted_ms":0.001}'],
      ['no tokens', '{"predicted_ms":50}'],
    ])('is left alone where it tells of %s', (_name, timings) => {
      const event = `data: {"choices":[],"timings":${timings}}\n\n`;
      expect(measure([token('a'), token('b'), event, done]).tokensPerSecond).toBe(10);
    });

    it('does not change the rolling figure', () => {
      const clock = new ManualClock();
      const speed = new DecodeSpeed();
      const meter = new TokenMeter({ dialect: 'openai', stream: true, arrivedMs: clock.monotonic() }, { clock, speed });
      for (const piece of [token('a'), token('b'), token('c'), timed]) {
        const bytes = Buffer.from(piece);
        meter.scan(bytes, 0, bytes.length);
        clock.advance(100);
      }
      expect(meter.end().tokensPerSecond).toBe(40);
      expect(speed.rate(clock.monotonic())).toBeCloseTo(5, 5);
    });
  });

  it('gives the same figures wherever the stream is cut', () => {
    const text = [role, token('a "b" \\'), token('\u00e9\n'), stop, usage, done].join('');
    const whole = measure([text]);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 10 }), (cuts) => {
        const ends = [...new Set([...cuts, text.length])].sort((a, b) => a - b).filter((cut) => cut > 0);
        const pieces = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
        const { tokens, usage: told } = measure(pieces);
        expect({ tokens, told }).toEqual({ tokens: whole.tokens, told: whole.usage });
      }),
    );
  });

  it('forgets a line without end instead of growing', () => {
    const endless = Array.from({ length: 40 }, () => 'x'.repeat(10_000));
    expect(measure([...endless, '\n', token('a')]).tokens).toBe(1);
  });

  it('reads the usage at the end of a plain answer, however long and however cut', () => {
    const answer = JSON.stringify({
      choices: [{ message: { content: 'word '.repeat(20_000) } }],
      usage: { prompt_tokens: 4, completion_tokens: 5 },
      timings: { predicted_ms: 100, predicted_n: 5, prompt_n: 4 },
    });
    for (const size of [1, 7, 1000, 9000, answer.length]) {
      const pieces = Array.from({ length: Math.ceil(answer.length / size) }, (_, at) =>
        answer.slice(at * size, (at + 1) * size),
      );
      expect(measure(pieces, false)).toMatchObject({
        usage: { promptTokens: 4, completionTokens: 5 },
        tokens: 5,
        tokensPerSecond: 40,
        ttftMs: null,
      });
    }
  });
});

describe('TokenMeter, usage before the text of a plain answer', () => {
  const told = { prompt_tokens: 9_000, completion_tokens: 12_000, prompt_tokens_details: { cached_tokens: 8 } };
  const read = { promptTokens: 9_000, completionTokens: 12_000, cachedTokens: 8 };
  const long = 'the "usage":{"prompt_tokens":1,"completion_tokens":1} \\ '.repeat(400);
  const head = { id: 'gen-1', created: 1, model: 'usage', object: 'chat.completion' };
  const choices = [{ index: 0, message: { role: 'assistant', content: long }, finish_reason: 'stop' }];

  it.each([0, 500, 3_000])('F31 is read however long the answer, after %d bytes of other things', (before) => {
    const answer = JSON.stringify({ ...head, citations: ['"'.repeat(before / 2)], usage: told, choices });
    fc.assert(
      fc.property(fc.array(fc.nat(answer.length), { maxLength: 6 }), (cuts) => {
        const ends = [...new Set([...cuts, answer.length])].sort((a, b) => a - b).filter((cut) => cut > 0);
        const pieces = ends.map((end, index) => answer.slice(ends[index - 1] ?? 0, end));
        const figures = measure(pieces, false);
        expect(figures).toMatchObject({ usage: read, tokens: 12_000, finish: 'stop' });
        expect(figures).not.toHaveProperty('answerBytes');
      }),
      { numRuns: 20 },
    );
  });

  it('F31 is read from an answer of Anthropic’s form too, and not from what a tool is called with', () => {
    const usage = { input_tokens: 9_000, output_tokens: 12_000 };
    const others = { usage: { input_tokens: 1, output_tokens: 1 } };
    const call = { type: 'tool_use', id: 't', name: 'count', input: others };
    const text = { type: 'text', text: long };
    const read = { usage: { promptTokens: 9_000, completionTokens: 12_000 }, tokens: 12_000 };
    for (const content of [[text], [text, call], [call, text], [call]]) {
      expect(measure([JSON.stringify({ type: 'message', usage, content })], false, 'anthropic')).toMatchObject(read);
      const last = JSON.stringify({ type: 'message', content, stop_reason: 'end_turn', usage });
      expect(measure([last], false, 'anthropic')).toMatchObject({ ...read, finish: 'stop' });
    }
  });

  it('F31 is an estimate where it stands too late in the beginning, or is none', () => {
    const cut = JSON.stringify({ ...head, citations: ['x'.repeat(4_000)], usage: told, choices });
    for (const answer of [cut, JSON.stringify({ ...head, usage: null, choices })]) {
      expect(measure([answer], false)).toMatchObject({
        usage: null,
        answerBytes: long.length,
      });
    }
  });

  it('is read before vectors', () => {
    const data = [{ object: 'embedding', embedding: Array.from({ length: 4_000 }, (_, at) => at / 7) }];
    const answer = JSON.stringify({ object: 'list', usage: { prompt_tokens: 7, total_tokens: 7 }, data });
    const meter = new TokenMeter(
      { dialect: 'openai', stream: false, arrivedMs: 0, vectors: true },
      { clock: new ManualClock(), speed: null },
    );
    const bytes = Buffer.from(answer);
    meter.scan(bytes, 0, bytes.length);
    expect(meter.end().usage).toMatchObject({ promptTokens: 7, completionTokens: 0 });
  });
});

describe('DecodeSpeed', () => {
  it('is the speed of a stream, also of a short one, and 0 when idle', () => {
    const speed = new DecodeSpeed();
    expect(speed.rate(0)).toBe(0);
    speed.begin(1_000);
    for (let at = 1; at <= 20; at += 1) speed.add(1_000 + at * 50, 1);
    expect(speed.rate(2_000)).toBeCloseTo(20, 5);
    speed.end(2_000);
    expect(speed.rate(4_000)).toBeCloseTo(20, 5);
    expect(speed.rate(7_100)).toBe(0);
  });

  it('looks at the last five seconds only', () => {
    const speed = new DecodeSpeed();
    speed.begin(0);
    for (let at = 1; at <= 100; at += 1) speed.add(at * 100, at <= 50 ? 1 : 3);
    expect(speed.rate(10_000)).toBeGreaterThan(29);
    expect(speed.rate(10_000)).toBeLessThan(31);
  });

  it('adds up streams that run side by side', () => {
    const speed = new DecodeSpeed();
    speed.begin(0);
    speed.begin(0);
    for (let at = 1; at <= 40; at += 1) {
      speed.add(at * 100, 1);
      speed.add(at * 100, 1);
    }
    expect(speed.rate(4_000)).toBeCloseTo(20, 1);
  });

  it('counts answers that were not streamed, over the time that decoding took', () => {
    const speed = new DecodeSpeed();
    speed.addWhole(5_000, 30, 1_500);
    expect(speed.rate(5_000)).toBeCloseTo(20, 5);
  });

  it('makes no rate of a burst', () => {
    const speed = new DecodeSpeed();
    speed.begin(100);
    speed.add(100, 5);
    speed.end(100);
    expect(speed.rate(100)).toBeLessThanOrEqual(500);
  });
});

describe('TokenMeter, other dialects', () => {
  const event = (data: object): string => `event: x\ndata: ${JSON.stringify(data)}\n\n`;
  const delta = (fields: object): string => event({ type: 'content_block_delta', index: 0, delta: fields });

  it('reads the prompt of an Anthropic stream where it begins, and the answer where it ends', () => {
    const usage = { input_tokens: 5, cache_read_input_tokens: 90, cache_creation_input_tokens: 5, output_tokens: 1 };
    const pieces = [
      event({ type: 'message_start', message: { content: [], stop_reason: null, usage } }),
      event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
      delta({ type: 'thinking_delta', thinking: 'hm' }),
      delta({ type: 'text_delta', text: 'a' }),
      delta({ type: 'input_json_delta', partial_json: '{' }),
      event({ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 7 } }),
      event({ type: 'message_stop' }),
    ];
    expect(measure(pieces, true, 'anthropic')).toEqual({
      usage: { promptTokens: 100, completionTokens: 7, cachedTokens: 90, cacheWriteTokens: 5 },
      ttftMs: 300,
      durationMs: 700,
      tokens: 7,
      tokensPerSecond: 30,
      prefillTokensPerSecond: null,
      finish: 'tool',
    });
  });

  it('reads a plain Anthropic answer', () => {
    const usage = { input_tokens: 5, output_tokens: 2 };
    const content = [
      { type: 'text', text: '"usage":{"input_tokens":99,"output_tokens":99} "stop_reason":"max_tokens"' },
    ];
    const body = JSON.stringify({ type: 'message', content, stop_reason: 'end_turn', stop_sequence: null, usage });
    expect(measure([body], false, 'anthropic')).toMatchObject({
      usage: { promptTokens: 5, completionTokens: 2, cachedTokens: null },
      finish: 'stop',
    });
  });

  const line = (fields: object): string => `${JSON.stringify({ model: 'm', ...fields })}\n`;
  const last = {
    done: true,
    done_reason: 'length',
    total_duration: 9,
    prompt_eval_count: 12,
    prompt_eval_duration: 5,
    eval_count: 3,
    eval_duration: 20_000_000,
  };

  it.each([
    ['chat', (text: string) => ({ message: { role: 'assistant', content: text } })],
    ['generate', (text: string) => ({ response: text })],
  ])('reads an Ollama stream (%s): times are nanoseconds, counts are in the last line', (_name, said) => {
    const pieces = [
      line({ ...said('a'), done: false }),
      line({ ...said('b'), done: false }),
      line({ ...said(''), ...last }),
    ];
    expect(measure(pieces, true, 'ollama')).toMatchObject({
      usage: { promptTokens: 12, completionTokens: 3, cachedTokens: null },
      ttftMs: 100,
      tokens: 3,
      tokensPerSecond: 100,
      finish: 'length',
    });
  });

  it('takes a whole tool call of Ollama’s for a token, and its arguments for no figures', () => {
    const calls = [{ function: { name: 'look', arguments: { eval_count: 99, usage: { x: 1 }, done_reason: 'stop' } } }];
    const pieces = [line({ message: { role: 'assistant', content: '', tool_calls: calls }, done: false }), line(last)];
    expect(measure(pieces, true, 'ollama')).toMatchObject({
      usage: { completionTokens: 3 },
      ttftMs: 100,
      finish: 'length',
    });
  });

  it('reads a plain Ollama answer, and one of embeddings', () => {
    expect(measure([line({ message: { content: 'x' }, ...last })], false, 'ollama').usage?.completionTokens).toBe(3);
    const embeddings = line({ embeddings: [[0.1, 0.2]], prompt_eval_count: 7 });
    expect(measure([embeddings], false, 'ollama').usage).toEqual({
      promptTokens: 7,
      completionTokens: 0,
      cachedTokens: null,
    });
  });

  it('gives the same figures however an Anthropic or Ollama stream is split', () => {
    const streams: [Dialect, string][] = [
      ['anthropic', delta({ type: 'text_delta', text: 'é' }) + event({ usage: { input_tokens: 1, output_tokens: 2 } })],
      ['ollama', line({ response: 'é', done: false }) + line({ response: '', ...last })],
    ];
    for (const [dialect, whole] of streams) {
      const bytes = Buffer.from(whole);
      const expected = measure([whole], true, dialect);
      for (let at = 1; at < bytes.length; at += 1) {
        const clock = new ManualClock();
        const meter = new TokenMeter({ dialect, stream: true, arrivedMs: 0 }, { clock, speed: null });
        meter.scan(bytes, 0, at);
        meter.scan(bytes, at, bytes.length);
        const { usage, tokens, finish } = meter.end();
        expect({ usage, tokens, finish }).toEqual({
          usage: expected.usage,
          tokens: expected.tokens,
          finish: expected.finish,
        });
      }
    }
  });
});

describe('where an answer begins', () => {
  const before: readonly (readonly [string, Dialect, string])[] = [
    ['whose turn it is', 'openai', role],
    ['a comment', 'openai', ': waiting\n\n'],
    ['an error', 'openai', 'data: {"error":{"message":"Full."}}\n\ndata: [DONE]\n\n'],
    ['empty fields', 'openai', 'data: {"choices":[{"delta":{"refusal":null,"audio":null,"tool_calls":null}}]}\n\n'],
    [
      'the message’s head',
      'anthropic',
      'event: message_start\ndata: {"type":"message_start","message":{"type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}\n\n',
    ],
    ['a ping', 'anthropic', 'event: ping\ndata: {"type": "ping"}\n\n'],
    [
      'an empty block',
      'anthropic',
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    ],
    ['an empty line', 'ollama', '{"model":"m","message":{"role":"assistant","content":""},"done":false}\n'],
  ];
  const begins: readonly (readonly [string, Dialect, string])[] = [
    ['a token', 'openai', token('a')],
    ['a reason', 'openai', stop],
    ['the mark', 'openai', done],
    ['a refusal', 'openai', 'data: {"choices":[{"delta":{"refusal":"No"}}]}\n\n'],
    [
      'a call',
      'anthropic',
      'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}\n\n',
    ],
    [
      'a thought that is not shown',
      'anthropic',
      'data: {"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"x"}}\n\n',
    ],
    ['the end', 'anthropic', 'event: message_stop\ndata: {"type":"message_stop"}\n\n'],
    ['a word', 'ollama', '{"message":{"role":"assistant","content":"a"},"done":false}\n'],
    ['the end', 'ollama', '{"message":{"role":"assistant","content":""},"done":true}\n'],
  ];
  const hasBegun = (dialect: Dialect, text: string, stream = true): boolean => {
    const clock = new ManualClock();
    const meter = new TokenMeter({ dialect, stream, arrivedMs: 0 }, { clock, speed: null });
    const bytes = Buffer.from(text);
    meter.scan(bytes, 0, bytes.length);
    return meter.hasBegun;
  };

  it.each(before)('F4 is not with %s (%s)', (_name, dialect, text) => {
    expect(hasBegun(dialect, text)).toBe(false);
  });

  it.each(begins)('F4 is with %s (%s)', (_name, dialect, text) => {
    expect(hasBegun(dialect, text)).toBe(true);
  });

  it('is anywhere in what is no stream', () => {
    expect(hasBegun('openai', '{', false)).toBe(true);
  });
});
