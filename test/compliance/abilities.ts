import { expect } from 'vitest';
import type { Engine } from '../../electron/agent/engines/engine.ts';
import type { Operation } from '../../electron/agent/inference/request.ts';
import type { Capability } from '../../electron/agent/inference/upstream.ts';
import { never, readBody, requestFor } from './port-rig.ts';

type Json = Readonly<Record<string, unknown>>;

const messages = [{ role: 'user', content: 'Tell me a story about a horse.' }];

/** Asks and reads a whole answer that must be good. */
export async function answerOf(engine: Engine, model: string, operation: Operation, body: Json): Promise<Json> {
  const response = await engine.upstream.generate(requestFor(model, operation, body), never);
  const { text, error } = await readBody(response);
  if (error) throw error;
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as Json;
}

/** Asks for a stream that must end well: its events without the end mark. */
async function eventsOf(engine: Engine, model: string, operation: Operation, body: Json): Promise<Json[]> {
  const response = await engine.upstream.generate(requestFor(model, operation, { ...body, stream: true }), never);
  const { text, error } = await readBody(response);
  if (error) throw error;
  expect(response.status, text).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const events = text.split('\n\n').filter((event) => event !== '');
  expect(events.pop()).toBe('data: [DONE]');
  return events.map((event) => JSON.parse(event.replace(/^data: /, '')) as Json);
}

const yesOrNo = {
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
  additionalProperties: false,
};

interface Choice {
  readonly message?: { readonly content?: string | null; readonly tool_calls?: readonly unknown[] };
  readonly delta?: { readonly content?: string | null };
  readonly text?: string;
  readonly finish_reason?: string | null;
  readonly logprobs?: { readonly content?: readonly unknown[] } | null;
}

function choiceOf(answer: Json): Choice | undefined {
  return (answer['choices'] as readonly Choice[] | undefined)?.[0];
}

/** The text of an answer or of one event of it. */
export function textOf(answer: Json): string {
  const choice = choiceOf(answer);
  return choice?.message?.content ?? choice?.delta?.content ?? choice?.text ?? '';
}

function finishOf(answers: readonly Json[]): string | null {
  return answers.map((answer) => choiceOf(answer)?.finish_reason ?? null).find((reason) => reason !== null) ?? null;
}

/** The same question as a whole and as a stream gives the same text, at temperature 0, and ends at the same limit. */
async function bothWays(engine: Engine, model: string, operation: Operation, body: Json): Promise<void> {
  const limited = { ...body, temperature: 0, seed: 1, max_tokens: 8 };
  const whole = await answerOf(engine, model, operation, limited);
  const events = await eventsOf(engine, model, operation, limited);
  expect(textOf(whole)).not.toBe('');
  expect(events.map(textOf).join('')).toBe(textOf(whole));
  expect(events.filter((event) => textOf(event) !== '').length).toBeGreaterThan(1);
  expect(finishOf(events)).toBe(finishOf([whole]));
  const usage = whole['usage'] as { completion_tokens?: number; prompt_tokens?: number } | undefined;
  expect(usage?.completion_tokens).toBeGreaterThan(0);
  expect(usage?.completion_tokens).toBeLessThanOrEqual(8);
  expect(usage?.prompt_tokens).toBeGreaterThan(0);
}

/**
 * How each ability is put to the test. Every one that an engine reports is tested and none is left out: one without an
 * entry here does not compile.
 */
export const abilityTests: Readonly<Record<Capability, (engine: Engine, model: string) => Promise<void>>> = {
  chat: (engine, model) => bothWays(engine, model, 'chat', { messages }),
  completion: (engine, model) => bothWays(engine, model, 'completion', { prompt: 'Once upon a time' }),
  async embedding(engine, model) {
    const answer = await answerOf(engine, model, 'embedding', { input: ['a horse', 'a cow'] });
    const data = answer['data'] as readonly { readonly embedding: readonly number[]; readonly index: number }[];
    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    for (const { embedding } of data) {
      expect(embedding.length).toBeGreaterThan(31);
      expect(embedding.every(Number.isFinite)).toBe(true);
      expect(embedding.some((value) => value !== 0)).toBe(true);
    }
  },
  async json(engine, model) {
    const answer = await answerOf(engine, model, 'chat', {
      messages: [{ role: 'user', content: 'A short JSON object with the key "name".' }],
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'a',
          schema: yesOrNo,
        },
      },
      temperature: 0,
      max_tokens: 64,
    });
    expect(JSON.parse(textOf(answer))).toMatchObject({ ok: expect.any(Boolean) as boolean });
  },
  async logprobs(engine, model) {
    const answer = await answerOf(engine, model, 'chat', { messages, logprobs: true, top_logprobs: 2, max_tokens: 3 });
    const content = choiceOf(answer)?.logprobs?.content ?? [];
    expect(content.length).toBeGreaterThan(0);
    for (const token of content) {
      expect(token).toMatchObject({ token: expect.any(String) as string, logprob: expect.any(Number) as number });
    }
  },
  async tools(engine, model) {
    const tool = {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather in a city',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    };
    const answer = await answerOf(engine, model, 'chat', {
      messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
      tools: [tool],
      temperature: 0,
      max_tokens: 64,
    });
    const message = choiceOf(answer)?.message;
    // Whether a model calls is its own choice; that the engine takes tools and answers in shape is not.
    expect(message?.tool_calls ?? message?.content).toBeTruthy();
  },
  async vision(engine, model) {
    const pixel =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: pixel } },
    ];
    const answer = await answerOf(engine, model, 'chat', { messages: [{ role: 'user', content }], max_tokens: 5 });
    expect(textOf(answer)).not.toBe('');
  },
};
