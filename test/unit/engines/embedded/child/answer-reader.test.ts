import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AnswerReader,
  type AnswerPart,
  type AnswerReaderOptions,
} from '../../../../../electron/agent/engines/embedded/child/answer-reader.ts';

const offered: AnswerReaderOptions = {
  tools: new Set(['get_weather', 'get_time']),
  thinking: 'none',
  begun: null,
  once: false,
};

interface Read {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

function fold(parts: readonly AnswerPart[]): Read {
  const calls: { name: string; arguments: string }[] = [];
  let [text, reasoning] = ['', ''];
  for (const part of parts) {
    if (part.kind === 'text') text += part.text;
    else if (part.kind === 'reasoning') reasoning += part.text;
    else if (part.kind === 'call') calls[part.index] = { name: part.name, arguments: '' };
    else
      calls[part.index] = {
        name: calls[part.index]?.name ?? '',
        arguments: (calls[part.index]?.arguments ?? '') + part.text,
      };
  }
  return { text, reasoning, calls };
}

function read(pieces: readonly string[], options: AnswerReaderOptions = offered): Read {
  const reader = new AnswerReader(options, () => 'id');
  return fold([...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()]);
}

const weather = { name: 'get_weather', arguments: '{"city": "Oslo"}' };
const time = { name: 'get_time', arguments: '{}' };
const call = (answer: Partial<Read>): Read => ({ text: '', reasoning: '', calls: [], ...answer });

const thinking: AnswerReaderOptions = { ...offered, thinking: 'possible' };
const cases: [string, string, Read, AnswerReaderOptions?][] = [
  ['plain text', 'It rains { in } Oslo. ', call({ text: 'It rains { in } Oslo. ' })],
  [
    'a tagged call',
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
    call({ calls: [weather] }),
  ],
  [
    'text and two tagged calls',
    'I look.\n\n<tool_call>{"name":"get_weather","arguments":{"city": "Oslo"}}</tool_call>\n<tool_call>\n{"name":"get_time"}</tool_call>\n',
    call({ text: 'I look.', calls: [weather, time] }),
  ],
  [
    'arguments before the name, with brackets and quotes in texts',
    String.raw`<tool_call>{"arguments": {"city": "}]\"<tool_call>"}, "name": "get_weather"}</tool_call>`,
    call({ calls: [{ name: 'get_weather', arguments: String.raw`{"city": "}]\"<tool_call>"}` }] }),
  ],
  [
    'arguments as a text that holds JSON',
    String.raw`<tool_call>{"name": "get_weather", "arguments": "{\"city\": \"Oslo\"}"}</tool_call>`,
    call({ calls: [weather] }),
  ],
  [
    'calls in a list',
    '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Oslo"}}, {"name": "get_time", "arguments": {}}]',
    call({ calls: [weather, time] }),
  ],
  [
    'named calls',
    '[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}[TOOL_CALLS]get_time[CALL_ID]123456789[ARGS]{}',
    call({ calls: [weather, time] }),
  ],
  [
    'bare calls',
    '{"name": "get_weather", "parameters": {"city": "Oslo"}}; {"type": "function", "name": "get_time", "parameters": {}}',
    call({ calls: [weather, time] }),
  ],
  [
    'a call behind its tag',
    '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Oslo"}}',
    call({ calls: [weather] }),
  ],
  [
    'a call in a fence',
    '```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```',
    call({ calls: [weather] }),
  ],
  [
    'JSON that is no call',
    '{"city": "Oslo", "rain": true} and so on',
    call({ text: '{"city": "Oslo", "rain": true} and so on' }),
  ],
  ['a person, who is no tool', '{"name": "Anna", "age": 3}', call({ text: '{"name": "Anna", "age": 3}' })],
  ['a fence with other JSON', '```json\n{"a": 1}\n```', call({ text: '```json\n{"a": 1}\n```' })],
  ['a fence of another kind', '```python\nprint(1)\n```', call({ text: '```python\nprint(1)\n```' })],
  ['a tag without a call', '<tool_call>none</tool_call>', call({ text: '<tool_call>none</tool_call>' })],
  ['a broken call', '<tool_call>{"name" "x"}', call({ text: '<tool_call>{"name" "x"}' })],
  ['a tag at the very end', 'So <tool_call>', call({ text: 'So<tool_call>' })],
  ['half a tag', 'a < b <tool', call({ text: 'a < b <tool' })],
  ['white space only', ' \n', call({ text: ' \n' })],
  [
    'an answer cut in its arguments',
    '<tool_call>{"name": "get_weather", "arguments": {"ci',
    call({ calls: [{ name: 'get_weather', arguments: '{"ci' }] }),
  ],
  [
    'thinking, then a call',
    '<think>\nHm, <b>rain</b>?\n</think>\n\n<tool_call>{"name":"get_weather","arguments":{"city": "Oslo"}}</tool_call>',
    call({ reasoning: 'Hm, <b>rain</b>?', calls: [weather] }),
    thinking,
  ],
  [
    'thinking that the prompt began',
    'Hm.</think>It rains.',
    call({ reasoning: 'Hm.', text: 'It rains.' }),
    { ...thinking, thinking: 'begun' },
  ],
  ['thinking without an end', '<think>Hm', call({ reasoning: 'Hm' }), thinking],
  ['thinking without tools', '<think>a</think> b{', call({ reasoning: 'a', text: 'b{' }), { ...thinking, tools: null }],
  ['tags where no tool is on offer', 'x <tool_call>', call({ text: 'x <tool_call>' }), { ...offered, tools: null }],
  [
    'a call that the prompt began',
    '{"name": "get_weather", "arguments": {"city": "Oslo"}}',
    call({ calls: [weather] }),
    { ...offered, begun: 'tagged', once: true },
  ],
  [
    'one call where one is allowed',
    '<tool_call>{"name":"get_weather","arguments":{"city": "Oslo"}}</tool_call><tool_call>{"name":"get_time"}</tool_call>',
    call({ calls: [weather] }),
    { ...offered, once: true },
  ],
];

describe('AnswerReader', () => {
  it.each(cases)('reads %s', (_, answer, expected, options) => {
    expect(read([answer], options)).toEqual(expected);
    expect(read(Array.from(answer), options)).toEqual(expected);
  });

  it('reads the same however the answer is cut into pieces', () => {
    const whole = fc.constantFrom(...cases);
    fc.assert(
      fc.property(whole, fc.array(fc.nat({ max: 200 }), { maxLength: 12 }), ([, answer, expected, options], cuts) => {
        const places = [0, ...cuts.map((place) => place % (answer.length + 1)).sort((a, b) => a - b), answer.length];
        const pieces = places.slice(1).map((end, index) => answer.slice(places[index], end));
        expect(read(pieces, options)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('loses no text of any answer, and does not fail', () => {
    const words = fc.constantFrom(
      '<tool_call>',
      '</tool_call>',
      '[TOOL_CALLS]',
      '{',
      '}',
      '"name"',
      ':',
      ',',
      ' ',
      'a',
      '```',
      '[ARGS]',
      '<',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), (pieces) => {
        const { text, calls } = read(pieces);
        if (calls.length === 0) expect(text.replaceAll(/\s/g, '')).toBe(pieces.join('').replaceAll(/\s/g, ''));
      }),
      { numRuns: 1_000 },
    );
  });

  it('passes arguments on while they come, and says when it has enough', () => {
    const reader = new AnswerReader({ ...offered, once: true }, () => 'id');
    expect(reader.push('<tool_call>{"name": "get_weather", "arguments": {"city"')).toEqual([
      { kind: 'call', index: 0, id: 'id', name: 'get_weather' },
      { kind: 'arguments', index: 0, text: '{"city"' },
    ]);
    expect(reader.push(': "Os')).toEqual([{ kind: 'arguments', index: 0, text: ': "Os' }]);
    expect(reader.enough).toBe(false);
    expect(reader.push('lo"}}')).toEqual([{ kind: 'arguments', index: 0, text: 'lo"}' }]);
    expect(reader.enough).toBe(true);
    expect(reader.push('<tool_call>{"name":')).toEqual([]);
    expect(reader.end()).toEqual([]);
  });
});
