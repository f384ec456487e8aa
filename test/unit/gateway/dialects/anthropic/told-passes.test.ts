import { describe, expect, it } from 'vitest';
import { countsOfPasses } from '../../../../../electron/agent/gateway/dialects/anthropic/told-passes.ts';
import {
  addTold,
  nothingTold,
  usageOf,
} from '../../../../../electron/agent/gateway/dialects/anthropic/upstream-usage.ts';
import type { Json, JsonObject } from '../../../../../electron/agent/gateway/dialects/json.ts';
import { readFigures } from '../../../../../electron/agent/gateway/answer/usage-event.ts';

/** A long chat was summed up, and then answered. */
const summedUp: JsonObject = {
  input_tokens: 23_000,
  output_tokens: 1_000,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  iterations: [
    {
      type: 'compaction',
      input_tokens: 180_000,
      output_tokens: 3_500,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 40,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 30 },
    },
    { type: 'message', input_tokens: 23_000, output_tokens: 1_000 },
  ],
};
const all = {
  promptTokens: 203_000 + 200 + 40,
  completionTokens: 4_500,
  cachedTokens: 200,
  cacheWriteTokens: 40,
  hourCacheWriteTokens: 30,
};

describe('passes of a message', () => {
  it('are billed all together, in a whole answer and in a stream, translated or not', () => {
    expect(usageOf(addTold(nothingTold, summedUp))).toEqual(all);
    const start = { ...summedUp, output_tokens: 1, iterations: null };
    expect(usageOf(addTold(addTold(nothingTold, start), summedUp))).toEqual(all);
    const whole = `{"type":"message","usage":${JSON.stringify(summedUp)}}`;
    expect(readFigures('anthropic', { first: whole, usage: whole, timings: '' }).usage).toEqual(all);
    const first = `data: {"type":"message_start","message":{"usage":${JSON.stringify(start)}}}`;
    const last = `data: {"type":"message_delta","delta":{},"usage":${JSON.stringify(summedUp)}}`;
    expect(readFigures('anthropic', { first, usage: last, timings: '' }).usage).toEqual(all);
  });

  it('tell the models that made them, for each has a price of its own', () => {
    const iterations = [
      { type: 'message', input_tokens: 5, output_tokens: 7, model: 'asked' },
      { type: 'advisor_message', input_tokens: 9, output_tokens: 2, model: 'advisor' },
      { type: 'message', input_tokens: 6, output_tokens: 8, model: 'asked' },
    ];
    const told: JsonObject = { input_tokens: 11, output_tokens: 15, iterations };
    const models = ['asked', 'advisor'];
    expect(usageOf(addTold(nothingTold, told))).toMatchObject({ promptTokens: 20, completionTokens: 17, models });
    const start = { input_tokens: 11, output_tokens: 1 };
    expect(usageOf(addTold(addTold(nothingTold, told), start))).toMatchObject({ models });
    const whole = `{"type":"message","usage":${JSON.stringify(told)}}`;
    expect(readFigures('anthropic', { first: whole, usage: whole, timings: '' }).usage).toMatchObject({ models });
  });

  it.each<[Json | undefined]>([[undefined], [null], [[]], ['two'], [[null, 3]]])(
    'say nothing where they are not told: %j',
    (iterations) => {
      expect(countsOfPasses({ ...summedUp, iterations })).toBeNull();
      const counts = { input_tokens: 5, output_tokens: 7 };
      const told = iterations === undefined ? counts : { ...counts, iterations };
      expect(usageOf(addTold(nothingTold, told))).toMatchObject({ promptTokens: 5, completionTokens: 7 });
    },
  );

  it('never make less of what stands beside them', () => {
    const told = { input_tokens: 50, output_tokens: 70, iterations: [{ type: 'message', output_tokens: 3 }] };
    expect(usageOf(addTold(nothingTold, told))).toMatchObject({ promptTokens: 50, completionTokens: 70 });
  });
});

describe('isInRegion', () => {
  it('is kept from the beginning of an answer to its end', () => {
    const start = { input_tokens: 9, output_tokens: 1, inference_geo: 'us' };
    const end = { output_tokens: 5 };
    expect(usageOf(addTold(addTold(nothingTold, start), end))).toMatchObject({ completionTokens: 5, inRegion: true });
    for (const region of ['global', 'not_available', null]) {
      const told = addTold(addTold(nothingTold, { ...start, inference_geo: region }), end);
      expect(usageOf(told)).not.toHaveProperty('inRegion');
    }
  });
});
