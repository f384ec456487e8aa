import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTestEngine } from '../../../build/test-engines/provision.ts';
import { testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { readyClient, snapshotWhere } from './real-agent.ts';

const gemma = findTestEngine(testEnginesFolder(process.env), 'gemma');

/** The self-test model is always there; the real one where the test engines are. */
const models = [
  { name: 'the self-test model', path: null, prompt: 'hello' },
  { name: 'the real 270M model', path: gemma ?? null, prompt: 'The capital of France is' },
];

describe.each(models)('the openai client on $name', ({ name, path, prompt }) => {
  let agent: AgentProcess | undefined;
  let openai: OpenAI;

  beforeAll(async () => {
    if (name !== 'the self-test model' && path === null) return;
    agent = await startAgent({ args: path === null ? [] : ['--set', `models.default=${path}`] });
    await readyClient(agent);
    openai = new OpenAI({ baseURL: `${agent.gatewayUrl}/v1`, apiKey: 'not-needed', maxRetries: 0 });
  });

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
  });

  /** Skips, or fails where engines are required, when the model is not there. */
  const need = (context: { skip(note: string): never }): void => {
    if (!agent) testEngine(context, 'gemma');
  };

  const messages = [{ role: 'user' as const, content: prompt }];

  it('lists the model and answers for it by name', async (context) => {
    need(context);
    const { data } = await openai.models.list();
    expect(data.length).toBeGreaterThan(0);
    const [first] = data;
    const completion = await openai.chat.completions.create({
      model: first?.id ?? '',
      messages,
      max_completion_tokens: 8,
      temperature: 0,
    });
    expect(completion.choices[0]?.message.content?.length).toBeGreaterThan(0);
    expect(completion.usage?.completion_tokens).toBeGreaterThan(0);
    expect((await openai.models.retrieve(first?.id ?? '')).id).toBe(first?.id);
  });

  it('streams, with usage at the end when asked', async (context) => {
    need(context);
    const stream = await openai.chat.completions.create({
      model: 'ranch/auto',
      messages,
      max_completion_tokens: 12,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let pieces = 0;
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      const piece = chunk.choices[0]?.delta.content ?? '';
      if (piece !== '') pieces += 1;
      text += piece;
      usage ??= chunk.usage;
    }
    expect(pieces).toBeGreaterThan(3);
    expect(text.length).toBeGreaterThan(10);
    expect(usage?.completion_tokens).toBeGreaterThanOrEqual(pieces);
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
  });

  it('completes text, and stops at max_tokens', async (context) => {
    need(context);
    const completion = await openai.completions.create({ model: 'ranch/auto', prompt, max_tokens: 4, temperature: 0 });
    expect(completion.choices[0]?.finish_reason).toBe('length');
    expect(completion.usage?.completion_tokens).toBe(4);
  });

  it('embeds', async (context) => {
    need(context);
    const { data, usage } = await openai.embeddings.create({ model: 'ranch/auto', input: ['one', 'two'] });
    expect(data).toHaveLength(2);
    const [one, two] = data.map((row) => row.embedding);
    expect(one?.length).toBe(two?.length);
    expect(one?.some((value) => value !== 0)).toBe(true);
    expect(usage.prompt_tokens).toBeGreaterThan(0);
  });

  it('aborts, and the node is idle soon', async (context) => {
    need(context);
    if (!agent) throw new Error('no agent');
    const stream = await openai.chat.completions.create({
      model: 'ranch/auto',
      messages,
      max_completion_tokens: 1_000,
      stream: true,
    });
    await stream[Symbol.asyncIterator]().next();
    stream.controller.abort();
    await snapshotWhere(agent, ({ gateway, engines }) => gateway.inFlight === 0 && engines[0]?.slots.busy === 0);
  });

  it('gets the error classes it knows: 404 for an unknown model, 400 for a wrong type', async (context) => {
    need(context);
    const unknown = openai.chat.completions.create({ model: 'no-such-model', messages });
    await expect(unknown).rejects.toBeInstanceOf(NotFoundError);
    await expect(unknown).rejects.toMatchObject({ code: 'model_not_found' });
    const wrong = openai.chat.completions.create({
      model: 'ranch/auto',
      messages,
      max_completion_tokens: '5' as unknown as number,
    });
    await expect(wrong).rejects.toBeInstanceOf(BadRequestError);
    await expect(wrong).rejects.toThrow(/max_completion_tokens/);
  });
});
