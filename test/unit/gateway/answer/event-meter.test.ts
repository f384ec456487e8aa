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
});
