import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { EventMeter } from '../../../../electron/agent/gateway/answer/event-meter.ts';
import { DecodeSpeed } from '../../../../electron/agent/gateway/decode-speed.ts';
import type { AnswerEvent } from '../../../../electron/agent/gateway/dialects/query.ts';
import type { AnswerFigures } from '../../../../electron/agent/inference/usage.ts';

const text = (piece: string): AnswerEvent => ({ kind: 'text', text: piece, logprobs: null });
const start: AnswerEvent = { kind: 'start', id: null, model: null, promptTokens: null };
const finish: AnswerEvent = { kind: 'finish', finish: 'length', stopSequence: null };
const told = { promptTokens: 100, completionTokens: 3, cachedTokens: 20 };

function measure(events: readonly AnswerEvent[], speed: DecodeSpeed | null = null): AnswerFigures {
  const clock = new ManualClock();
  const meter = new EventMeter({ arrivedMs: clock.monotonic() }, { clock, speed });
  for (const event of events) {
    clock.advance(100);
    meter.event(event);
  }
  return meter.end();
}

describe('EventMeter', () => {
  it('counts pieces, times the first one and takes the usage that is told', () => {
    const usage: AnswerEvent = { kind: 'usage', usage: told, timings: null };
    expect(measure([start, text(''), text('a'), text('b'), text('c'), finish, usage, { kind: 'end' }])).toEqual({
      usage: told,
      ttftMs: 300,
      durationMs: 800,
      tokens: 3,
      tokensPerSecond: 10,
      prefillTokensPerSecond: null,
      finish: 'length',
    });
  });

  it('takes thinking and calls of tools for tokens', () => {
    const events: AnswerEvent[] = [
      { kind: 'reasoning', text: 'hm' },
      { kind: 'call', index: 0, id: 'c', name: 'look' },
      { kind: 'arguments', index: 0, text: '{}' },
    ];
    expect(measure(events)).toMatchObject({ tokens: 3, ttftMs: 100, usage: null });
  });

  it('believes the engine’s own clock over its own', () => {
    const timings = { promptMs: 400, decodeMs: 20, loadMs: null, decodedTokens: 3 };
    const figures = measure([text('a'), text('b'), { kind: 'usage', usage: told, timings }]);
    expect(figures.tokensPerSecond).toBe(100);
    expect(figures.prefillTokensPerSecond).toBe(200);
  });

  it('knows no speed of reading where the cache is not told of', () => {
    const timings = { promptMs: 400, decodeMs: null, loadMs: null, decodedTokens: null };
    const usage = { ...told, cachedTokens: null };
    expect(measure([{ kind: 'usage', usage, timings }]).prefillTokensPerSecond).toBeNull();
  });

  it('leaves the node’s speed settled, also after an answer that broke off', () => {
    const speed = new DecodeSpeed();
    measure([start, text('a'), text('b')], speed);
    expect(speed.rate(1_000_000)).toBe(0);
    expect(measure([start], speed)).toMatchObject({ ttftMs: null, tokens: 0, finish: null });
  });

  it('F31 counts what came of an answer that was cut, whatever was told at its beginning', () => {
    const usage: AnswerEvent = { kind: 'usage', usage: { ...told, completionTokens: 1 }, timings: null };
    expect(measure([start, usage, text('a'), text('bcd')])).toMatchObject({ tokens: 2, answerBytes: 4 });
  });

  it('F31 knows a whole answer whose count came before its end, or left the answer out', () => {
    const usage: AnswerEvent = {
      kind: 'usage',
      usage: { ...told, completionTokens: 1 },
      timings: null,
      isPartial: true,
    };
    const seen = { tokens: 2, answerBytes: 5, isPartial: true };
    expect(measure([start, text('a'), text('bcde'), finish, usage])).toMatchObject(seen);
    const none: AnswerEvent = { kind: 'usage', usage: { ...told, completionTokens: 0 }, timings: null };
    expect(measure([start, text('a'), text('bcde'), finish, none])).toMatchObject(seen);
    // Bytes, for a letter of many a language is a token.
    expect(measure([start, text('日本'), finish])).toMatchObject({ usage: null, tokens: 1, answerBytes: 6 });
    expect(measure([start, text('a'), finish, { kind: 'usage', usage: told, timings: null }])).not.toHaveProperty(
      'isPartial',
    );
  });

  it('F31 knows the same of an answer that came at once', () => {
    const clock = new ManualClock();
    const meter = new EventMeter({ arrivedMs: 0 }, { clock, speed: null });
    const answer = { id: null, model: null, reasoning: 'hm', calls: [], stopSequence: null, logprobs: null };
    const counts = { ...told, completionTokens: 0 };
    meter.whole({ ...answer, text: 'Hello', finish: 'stop', usage: counts, timings: null });
    expect(meter.end()).toMatchObject({ isPartial: true, answerBytes: 7 });
    const silent = new EventMeter({ arrivedMs: 0 }, { clock, speed: null });
    silent.whole({ ...answer, text: 'Hello', finish: 'stop', usage: null, timings: null });
    expect(silent.end()).toMatchObject({ usage: null, tokens: 0, answerBytes: 7 });
    expect(silent.end()).not.toHaveProperty('isPartial');
  });

  it('takes the count of vectors, and the sum that is named with it', () => {
    const meterOf = (): EventMeter => {
      const clock = new ManualClock();
      return new EventMeter({ arrivedMs: clock.monotonic() }, { clock, speed: null });
    };
    const plain = meterOf();
    plain.vectors({ promptTokens: 4 });
    expect(plain.end().usage).toEqual({ promptTokens: 4, completionTokens: 0, cachedTokens: null });
    const priced = meterOf();
    priced.vectors({ promptTokens: 4, billedUsd: 0.5 });
    expect(priced.end().usage).toMatchObject({ promptTokens: 4, billedUsd: 0.5 });
    const untold = meterOf();
    untold.vectors({ promptTokens: null });
    expect(untold.end().usage).toBeNull();
  });
});
