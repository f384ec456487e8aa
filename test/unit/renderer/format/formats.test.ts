import { describe, expect, it } from 'vitest';
import { answerFigures } from '../../../../renderer/format/answer-figures.ts';
import { formatBytes } from '../../../../renderer/format/bytes.ts';
import { splitMemory } from '../../../../renderer/format/memory-split.ts';
import {
  formatAvailability,
  formatCount,
  formatFinePercent,
  formatParameters,
  formatPercent,
  formatRate,
} from '../../../../renderer/format/numbers.ts';
import { offloadSentence } from '../../../../renderer/format/offload.ts';
import {
  formatAgo,
  formatClock,
  formatLatency,
  formatSpan,
  formatUntil,
  parseTime,
} from '../../../../renderer/format/time.ts';

const gib = 1024 ** 3;

describe('figures', () => {
  it.each([
    [null, '–'],
    [Number.NaN, '–'],
    [0, '0'],
    [0.034, '0.03'],
    [4.314, '4.31'],
    [9.999, '10.0'],
    [17.83, '17.8'],
    [99.97, '100'],
    [142.4, '142'],
    [94_075.2, '94\u202f075'],
  ])('rate %s is %s', (value, shown) => {
    expect(formatRate(value)).toBe(shown);
  });

  it.each([
    [null, '–'],
    [0, '0 B'],
    [-5, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1024 ** 2, '1.0 MB'],
    [512 * 1024 ** 2, '512 MB'],
    [3.9 * gib, '3.9 GB'],
    [96 * gib, '96 GB'],
    [1500 * gib, '1.5 TB'],
  ])('%s bytes are %s', (value, shown) => {
    expect(formatBytes(value)).toBe(shown);
  });

  it('percent, whole and fine', () => {
    expect(formatPercent(61.6)).toBe('62 %');
    expect(formatFinePercent(0)).toBe('0 %');
    expect(formatFinePercent(0.42)).toBe('0.4 %');
    expect(formatFinePercent(12.4)).toBe('12 %');
    expect(formatPercent(null)).toBe('–');
  });

  it('availability is never rounded up to all of the time', () => {
    expect(formatAvailability(1)).toBe('100 %');
    expect(formatAvailability(0.99999)).toBe('99.9 %');
    expect(formatAvailability(0.998)).toBe('99.8 %');
    expect(formatAvailability(0.0001)).toBe('below 0.1 %');
    expect(formatAvailability(0)).toBe('0 %');
    expect(formatAvailability(null)).toBe('–');
  });

  it('counts have thin groups', () => {
    expect(formatCount(999)).toBe('999');
    expect(formatCount(1284)).toBe('1\u202f284');
    expect(formatCount(1_234_567)).toBe('1\u202f234\u202f567');
  });

  it.each([
    [270_000_000, '270M'],
    [8_030_000_000, '8.03B'],
    [7_000_000_000, '7B'],
    [120_000_000_000, '120B'],
    [248_832, '249K'],
    [512, '512'],
    [null, '–'],
  ])('%s weights are %s', (value, shown) => {
    expect(formatParameters(value)).toBe(shown);
  });
});

describe('time', () => {
  it.each([
    [null, '–'],
    [0, '0 ms'],
    [1.24, '1.2 ms'],
    [340.4, '340 ms'],
    [999.7, '1.00 s'],
    [1240, '1.24 s'],
    [12_500, '12.5 s'],
    [125_000, '2 min 5 s'],
  ])('latency %s is %s', (ms, shown) => {
    expect(formatLatency(ms)).toBe(shown);
  });

  it.each([
    [45_400, '45 s'],
    [59_700, '1 min'],
    [125_000, '2 min 5 s'],
    [12_000_000, '3 h 20 min'],
    [6 * 86_400_000 + 4 * 3_600_000, '6 d 4 h'],
    [-10, '0 s'],
  ])('span %s is %s', (ms, shown) => {
    expect(formatSpan(ms)).toBe(shown);
  });

  it('ago and until, also when the clock was set back', () => {
    expect(formatAgo(100_000, 101_000)).toBe('now');
    expect(formatAgo(100_000, 112_000)).toBe('12 s ago');
    expect(formatAgo(0, 3_700_000)).toBe('1 h ago');
    expect(formatAgo(100_000, 0)).toBe('now');
    expect(formatUntil(104_000, 100_000)).toBe('in 4 s');
    expect(formatUntil(99_000, 100_000)).toBe('now');
    expect(formatUntil(null, 0)).toBe('–');
  });

  it('the clock shows two digits each', () => {
    expect(formatClock(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe('03:04:05');
  });

  it('a time that cannot be read is not known', () => {
    expect(parseTime('soon')).toBeNull();
    expect(parseTime(null)).toBeNull();
    expect(parseTime('1970-01-01T00:00:01.000Z')).toBe(1000);
  });
});

describe('memory', () => {
  it('parts add up to the total even where shared pages are counted twice', () => {
    const parts = splitMemory({ totalBytes: 100, usedBytes: 50, availableBytes: 50, engineBytes: 49, agentBytes: 5 });
    expect(parts.map(({ bytes }) => bytes)).toEqual([49, 1, 0, 50]);
  });

  it('names engine, agent, rest and free', () => {
    const parts = splitMemory({ totalBytes: 96, usedBytes: 40, availableBytes: 56, engineBytes: 8, agentBytes: 1 });
    expect(parts.map(({ id, bytes }) => [id, bytes])).toEqual([
      ['engine', 8],
      ['agent', 1],
      ['rest', 31],
      ['free', 56],
    ]);
  });
});

const aProvider = {
  id: 'anthropic',
  name: 'Anthropic',
  state: 'ready',
  sentence: '',
  until: null,
  modelsTotal: 3,
  inFlight: 0,
};

describe('offload', () => {
  it('says what the switch means, and that nothing is set up', () => {
    expect(offloadSentence({ offload: 'off', providers: [] })).toBe('Nothing goes to the cloud.');
    // With the switch off, servers of the network are asked as ever: it promises nothing about this machine.
    expect(offloadSentence({ offload: 'auto', providers: [aProvider] })).toMatch(
      /busy, .*ranch\/quality.*high priority\.$/u,
    );
    expect(offloadSentence({ offload: 'auto', providers: [] })).toMatch(/No provider is set up, so none does\.$/u);
    expect(offloadSentence({ offload: 'on', providers: [aProvider] })).toBe('Requests go to the cloud first.');
  });
});

describe('figures of an answer', () => {
  const seen = { sentAt: 0, firstTokenAt: 400, lastTokenAt: 2400, completionTokens: 21, finish: 'stop' };

  it('are the agent’s own where it has them', () => {
    expect(answerFigures(seen, { tokensPerSecond: 17.6, ttftMs: 380, completionTokens: 22 })).toBe(
      '17.6 tokens/s, 22 tokens, first after 380 ms',
    );
  });

  it('are what the page saw where the agent has none', () => {
    expect(answerFigures(seen, undefined)).toBe('10.0 tokens/s, 21 tokens, first after 400 ms');
  });

  it('name no speed for a single token, and say when nothing came', () => {
    expect(answerFigures({ ...seen, completionTokens: 1 }, undefined)).toBe('1 token, first after 400 ms');
    const nothing = { ...seen, firstTokenAt: null, lastTokenAt: null, completionTokens: null };
    expect(answerFigures(nothing, undefined)).toBe('No token came.');
  });

  it('say when the answer was cut', () => {
    expect(answerFigures({ ...seen, finish: 'length' }, undefined)).toMatch(/cut at its length limit$/u);
  });
});
