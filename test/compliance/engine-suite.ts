import { expect, it } from 'vitest';

/** An engine under test: where its process answers, and what to expect of its model. */
export interface EngineUnderTest {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly slots: number;
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface Answer {
  readonly text: string;
  readonly finish: string;
  readonly usage: Usage | null;
  readonly timings: Readonly<Record<string, number>> | null;
  /** Events with text, when streamed. */
  readonly pieces: number;
}

interface ChatChunk {
  readonly choices: readonly {
    readonly message?: { readonly content: string };
    readonly delta?: { readonly content?: string };
    readonly text?: string;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Usage;
  readonly timings?: Readonly<Record<string, number>>;
}

async function post(
  engine: EngineUnderTest,
  path: string,
  body: object | string,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${engine.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${engine.key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
}

export async function get(engine: EngineUnderTest, path: string): Promise<unknown> {
  const response = await fetch(`${engine.url}${path}`, { headers: { authorization: `Bearer ${engine.key}` } });
  return response.json();
}

const textOf = (chunk: ChatChunk): string => {
  const [choice] = chunk.choices;
  return choice?.message?.content ?? choice?.delta?.content ?? choice?.text ?? '';
};

/** Asks and reads the whole answer, streamed or not. */
export async function ask(engine: EngineUnderTest, path: string, body: object): Promise<Answer> {
  const response = await post(engine, path, body);
  const raw = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${raw}`);
  if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
    return fold([JSON.parse(raw) as ChatChunk]);
  const events = raw.split('\n\n').filter((event) => event !== '');
  expect(events.pop()).toBe('data: [DONE]');
  return fold(events.map((event) => JSON.parse(event.replace(/^data: /, '')) as ChatChunk));
}

function fold(chunks: readonly ChatChunk[]): Answer {
  return {
    text: chunks.map(textOf).join(''),
    finish: chunks.map((chunk) => chunk.choices[0]?.finish_reason ?? '').join(''),
    usage: chunks.find((chunk) => chunk.usage)?.usage ?? null,
    timings: chunks.find((chunk) => chunk.timings)?.timings ?? null,
    pieces: chunks.filter((chunk) => textOf(chunk) !== '').length,
  };
}

const chat = '/v1/chat/completions';
const completions = '/v1/completions';
const messages = [{ role: 'user', content: 'Tell me a story about a horse.' }];

interface Props {
  readonly slots: { readonly total: number; readonly busy: number; readonly waiting: number };
}

/** Resolves when no slot is busy; the engine frees them by itself. */
async function idle(engine: EngineUnderTest): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const { slots } = (await get(engine, '/props')) as Props;
    if (slots.busy === 0 && slots.waiting === 0) return performance.now() - startMs;
  }
}

/**
 * What every engine that the gateway talks to must do, whatever its model. `longTokens` is the length of an answer that takes a
 * while; forbidding `endTokens` makes the model go on for so long.
 */
export function engineSuite(
  engine: () => EngineUnderTest,
  options: { longTokens: number; endTokens: readonly number[]; controlTexts: readonly string[] },
): void {
  const { longTokens, endTokens, controlTexts } = options;

  it('answers a chat, streamed and plain alike at temperature 0', async () => {
    const body = { messages, temperature: 0, max_tokens: 12 };
    const plain = await ask(engine(), chat, body);
    const streamed = await ask(engine(), chat, { ...body, stream: true, stream_options: { include_usage: true } });
    expect(plain.text).not.toBe('');
    expect(streamed.text).toBe(plain.text);
    expect(streamed.finish).toBe(plain.finish);
    expect(streamed.pieces).toBeGreaterThan(1);
    expect(streamed.usage?.completion_tokens).toBe(plain.usage?.completion_tokens);
  });

  it('continues a text', async () => {
    const answer = await ask(engine(), completions, { prompt: 'Once upon a time', temperature: 0, max_tokens: 5 });
    expect(answer).toMatchObject({ finish: 'length', usage: { completion_tokens: 5 } });
    const echoed = await ask(engine(), completions, {
      prompt: 'Once upon a time',
      temperature: 0,
      max_tokens: 5,
      echo: true,
    });
    expect(echoed.text).toBe(`Once upon a time${answer.text}`);
  });

  it('gives usage only in the last event and only if asked', async () => {
    const body = { messages, max_tokens: 3, stream: true };
    expect((await ask(engine(), chat, body)).usage).toBeNull();
    const { usage } = await ask(engine(), chat, { ...body, stream_options: { include_usage: true } });
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
  });

  it('reads a prompt once: the same one comes from the cache', async () => {
    const body = {
      messages: [{ role: 'user', content: `Say something about the number ${longTokens}, please.` }],
      max_tokens: 2,
    };
    await ask(engine(), chat, body);
    const { usage, timings } = await ask(engine(), chat, body);
    expect(usage?.prompt_tokens_details.cached_tokens).toBe((usage?.prompt_tokens ?? 0) - 1);
    expect(timings).toMatchObject({ prompt_n: 1, cache_n: usage?.prompt_tokens_details.cached_tokens });
  });

  it('ends at max_tokens, exactly', async () => {
    for (const max_tokens of [0, 1, 4]) {
      const { finish, usage } = await ask(engine(), chat, { messages, max_tokens, temperature: 0 });
      expect({ finish, tokens: usage?.completion_tokens }).toEqual({ finish: 'length', tokens: max_tokens });
    }
  });

  it('ends before a stop string, whichever tokens it lies in', async () => {
    const whole = await ask(engine(), completions, { prompt: 'Once upon a time', temperature: 0, max_tokens: 8 });
    const stop = whole.text.slice(3, 7);
    for (const stream of [false, true]) {
      const cut = await ask(engine(), completions, {
        prompt: 'Once upon a time',
        temperature: 0,
        max_tokens: 8,
        stop: [stop, 'never-there'],
        stream,
      });
      expect(cut).toMatchObject({ text: whole.text.slice(0, whole.text.indexOf(stop)), finish: 'stop' });
    }
  });

  it('says the same for the same seed', async () => {
    const body = { prompt: 'My favourite animal is', temperature: 0.9, seed: 42, max_tokens: 8 };
    // The first one reads the prompt; from then on it comes from the cache, so that the arithmetic is the same too.
    await ask(engine(), completions, body);
    const [first, second] = [await ask(engine(), completions, body), await ask(engine(), completions, body)];
    expect(second.text).toBe(first.text);
  });

  it('obeys biases and penalties without failing', async () => {
    const plain = await ask(engine(), completions, { prompt: 'a b c', temperature: 0, max_tokens: 4 });
    const { tokens } = (await (await post(engine(), '/tokenize', { content: plain.text })).json()) as {
      tokens: number[];
    };
    const logit_bias = Object.fromEntries(tokens.map((token) => [String(token), -100]));
    const biased = await ask(engine(), completions, {
      prompt: 'a b c',
      temperature: 0,
      max_tokens: 4,
      logit_bias,
      presence_penalty: 1,
      frequency_penalty: 1,
    });
    expect(biased.usage?.completion_tokens).toBeLessThanOrEqual(4);
  });

  it('holds an answer to a JSON schema', { timeout: 240_000 }, async () => {
    const schema = {
      type: 'object',
      properties: { ok: { type: 'boolean' }, kind: { enum: ['horse', 'cow'] } },
      required: ['ok', 'kind'],
      additionalProperties: false,
    };
    for (const stream of [false, true]) {
      const answer = await ask(engine(), chat, {
        messages,
        max_tokens: 40,
        temperature: 0,
        stream,
        response_format: { type: 'json_schema', json_schema: { name: 'animal', schema } },
      });
      expect(answer.finish).toBe('stop');
      expect(JSON.parse(answer.text)).toEqual({
        ok: expect.any(Boolean) as boolean,
        kind: expect.stringMatching(/^(horse|cow)$/) as string,
      });
      expect(answer.text).toBe(answer.text.trim());
    }
  });

  it('turns text into vectors, as numbers and as base64', async () => {
    const plain = await post(engine(), '/v1/embeddings', { input: ['a horse', 'a cow'] });
    const { data, usage } = (await plain.json()) as { data: { embedding: number[]; index: number }[]; usage: Usage };
    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    expect(data[0]?.embedding.some((value) => value !== 0)).toBe(true);
    expect(usage.prompt_tokens).toBeGreaterThan(1);
    const packed = await post(engine(), '/v1/embeddings', { input: 'a horse', encoding_format: 'base64' });
    const [first] = ((await packed.json()) as { data: { embedding: string }[] }).data;
    const bytes = Buffer.from(first?.embedding ?? '', 'base64');
    const values = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
    expect(values).toHaveLength(data[0]?.embedding.length ?? 0);
    for (const [index, value] of values.entries())
      expect(value).toBeCloseTo(data[0]?.embedding[index] ?? Number.NaN, 2);
  });

  it('cuts vectors to the dimensions asked for, at length 1, and refuses more than there are', async () => {
    const vectorOf = async (dimensions?: number): Promise<number[]> => {
      const response = await post(engine(), '/v1/embeddings', { input: 'a horse', dimensions });
      const { data } = (await response.json()) as { data: { embedding: number[] }[] };
      return data[0]?.embedding ?? [];
    };
    const whole = await vectorOf();
    const cut = await vectorOf(8);
    expect(cut).toHaveLength(8);
    const norm = Math.hypot(...whole.slice(0, 8));
    for (const [index, value] of cut.entries()) {
      expect(value).toBeCloseTo(norm === 0 ? 0 : (whole[index] ?? Number.NaN) / norm, 5);
    }
    expect(await vectorOf(whole.length)).toEqual(whole);
    const beyond = await post(engine(), '/v1/embeddings', { input: 'a horse', dimensions: whole.length + 1 });
    expect(beyond.status).toBe(400);
    expect(await beyond.json()).toMatchObject({ error: { param: 'dimensions', code: 'invalid_request' } });
  });

  it('B50 control tokens in content are plain text', async () => {
    const tokensOf = async (content: string): Promise<number[]> => {
      const response = await post(engine(), '/tokenize', { content });
      return ((await response.json()) as { tokens: number[] }).tokens;
    };
    for (const control of controlTexts) {
      expect((await tokensOf(`${control}x`)).length).toBeGreaterThan((await tokensOf('x')).length + 1);
    }
  });

  it('B49 a prompt over the context is named with its numbers, not cut', async () => {
    const response = await post(engine(), completions, { prompt: 'horse '.repeat(40_000), max_tokens: 1 });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as {
      error: { code: string; message: string; prompt_tokens: number; context_tokens: number };
    };
    expect(error.code).toBe('context_length_exceeded');
    expect(error.prompt_tokens).toBeGreaterThan(error.context_tokens);
    expect(error.message).toContain(String(error.prompt_tokens));
    expect(error.message).toContain(String(error.context_tokens));
  });

  it.each([
    ['B29 broken JSON', chat, '{"messages":'],
    ['B29 NaN', chat, '{"messages":[{"role":"user","content":"x"}],"temperature":NaN}'],
    ['no object', chat, '[]'],
    ['B44 no messages', chat, { messages: [] }],
    ['a token that there is not', completions, { prompt: [4_000_000] }],
    ['a bias for a token that there is not', completions, { prompt: 'x', logit_bias: { 4000000: 1 } }],
    ['an empty input', '/v1/embeddings', { input: '' }],
  ])('refuses %s with 400 and goes on', async (_, path, body) => {
    const response = await post(engine(), path, body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { code: string } }).error.code).toBe('invalid_request');
    expect((await ask(engine(), chat, { messages, max_tokens: 1 })).usage?.completion_tokens).toBe(1);
  });

  it('B14 B15 answers nothing without the key', async () => {
    const { url } = engine();
    for (const headers of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: `Bearer ${'x'.repeat(engine().key.length)}` },
    ]) {
      for (const path of ['/health', '/v1/models', '/props'])
        expect((await fetch(`${url}${path}`, { headers })).status).toBe(401);
    }
  });

  it('works on requests side by side and lets more wait in order', async () => {
    const { slots } = engine();
    const finished: number[] = [];
    await Promise.all(
      Array.from({ length: slots + 2 }, async (_, index) => {
        const answer = await ask(engine(), completions, {
          prompt: `Number ${index} is`,
          temperature: 0,
          max_tokens: 6,
          stream: true,
        });
        expect(answer.usage).toBeNull();
        finished.push(index);
      }),
    );
    expect(finished).toHaveLength(slots + 2);
    // The answers do not mix: each is what it is alone.
    const together = await Promise.all(
      ['One', 'Two'].map((prompt) => ask(engine(), completions, { prompt, temperature: 0, max_tokens: 5 })),
    );
    for (const [index, prompt] of ['One', 'Two'].entries()) {
      expect(together[index]?.text).toBe(
        (await ask(engine(), completions, { prompt, temperature: 0, max_tokens: 5 })).text,
      );
    }
  });

  it('frees the slot at once when the caller leaves: while streaming, before the first token, while waiting', async () => {
    const logit_bias = Object.fromEntries(endTokens.map((token) => [String(token), -100]));
    const long = { prompt: 'Once upon a time', temperature: 0, max_tokens: longTokens, logit_bias };
    const leave = async (stream: boolean, after: (response: Promise<Response>) => Promise<void>): Promise<void> => {
      const caller = new AbortController();
      const response = post(engine(), completions, { ...long, stream }, caller.signal);
      response.catch(() => undefined);
      await after(response);
      caller.abort();
    };
    // Far less than the answers would take here and now; on a machine that is busy, they take longer.
    const pieceMs = performance.now();
    await ask(engine(), completions, { ...long, max_tokens: 20 });
    const freeLimitMs = Math.max(3_000, (((performance.now() - pieceMs) / 20) * longTokens) / 2);
    await leave(true, async (response) => {
      await (await response).body?.getReader().read();
    });
    expect(await idle(engine())).toBeLessThan(freeLimitMs);
    await Promise.all(Array.from({ length: engine().slots + 2 }, () => leave(false, () => Promise.resolve())));
    expect(await idle(engine())).toBeLessThan(freeLimitMs);
  });

  it('lists its model and its figures', async () => {
    expect(await get(engine(), '/v1/models')).toMatchObject({
      object: 'list',
      data: [{ id: engine().model, object: 'model' }],
    });
    expect(await get(engine(), '/health')).toEqual({ status: 'ok' });
    expect(await get(engine(), '/props')).toMatchObject({ slots: { total: engine().slots, busy: 0, waiting: 0 } });
  });
}
