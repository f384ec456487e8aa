import OpenAI, { APIError, BadRequestError, InternalServerError, NotFoundError } from 'openai';
import { describe, expect, it } from 'vitest';
import { toolCall, tools } from '../../fixtures/tool-call-model.ts';
import { contextLength, longTask, NotingFetch, type SdkSite } from './sdk-site.ts';

type SiteOf = (context: { skip(note: string): never }) => SdkSite;
type ChatMessage = OpenAI.ChatCompletionMessageParam;

const messages: ChatMessage[] = [{ role: 'user', content: 'What is the weather in Oslo?' }];

function clientOf(site: SdkSite, more: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
  return new OpenAI({ baseURL: site.openAiUrl, apiKey: 'none', maxRetries: 0, ...more });
}

/** The openai library on one real engine. */
export function sdkOpenAi(siteOf: SiteOf): void {
  describe('the openai library', () => {
    it('streams pieces, with usage at the end; the trace knows the same counts and the times', async (context) => {
      const site = siteOf(context);
      const { data, response } = await clientOf(site)
        .chat.completions.create({
          model: site.talker,
          messages: [{ role: 'user', content: longTask }],
          max_completion_tokens: 24,
          temperature: 0,
          stream: true,
          stream_options: { include_usage: true },
        })
        .withResponse();
      let pieces = 0;
      let finish: string | null = null;
      let usage: OpenAI.CompletionUsage | null = null;
      for await (const chunk of data) {
        if ((chunk.choices[0]?.delta.content ?? '') !== '') pieces += 1;
        finish = chunk.choices[0]?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
      }
      expect(pieces).toBeGreaterThan(10);
      expect(finish).toBe('length');
      expect(usage?.completion_tokens).toBe(24);
      expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + 24);
      expect(response.headers.get('x-ranch-upstream')).toBe(site.engine);
      const trace = await site.trace(response.headers.get('x-ranch-trace'));
      expect(trace).toMatchObject({
        state: 'done',
        upstream: site.engine,
        promptTokens: usage?.prompt_tokens,
        completionTokens: 24,
      });
      expect(trace.ttftMs).toBeGreaterThan(0);
      expect(trace.tokensPerSecond).toBeGreaterThan(0);
    });

    it.for([false, true])('has a tool called and answers it, two turns (stream: %s)', async (stream, context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const talk = [...messages];
      for (const turn of [1, 2]) {
        const body = { model: site.caller, messages: talk, tools: structuredClone(tools) as never };
        const message = stream
          ? (await client.chat.completions.stream(body).finalChatCompletion()).choices[0]?.message
          : (await client.chat.completions.create(body)).choices[0]?.message;
        const [call, ...more] = message?.tool_calls ?? [];
        expect(more).toEqual([]);
        if (message === undefined || call?.type !== 'function') throw new Error(`no call in turn ${turn}`);
        expect(call.id.length).toBeGreaterThan(3);
        expect(call.function.name).toBe(toolCall.name);
        expect(JSON.parse(call.function.arguments)).toEqual(toolCall.arguments);
        talk.push(message, { role: 'tool', tool_call_id: call.id, content: 'It rains.' });
      }
    });

    it('runs tools itself, by the loop of its own', async (context) => {
      const site = siteOf(context);
      const asked: unknown[] = [];
      const runner = clientOf(site).chat.completions.runTools(
        {
          model: site.caller,
          messages,
          stream: false,
          tools: [
            {
              type: 'function',
              function: {
                name: toolCall.name,
                description: 'The weather in a city',
                parameters: { type: 'object', properties: { city: { type: 'string' } } },
                parse: JSON.parse,
                function: (input: unknown) => {
                  asked.push(input);
                  return 'It rains.';
                },
              },
            },
          ],
        },
        { maxChatCompletions: 2 },
      );
      await runner.done();
      expect(asked).toEqual([toolCall.arguments, toolCall.arguments]);
    });

    it('answers by a JSON schema, nested, from the real model', async (context) => {
      const site = siteOf(context);
      const schema = {
        type: 'object',
        properties: {
          city: { enum: ['Oslo', 'Bergen'] },
          days: { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 },
        },
        required: ['city', 'days'],
        additionalProperties: false,
      };
      const answer = await clientOf(site).chat.completions.create({
        model: site.talker,
        messages: [{ role: 'user', content: 'The city of Oslo, and two days, as JSON.' }],
        max_completion_tokens: 200,
        temperature: 0,
        response_format: { type: 'json_schema', json_schema: { name: 'trip', schema, strict: true } },
      });
      const said = JSON.parse(answer.choices[0]?.message.content ?? '') as { city: string; days: number[] };
      expect(['Oslo', 'Bergen']).toContain(said.city);
      expect(said.days.every((day) => Number.isInteger(day))).toBe(true);
      expect(Object.keys(said).sort()).toEqual(['city', 'days']);
    });

    it('stops at a stop sequence, repeats itself by a seed', async (context) => {
      const site = siteOf(context);
      const ask = (more: object) =>
        clientOf(site).completions.create({
          model: site.talker,
          prompt: '1 2 3 4 5 6',
          max_tokens: 24,
          seed: 7,
          temperature: 0,
          ...more,
        });
      const whole = (await ask({})).choices[0]?.text ?? '';
      expect((await ask({})).choices[0]?.text).toBe(whole);
      const mark = whole.slice(Math.floor(whole.length / 2), Math.floor(whole.length / 2) + 2);
      const cut = (await ask({ stop: [mark] })).choices[0];
      expect(cut?.finish_reason).toBe('stop');
      expect(cut?.text).toBe(whole.slice(0, whole.indexOf(mark)));
    });

    it('embeds', async (context) => {
      const site = siteOf(context);
      const embed = (encoding_format: 'float' | 'base64') =>
        clientOf(site).embeddings.create({ model: site.talker, input: ['one', 'two'], encoding_format });
      if (site.engine === 'ollama') {
        // Ollama embeds with models that were made for it, which this one was not.
        await expect(embed('float')).rejects.toBeInstanceOf(BadRequestError);
        await expect(embed('float')).rejects.toThrow('does not support embeddings');
        return;
      }
      const { data, usage } = await embed('float');
      expect(data.map(({ index }) => index)).toEqual([0, 1]);
      expect(data[0]?.embedding.length).toBe(640);
      expect(usage.prompt_tokens).toBeGreaterThan(0);
      expect(data[0]?.embedding).not.toEqual(data[1]?.embedding);
    });

    it('lists what the models can do', async (context) => {
      const site = siteOf(context);
      const { data } = await clientOf(site).models.list();
      const listed = (id: string) => data.find((model) => model.id === id || model.id === `${id}:latest`);
      expect(listed(site.talker)).toMatchObject({
        owned_by: site.engine,
        context_length: contextLength,
        meta: { architecture: 'gemma3', quantization: 'Q4_K_M', n_ctx: contextLength, n_ctx_train: 32_768 },
      });
      expect(listed(site.caller)).toMatchObject({
        capabilities: expect.arrayContaining(['chat', 'tools']) as string[],
        meta: { architecture: 'llama', n_ctx_train: 16_384 },
      });
      expect((await clientOf(site).models.retrieve(site.talker)).id).toContain(site.talker);
    });

    it('throws the classes it knows, with code and what to do', async (context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const ask = (more: object) =>
        client.chat.completions.create({ model: site.talker, messages, max_completion_tokens: 4, ...more }).then(
          () => null,
          (error: unknown) => error,
        );
      const unknown = await ask({ model: 'no-such-model' });
      expect(unknown).toBeInstanceOf(NotFoundError);
      expect(unknown).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
      const wrong = await ask({ temperature: 'hot' });
      expect(wrong).toBeInstanceOf(BadRequestError);
      expect(wrong).toMatchObject({ status: 400, param: 'temperature' });
      const long = await ask({ messages: [{ role: 'user', content: 'horse '.repeat(4 * contextLength) }] });
      expect(long).toBeInstanceOf(BadRequestError);
      expect(long).toMatchObject({ status: 400, code: 'context_length_exceeded' });
      expect(await ask({ max_completion_tokens: 1 })).toBeNull();
    });

    it('is refused at once when there is no slot, and its retry comes after Retry-After', async (context) => {
      const site = siteOf(context);
      const release = await site.fill();
      const noted = new NotingFetch();
      const ask = (maxRetries: number) =>
        clientOf(site, { fetch: noted.fetch, maxRetries }).chat.completions.create({
          model: site.talker,
          messages,
          max_completion_tokens: 2,
        });
      const refused: unknown = await ask(0).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(InternalServerError);
      expect(refused).toMatchObject({ status: 503, code: 'too_busy' });
      if (!(refused instanceof APIError)) throw new Error('no error of the library');
      const again = ask(6);
      await noted.count(2);
      await release();
      expect((await again).choices).toHaveLength(1);
      noted.expectHonoured(1);
    });
  });
}
