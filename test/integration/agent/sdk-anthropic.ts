import Anthropic, { BadRequestError, InternalServerError, NotFoundError } from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { toolCall } from '../../fixtures/tool-call-model.ts';
import { contextLength, longTask, NotingFetch, type SdkSite } from './sdk-site.ts';

type SiteOf = (context: { skip(note: string): never }) => SdkSite;

const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'What is the weather in Oslo?' }];
const tools: Anthropic.Tool[] = [
  {
    name: toolCall.name,
    description: 'The weather in a city',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  { name: 'get_time', description: 'The time', input_schema: { type: 'object' } },
];

function clientOf(site: SdkSite, more: ConstructorParameters<typeof Anthropic>[0] = {}): Anthropic {
  return new Anthropic({ baseURL: site.url, apiKey: 'none', maxRetries: 0, ...more });
}

/** The @anthropic-ai/sdk library on one real engine. */
export function sdkAnthropic(siteOf: SiteOf): void {
  describe('the @anthropic-ai/sdk library', () => {
    it('streams all that a message is made of, with its counts', async (context) => {
      const site = siteOf(context);
      const stream = clientOf(site).messages.stream({
        model: site.talker,
        max_tokens: 24,
        temperature: 0,
        system: [{ type: 'text', text: 'You count.', cache_control: { type: 'ephemeral' } }],
        messages: [{ role: 'user', content: longTask }],
        metadata: { user_id: 'u1' },
      });
      const kinds: string[] = [];
      stream.on('streamEvent', (event) => kinds.push(event.type));
      let pieces = 0;
      stream.on('text', () => (pieces += 1));
      const message = await stream.finalMessage();
      expect(pieces).toBeGreaterThan(10);
      expect(kinds[0]).toBe('message_start');
      expect(kinds.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
      expect(message).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'max_tokens' });
      expect(message.usage.output_tokens).toBe(24);
      const prompt = message.usage.input_tokens + (message.usage.cache_read_input_tokens ?? 0);
      const trace = await site.trace(stream.response?.headers.get('x-ranch-trace'));
      expect(trace).toMatchObject({ state: 'done', upstream: site.engine, promptTokens: prompt, completionTokens: 24 });
      expect(trace.ttftMs).toBeGreaterThan(0);
    });

    it.for([false, true])('has a tool used and answers it, two turns (stream: %s)', async (stream, context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const talk = [...messages];
      for (const turn of [1, 2]) {
        const body = { model: site.caller, max_tokens: 100, messages: talk, tools };
        const message = stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
        expect(message.stop_reason).toBe('tool_use');
        const use = message.content.find((block) => block.type === 'tool_use');
        if (use === undefined) throw new Error(`no use in turn ${turn}`);
        expect(use).toMatchObject({ name: toolCall.name, input: toolCall.arguments });
        talk.push(
          { role: 'assistant', content: message.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'It rains.' }] },
        );
      }
    });

    it('counts tokens as the engine does', async (context) => {
      const site = siteOf(context);
      const client = clientOf(site);
      const system = 'You are a rancher who answers in few words.';
      const asked = { model: site.talker, system, messages: [{ role: 'user' as const, content: longTask }] };
      const { input_tokens: counted } = await client.messages.countTokens(asked);
      const { usage } = await client.messages.create({ ...asked, max_tokens: 2 });
      const read = usage.input_tokens + (usage.cache_read_input_tokens ?? 0);
      if (site.engine === 'ollama') {
        // It has no way to count: reckoned, and rather too many than too few.
        expect(counted / read).toBeGreaterThan(0.6);
        expect(counted / read).toBeLessThan(1.7);
      } else expect(counted).toBe(read);
      const withTools = await client.messages.countTokens({ model: site.caller, messages, tools });
      const without = await client.messages.countTokens({ model: site.caller, messages });
      expect(withTools.input_tokens).toBeGreaterThan(without.input_tokens);
    });

    it('lists the models', async (context) => {
      const site = siteOf(context);
      // An engine that the node has adopted tells the context of what it has loaded, and is looked at once a second.
      await clientOf(site).messages.create({ model: site.talker, messages, max_tokens: 1 });
      const talker = async () => (await clientOf(site).models.list()).data.find(({ id }) => id.startsWith(site.talker));
      await expect.poll(talker).toMatchObject({ type: 'model', max_input_tokens: contextLength });
      expect((await clientOf(site).models.retrieve(site.talker)).id).toContain(site.talker);
    });

    it('throws the classes it knows', async (context) => {
      const site = siteOf(context);
      const ask = (more: object) =>
        clientOf(site)
          .messages.create({ model: site.talker, messages, max_tokens: 2, ...more })
          .then(
            () => null,
            (error: unknown) => error,
          );
      const unknown = await ask({ model: 'no-such-model' });
      expect(unknown).toBeInstanceOf(NotFoundError);
      expect(unknown).toMatchObject({ status: 404, error: { error: { type: 'not_found_error' } } });
      const wrong = await ask({ temperature: 'hot' });
      expect(wrong).toBeInstanceOf(BadRequestError);
      expect(String(wrong)).toContain('temperature');
      const long = await ask({ messages: [{ role: 'user', content: 'horse '.repeat(4 * contextLength) }] });
      expect(long).toBeInstanceOf(BadRequestError);
      expect(String(long)).toContain('prompt is too long');
    });

    it('is refused at once when there is no slot, and its retry comes after Retry-After', async (context) => {
      const site = siteOf(context);
      const release = await site.fill();
      const noted = new NotingFetch();
      const ask = (maxRetries: number) =>
        clientOf(site, { fetch: noted.fetch, maxRetries }).messages.create({
          model: site.talker,
          messages,
          max_tokens: 2,
        });
      const refused: unknown = await ask(0).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(InternalServerError);
      expect(refused).toMatchObject({ error: { error: { type: 'overloaded_error' } } });
      const again = ask(6);
      await noted.count(2);
      await release();
      expect((await again).role).toBe('assistant');
      noted.expectHonoured(1);
    });
  });
}
