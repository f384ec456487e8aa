import OpenAI, { BadRequestError, NotFoundError, APIError } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GatewayRig } from '../../fixtures/gateway-rig.ts';

const messages = [{ role: 'user' as const, content: 'Hello' }];

describe('the openai client, unchanged, against the gateway', () => {
  let rig: GatewayRig;
  let client: OpenAI;

  beforeAll(async () => {
    rig = await GatewayRig.start();
    client = new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: 'any', maxRetries: 0 });
  });

  beforeEach(() => rig.fake.behave({}));

  afterAll(() => rig[Symbol.asyncDispose]());

  it('lists models and retrieves one', async () => {
    const { data } = await client.models.list();
    expect(data[0]).toMatchObject({
      id: 'fake-model',
      object: 'model',
      created: 1767225600,
      owned_by: 'fake',
      context_length: 4096,
    });
    expect(data.map(({ id }) => id)).toContain('ranch/auto');
    expect(await client.models.retrieve('fake-model')).toMatchObject({ id: 'fake-model' });
    await expect(client.models.retrieve('absent')).rejects.toBeInstanceOf(NotFoundError);
  });

  it('gets a plain answer', async () => {
    await rig.fake.behave({ tokens: 3 });
    const answer = await client.chat.completions.create({ model: 'fake-model', messages });
    expect(answer.choices[0]?.message.content).toBe('tok0 tok1 tok2 ');
    expect(answer.usage?.completion_tokens).toBe(3);
  });

  it('gets a stream with usage', async () => {
    const stream = await client.chat.completions.create({
      model: 'ranch/auto',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const event of stream) {
      text += event.choices[0]?.delta.content ?? '';
      usage = event.usage ?? usage;
    }
    expect(text).toBe('tok0 tok1 tok2 tok3 tok4 tok5 tok6 tok7 ');
    expect(usage?.completion_tokens).toBe(8);
    expect(rig.gateway.activity()[0]).toMatchObject({
      state: 'done',
      promptTokens: 7,
      completionTokens: 8,
      status: 200,
    });
  });

  it('gets text completions and embeddings', async () => {
    await rig.fake.behave({ tokens: 2 });
    const completion = await client.completions.create({ model: 'fake-model', prompt: 'Once' });
    expect(completion.choices[0]?.text).toBe('tok0 tok1 ');
    const { data } = await client.embeddings.create({
      model: 'fake-model',
      input: ['a', 'b'],
      encoding_format: 'float',
    });
    expect(data).toHaveLength(2);
    expect(data[0]?.embedding).toEqual([0.25, -1, 3]);
  });

  it('stops the upstream on an abort, in the middle of an answer that would go on for minutes', async () => {
    await rig.fake.behave({ tokens: 100_000, intervalMs: 5 });
    const before = await rig.fake.state();
    const stream = await client.chat.completions.create({ model: 'fake-model', messages, stream: true });
    for await (const event of stream) {
      expect(event.choices).toHaveLength(1);
      break;
    }
    stream.controller.abort();
    const after = await rig.fake.idle();
    expect(after.aborted).toBe(before.aborted + 1);
  });

  it('raises NotFoundError for an unknown model', async () => {
    const failure = client.chat.completions.create({ model: 'gpt-unknown', messages });
    await expect(failure).rejects.toBeInstanceOf(NotFoundError);
    await expect(failure).rejects.toMatchObject({ code: 'model_not_found', type: 'invalid_request_error' });
  });

  it('raises BadRequestError for a wrong type', async () => {
    const wrong = JSON.parse('{"max_tokens":"5"}') as object;
    const failure = client.chat.completions.create({ model: 'fake-model', messages, ...wrong });
    await expect(failure).rejects.toBeInstanceOf(BadRequestError);
    await expect(failure).rejects.toMatchObject({ param: 'max_tokens' });
  });

  it('F1 raises an error when the stream breaks, after the tokens that came', async () => {
    await rig.fake.behave({ fault: 'cut', afterTokens: 3 });
    const stream = await client.chat.completions.create({ model: 'fake-model', messages, stream: true });
    let text = '';
    const read = async (): Promise<void> => {
      for await (const event of stream) text += event.choices[0]?.delta.content ?? '';
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
    expect(text).toBe('tok0 tok1 tok2 ');
  });
});
