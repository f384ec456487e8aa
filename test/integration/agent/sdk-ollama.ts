import { Ollama, type ChatResponse, type Message } from 'ollama';
import { describe, expect, it } from 'vitest';
import { toolCall } from '../../fixtures/tool-call-model.ts';
import { contextLength, longTask, NotingFetch, type SdkSite } from './sdk-site.ts';

type SiteOf = (context: { skip(note: string): never }) => SdkSite;

const messages: Message[] = [{ role: 'user', content: 'What is the weather in Oslo?' }];
const tools = [
  {
    type: 'function',
    function: {
      name: toolCall.name,
      description: 'The weather in a city',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', description: 'Its name' } },
        required: ['city'],
      },
    },
  },
];

function clientOf(site: SdkSite, fetcher: typeof fetch = fetch): Ollama {
  return new Ollama({ host: site.url, fetch: fetcher });
}

/** The ollama library on one real engine. */
export function sdkOllama(siteOf: SiteOf): void {
  describe('the ollama library', () => {
    it('streams a chat, with counts and times in the last line', async (context) => {
      const site = siteOf(context);
      const noted = new NotingFetch();
      const stream = await clientOf(site, noted.fetch).chat({
        model: site.talker,
        messages: [{ role: 'user', content: longTask }],
        options: { num_predict: 24, temperature: 0 },
        keep_alive: '10m',
        stream: true,
      });
      const lines: ChatResponse[] = [];
      for await (const line of stream) lines.push(line);
      expect(lines.filter(({ message }) => message.content !== '').length).toBeGreaterThan(10);
      const last = lines.at(-1);
      expect(last).toMatchObject({ done: true, done_reason: 'length', eval_count: 24 });
      for (const field of ['total_duration', 'prompt_eval_count', 'prompt_eval_duration', 'eval_duration'] as const) {
        expect(last?.[field], field).toBeGreaterThan(0);
      }
      const trace = await site.trace(noted.answers[0]?.trace);
      expect(trace).toMatchObject({ state: 'done', upstream: site.engine, promptTokens: last?.prompt_eval_count });
      expect(trace.translatedFrom).toBe(site.engine === 'ollama' ? null : 'openai');
    });

    it('generates, and embeds in both of its ways', async (context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const made = await client.generate({
        model: site.talker,
        prompt: longTask,
        options: { num_predict: 8, temperature: 0 },
      });
      expect(made).toMatchObject({ done: true, done_reason: 'length', eval_count: 8 });
      expect(made.response?.length).toBeGreaterThan(3);
      if (site.engine === 'ollama') {
        await expect(client.embed({ model: site.talker, input: 'one' })).rejects.toMatchObject({ status_code: 400 });
        return;
      }
      const { embeddings } = await client.embed({ model: site.talker, input: ['one', 'two'] });
      expect(embeddings.map((row) => row.length)).toEqual([640, 640]);
      const { embedding } = await client.embeddings({ model: site.talker, prompt: 'one' });
      expect(embedding).toHaveLength(640);
    });

    it.for([false, true])('has a tool called and answers it, two turns (stream: %s)', async (stream, context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const talk = [...messages];
      for (const turn of [1, 2]) {
        const body = { model: site.caller, messages: talk, tools };
        const lines: ChatResponse[] = [];
        if (stream) for await (const line of await client.chat({ ...body, stream: true })) lines.push(line);
        else lines.push(await client.chat({ ...body, stream: false }));
        const calls = lines.flatMap(({ message }) => message.tool_calls ?? []);
        expect(
          calls.map((call) => call.function),
          `turn ${turn}`,
        ).toMatchObject([toolCall]);
        talk.push(
          { role: 'assistant', content: '', tool_calls: calls },
          { role: 'tool', tool_name: toolCall.name, content: 'It rains.' },
        );
      }
    });

    it('shows and lists what the models are', async (context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const talker = await client.show({ model: site.talker });
      expect(talker.details).toMatchObject({ family: 'gemma3', quantization_level: 'Q4_K_M', format: 'gguf' });
      const info = new Map(Object.entries(talker.model_info));
      expect(info.get('general.architecture')).toBe('gemma3');
      expect(info.get('gemma3.context_length')).toBe(contextLength);
      expect(info.get('gemma3.embedding_length')).toBe(640);
      expect(info.get('gemma3.block_count')).toBe(18);
      expect(info.get('general.parameter_count')).toBeGreaterThan(2.6e8);
      expect(talker.capabilities).toContain('completion');
      expect(talker.capabilities).not.toContain('tools');
      expect((await client.show({ model: site.caller })).capabilities).toContain('tools');
      const { models } = await client.list();
      const listed = models.find(({ name }) => name.startsWith(site.talker));
      expect((listed?.size ?? 0) / 253_113_024).toBeCloseTo(1, 1);
      expect(listed).toMatchObject({ details: { family: 'gemma3' } });
      expect(listed?.digest).toMatch(/^[0-9a-f]{64}$/);
      const running = await client.ps();
      expect(running.models.map(({ name }) => name).some((name) => name.startsWith(site.talker))).toBe(true);
      expect((await client.version()).version).toMatch(/^\d+\.\d+\.\d+$/);
    });

    it('throws its own error with the status', async (context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const ask = (more: object) =>
        client.chat({ model: site.talker, messages, ...more, stream: false }).then(
          () => null,
          (error: unknown) => error,
        );
      const unknown = await ask({ model: 'no-such-model' });
      expect(unknown).toMatchObject({ name: 'ResponseError', status_code: 404 });
      expect(String(unknown)).toContain('no-such-model');
      expect(await ask({ options: { temperature: 'hot' } })).toMatchObject({ status_code: 400 });
      const without = await ask({ tools });
      expect(without).toMatchObject({ status_code: 400 });
      expect(String(without)).toContain('does not support tools');
      await expect(client.show({ model: 'no-such-model' })).rejects.toMatchObject({ status_code: 404 });
    });

    it('is refused at once when there is no slot, with Retry-After', async (context) => {
      const site = siteOf(context);
      const release = await site.fill();
      const noted = new NotingFetch();
      // This library never tries again by itself.
      const refused = clientOf(site, noted.fetch).chat({ model: site.talker, messages });
      await expect(refused).rejects.toMatchObject({ status_code: 503 });
      expect(noted.answers[0]?.retryAfterS).toBeGreaterThan(0);
      await release();
      const answer = await clientOf(site).chat({ model: site.talker, messages, options: { num_predict: 2 } });
      expect(answer.done).toBe(true);
    });
  });
}
