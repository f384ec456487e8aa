import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GatewayRig } from '../../fixtures/gateway-rig.ts';

interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string };
}

const messages = [{ role: 'user', content: 'Hello' }];
const base = '"model":"fake-model","messages":[{"role":"user","content":"Hello"}]';
const manyMessages = `[${Array(100_000).fill('{"role":"user","content":"x"}').join(',')}]`;

describe('bad JSON and fields', () => {
  let rig: GatewayRig;

  beforeAll(async () => {
    rig = await GatewayRig.start();
  });

  afterEach(async () => {
    expect((await rig.chat()).status).toBe(200);
  });

  afterAll(() => rig[Symbol.asyncDispose]());

  it.each([
    ['B29 broken JSON', `{${base}`, null],
    ['B29 text after the JSON', `{${base}} x`, null],
    ['B29 a byte order mark', `\ufeff{${base}}`, null],
    ['B29 NaN', `{${base},"temperature":NaN}`, null],
    ['B29 nothing', '', null],
    ['B29 a list', '[]', null],
    ['B29 null', 'null', null],
    ['B30 10,000 levels', `{${base},"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, null],
    ['B32 model twice', `{"model":"other",${base}}`, null],
    ['B32 model twice, once escaped', `{"mod\\u0065l":"other",${base}}`, null],
    ['B37 n_discard', `{${base},"n_discard":-1}`, 'n_discard'],
    ['B38 chat_parser', `{${base},"chat_parser":"x"}`, 'chat_parser'],
    ['B38 id_slot', `{${base},"id_slot":0}`, 'id_slot'],
    ['B42 max_tokens below zero', `{${base},"max_tokens":-1}`, 'max_tokens'],
    ['B42 max_tokens beyond reason', `{${base},"max_tokens":1e12}`, 'max_tokens'],
    ['B42 max_tokens as a text', `{${base},"max_tokens":"5"}`, 'max_tokens'],
    ['B42 max_completion_tokens as a text', `{${base},"max_completion_tokens":"5"}`, 'max_completion_tokens'],
    ['B42 max_tokens with a fraction', `{${base},"max_tokens":1.5}`, 'max_tokens'],
    ['B43 temperature below zero', `{${base},"temperature":-1}`, 'temperature'],
    ['B43 temperature beyond reason', `{${base},"temperature":1e308}`, 'temperature'],
    ['B43 temperature beyond a double', `{${base},"temperature":1e999}`, 'temperature'],
    ['B44 no messages', '{"model":"fake-model"}', 'messages'],
    ['B44 an empty list of messages', '{"model":"fake-model","messages":[]}', 'messages'],
    ['B44 messages as a text', '{"model":"fake-model","messages":"x"}', 'messages'],
    ['B44 a bad role', '{"model":"fake-model","messages":[{"role":"king","content":"x"}]}', 'messages[0].role'],
    ['B44 no content', '{"model":"fake-model","messages":[{"role":"user"}]}', 'messages[0].content'],
    ['B44 100,000 messages', `{"model":"fake-model","messages":${manyMessages}}`, 'messages'],
    [
      'B46 an image address to fetch',
      '{"model":"fake-model","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}]}',
      'messages[0].content[0].image_url.url',
    ],
    ['B48 10,000 stop strings', `{${base},"stop":${JSON.stringify(Array(10_000).fill('a'))}}`, 'stop'],
    ['B48 n of 1000', `{${base},"n":1000}`, 'n'],
    ['B48 stream as a text', `{${base},"stream":"true"}`, 'stream'],
    ['B51 base_url', `{${base},"base_url":"http://evil.com"}`, 'base_url'],
    ['no model', '{"messages":[{"role":"user","content":"x"}]}', 'model'],
    ['an empty model', '{"model":"","messages":[{"role":"user","content":"x"}]}', 'model'],
    ['B39 a model name of 4 KiB', JSON.stringify({ model: 'x'.repeat(4096), messages }), 'model'],
  ])('%s is refused, naming the field', async (_name, body, param) => {
    const { started } = await rig.fake.state();
    const answer = await rig.post('/v1/chat/completions', body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('x-ranch-reason')).toBe('bad-request');
    const { error } = (await answer.json()) as ErrorBody;
    expect(error).toMatchObject({ type: 'invalid_request_error', param });
    if (param !== null) expect(error.message).toContain(param);
    expect((await rig.fake.state()).started).toBe(started);
  });

  it('B33 a body that is not UTF-8 is refused', async () => {
    const body = Buffer.from(`{${base}}`.replace('Hello', 'H\xffllo'), 'latin1');
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers, body });
    expect(answer.status).toBe(400);
  });

  it.each(['gpt-4o', '../../x', 'C:\\x', 'a\u0000b', '__proto__', 'ranch/other', 'Fake-Model'])(
    'B41 the unknown model %j is a 404, never another model',
    async (model) => {
      const { started } = await rig.fake.state();
      const answer = await rig.chat({ model });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('x-ranch-reason')).toBe('unknown-model');
      expect(((await answer.json()) as ErrorBody).error.code).toBe('model_not_found');
      expect((await rig.fake.state()).started).toBe(started);
    },
  );

  it('B31 keys such as __proto__ are dropped and change nothing', async () => {
    const answer = await rig.post(
      '/v1/chat/completions',
      `{${base},"__proto__":{"stream":true},"constructor":{"x":1}}`,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/json');
    const { lastBody } = await rig.fake.state();
    expect(lastBody).not.toContain('__proto__');
    expect(Reflect.get({}, 'stream')).toBeUndefined();
  });

  it('drops unknown fields and names them, and sends on only what is known', async () => {
    const answer = await rig.chat({ user: 'me', store: false, metadata: { a: 'b' }, keep_alive: -1, seed: 7 });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ranch-ignored')).toBe('user, store, metadata, keep_alive');
    const { lastBody, lastHead } = await rig.fake.state();
    expect(JSON.parse(lastBody)).toEqual({ model: 'fake-model', messages, seed: 7, max_tokens: 4096 });
    expect(
      lastHead
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(':')[0]),
    ).toEqual(['Host', 'Content-Type', 'Authorization', 'Content-Length']);
    expect(lastHead).toContain('Bearer engine-key');
  });

  it('tells on every answer where it came from', async () => {
    const unlike = [{ role: 'user', content: 'Who answers?' }];
    const answer = await rig.chat({ model: 'ranch/auto', messages: unlike });
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('x-ranch-')));
    expect(headers).toEqual({
      'x-ranch-trace': expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      'x-ranch-route': 'local',
      'x-ranch-node': 'node-under-test',
      'x-ranch-upstream': 'fake',
      'x-ranch-model': 'fake-model',
      'x-ranch-reason': 'local-idle',
    });
  });

  it('takes what real callers send', async () => {
    const answer = await rig.chat({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'One' },
            { type: 'text', text: 'two' },
          ],
        },
        { role: 'user', content: 'Three', name: 'ann' },
      ],
      max_completion_tokens: 99,
      stream_options: { include_usage: true },
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
      tools: [],
      tool_choice: 'auto',
      temperature: null,
      stop: 'END',
      n: 1,
    });
    expect(answer.status).toBe(200);
    expect(JSON.parse((await rig.fake.state()).lastBody)).toEqual({
      model: 'fake-model',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'One\ntwo' },
        { role: 'user', content: 'Three', name: 'ann' },
      ],
      max_tokens: 99,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
      stop: ['END'],
    });
  });

  const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } };

  it.each([
    [
      'a tool message',
      { messages: [...messages, { role: 'tool', tool_call_id: 'c1', content: '4' }] },
      'messages[1].role',
      'tools',
    ],
    ['a call of a tool', { messages: [{ role: 'assistant', tool_calls: [call] }] }, 'messages[0].tool_calls', 'tools'],
    ['logprobs', { logprobs: true, top_logprobs: 2 }, 'logprobs', 'logprobs'],
  ])('refuses %s for a model that cannot, before anything is sent', async (_name, fields, param, capability) => {
    const { started } = await rig.fake.state();
    const answer = await rig.chat(fields);
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as ErrorBody;
    expect(error).toMatchObject({ code: 'unsupported_capability', type: 'invalid_request_error', param });
    expect(error.message).toContain(`(${capability})`);
    expect((await rig.fake.state()).started).toBe(started);
  });

  it('refuses logprobs of a text completion, and takes what asks for none', async () => {
    const completion = { model: 'fake-model', prompt: 'x' };
    const refused = await rig.post('/v1/completions', { ...completion, logprobs: 0 });
    expect(((await refused.json()) as ErrorBody).error).toMatchObject({ param: 'logprobs' });
    expect(refused.status).toBe(400);
    expect((await rig.post('/v1/completions', { ...completion, logprobs: null })).status).toBe(200);
    expect((await rig.chat({ logprobs: false })).status).toBe(200);
    expect((await rig.chat({ messages: [{ role: 'assistant', content: 'x', tool_calls: [] }] })).status).toBe(200);
  });

  it.each([
    [0, 400],
    [0.009, 400],
    [0.01, 200],
    [100, 200],
    [100.1, 400],
  ])('B43 repeat_penalty %d is answered with %d', async (penalty, status) => {
    expect((await rig.chat({ repeat_penalty: penalty })).status).toBe(status);
  });

  it('keeps the field that the engine names in its own refusal', async () => {
    const body = JSON.stringify({
      error: { message: 'No such token.', type: 'invalid_request_error', param: 'logit_bias' },
    });
    const raw = `HTTP/1.1 400 X\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await rig.fake.behave({ fault: 'raw', raw });
    const answer = await rig.chat();
    await rig.fake.behave({});
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as ErrorBody).error).toMatchObject({
      param: 'logit_bias',
      message: 'No such token.',
    });
  });

  it('refuses tools and images for a model without them, naming the capability', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
    const withTools = await rig.chat({ tools });
    expect(withTools.status).toBe(400);
    const { error } = (await withTools.json()) as ErrorBody;
    expect(error).toMatchObject({ code: 'unsupported_capability', param: 'tools' });
    expect(error.message).toContain('(tools)');
    const url =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=';
    const withImage = await rig.chat({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    });
    expect(((await withImage.json()) as ErrorBody).error.message).toContain('(vision)');
    rig.description = {
      ...rig.description,
      models: rig.description.models.map((model) => ({ ...model, capabilities: [...model.capabilities, 'tools'] })),
    };
    expect((await rig.chat({ tools })).status).toBe(200);
    expect(JSON.parse((await rig.fake.state()).lastBody)).toMatchObject({ tools });
  });

  it('answers /health and /v1/models, with HEAD too', async () => {
    const health = await fetch(`${rig.url}/health`);
    expect(await health.json()).toEqual({ status: 'ok' });
    expect(health.headers.get('x-ranch-node')).toBe('node-under-test');
    expect((await fetch(`${rig.url}/v1/models`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${rig.url}/v1/models?limit=5`)).status).toBe(200);
  });
});
