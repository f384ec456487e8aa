import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../electron/agent/base/errors.ts';
import type { AnswerEvent } from '../../../../../electron/agent/gateway/dialects/query.ts';
import { readStream } from './reading.ts';
import { answer, calling, end, finish, scripted, start, text, usage } from './writing.ts';

const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }] };
const events: AnswerEvent[] = [start, text('Hel'), text('lo'), finish('stop'), usage, end];

async function chunks(script: AnswerEvent[], fields: object = {}): Promise<{ chunks: unknown[]; last: string }> {
  const { client, last } = scripted({ events: script });
  const told: unknown[] = [];
  for await (const chunk of await client.chat.completions.create({ ...asked, ...fields, stream: true }))
    told.push(chunk);
  return { chunks: told, last: last() };
}

describe('ChatWriter', () => {
  it('streams the role first, then pieces, the reason and the end mark, and no usage that nobody asked for', async () => {
    const { chunks: told, last } = await chunks(events);
    const common = { id: 'chatcmpl-abc', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'm' };
    const choice = (delta: object, reason: string | null = null): object => ({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
    });
    expect(told).toEqual([
      choice({ role: 'assistant', content: '' }),
      choice({ content: 'Hel' }),
      choice({ content: 'lo' }),
      choice({}, 'stop'),
    ]);
    expect(last.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(last).not.toContain('usage');
  });

  it('tells the usage in a chunk of its own where it was asked for', async () => {
    const { chunks: told } = await chunks(events, { stream_options: { include_usage: true } });
    expect(told).toHaveLength(5);
    for (const chunk of told.slice(0, -1)) expect(chunk).toMatchObject({ usage: null });
    expect(told.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 5,
        completion_tokens: 2,
        total_tokens: 7,
        prompt_tokens_details: { cached_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
      timings: { prompt_ms: 1, predicted_ms: 2, predicted_n: 2 },
    });
  });

  it('streams parallel calls that the client puts together', async () => {
    const { client } = scripted({
      events: [
        start,
        { kind: 'reasoning', text: 'Hm' },
        { kind: 'call', index: 0, id: 'c1', name: 'look' },
        { kind: 'arguments', index: 0, text: '{"a"' },
        { kind: 'arguments', index: 0, text: ':1}' },
        { kind: 'call', index: 1, id: 'c2', name: 'see' },
        { kind: 'arguments', index: 1, text: '{}' },
        finish('tool'),
        end,
      ],
    });
    const completion = await client.chat.completions.stream(asked).finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        role: 'assistant',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } },
          { id: 'c2', type: 'function', function: { name: 'see', arguments: '{}' } },
        ],
      },
    });
  });

  it('streams thoughts and probabilities', async () => {
    const entry = { token: 'a', logprob: -1, bytes: [97], top_logprobs: [] };
    const { chunks: told } = await chunks([
      { kind: 'reasoning', text: 'Hm' },
      { kind: 'text', text: 'a', logprobs: [entry] },
      finish('length'),
      end,
    ]);
    expect(told).toMatchObject([
      { choices: [{ delta: { role: 'assistant' } }] },
      { choices: [{ delta: { reasoning_content: 'Hm' } }] },
      { choices: [{ delta: { content: 'a' }, logprobs: { content: [entry], refusal: null } }] },
      { choices: [{ finish_reason: 'length' }] },
    ]);
  });

  it('ends a stream that broke with an error, which the client throws, and with no end mark', async () => {
    const error = new AppError('upstream_failed', 'It broke.');
    const { client, last } = scripted({ events: [start, text('a'), { kind: 'error', error }, text('b'), end] });
    const reading = async (): Promise<number> => {
      let seen = 0;
      for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
        seen += chunk.choices.length;
      return seen;
    };
    await expect(reading()).rejects.toMatchObject({
      message: 'It broke.',
      code: 'upstream_failed',
      type: 'server_error',
    });
    expect(last()).not.toContain('[DONE]');
    expect(last().endsWith('}}\n\n')).toBe(true);
  });

  it('writes whole answers', async () => {
    const { client } = scripted({ answer });
    expect(await client.chat.completions.create(asked)).toMatchObject({
      id: 'chatcmpl-abc',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    });
  });

  it('writes whole answers with calls, thoughts and nothing said', async () => {
    const { client } = scripted({ answer: calling });
    expect((await client.chat.completions.create(asked)).choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        reasoning_content: 'Hm',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } }],
      },
    });
  });

  it('B52 a newline and "event:" inside a token stay in one event', async () => {
    const token = 'a\n\nevent: error\ndata: [DONE]\n\n\u2028';
    const { chunks: told, last } = await chunks([text(token), finish('stop'), end]);
    expect(told).toHaveLength(3);
    expect(told[1]).toMatchObject({ choices: [{ delta: { content: token } }] });
    expect(readStream([last])).toContainEqual(text(token));
  });

  it('is understood by the reader of upstreams', async () => {
    const script: AnswerEvent[] = [
      { kind: 'reasoning', text: 'Hm' },
      text('Hello'),
      { kind: 'call', index: 0, id: 'c1', name: 'look' },
      { kind: 'arguments', index: 0, text: '{}' },
      finish('tool'),
      usage,
      end,
    ];
    const { last } = await chunks(script, { stream_options: { include_usage: true } });
    expect(readStream([last])).toEqual([
      { kind: 'start', id: 'chatcmpl-abc', model: 'm', promptTokens: null },
      ...script,
    ]);
  });
});
