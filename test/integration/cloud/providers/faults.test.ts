import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../../electron/agent/gateway/gateway.ts';
import { OpenAiUpstream } from '../../../../electron/agent/inference/openai-upstream.ts';
import { usageLimitFault } from '../../../fakes/fake-anthropic-behaviour.ts';
import { FakeAnthropic } from '../../../fakes/fake-anthropic-process.ts';
import { FakeOpenAi } from '../../../fakes/fake-openai-process.ts';
import { FakeOpenAiProvider } from '../../../fakes/fake-openai-provider-process.ts';
import { RecordingSpending } from '../../../unit/gateway/dispatch/recording-spending.ts';
import { price, providerKey, ProvidersRig } from './providers-rig.ts';

/** Longer than an answer of the fakes takes, shorter than a test may. */
const patienceMs = 2_500;
const models = [{ id: 'big', contextLength: 200_000, maxOutputTokens: 1_000 }];
const money = new RecordingSpending(price);

let anthropic: FakeAnthropic;
let openai: FakeOpenAiProvider;
let engine: FakeOpenAi;
let local: OpenAiUpstream;
let rig: ProvidersRig;
let gateway: Gateway;
let url = '';
/** What stands behind ranch/quality in the cloud. */
let equivalent = '';

beforeAll(async () => {
  [anthropic, openai, engine] = await Promise.all([
    FakeAnthropic.start(),
    FakeOpenAiProvider.start('openai'),
    FakeOpenAi.start(),
  ]);
  rig = await ProvidersRig.start(
    { anthropic: { url: anthropic.url, models }, openai: { url: openai.url, models } },
    { patience: { streamMs: patienceMs, wholeMs: patienceMs } },
  );
  const fakeModel = { id: 'local-model', contextLength: 8_192, sizeBytes: 1, loaded: true, createdAtS: 0 };
  local = new OpenAiUpstream(
    { host: '127.0.0.1', port: engine.port, name: 'The engine', apiKey: null },
    {
      clock: systemClock,
      describe: () => ({
        id: 'engine',
        route: 'local',
        dialects: ['openai'],
        operations: ['chat', 'completion', 'embedding'],
        ready: true,
        sentence: 'Ready.',
        models: [{ ...fakeModel, capabilities: ['chat', 'completion', 'json'] }],
        defaultModel: 'local-model',
        slots: 4,
      }),
    },
  );
  rig.providers.renewed.subscribe(() => gateway.forgiveUpstreams());
  await openGateway();
});

beforeEach(async () => {
  await Promise.all([
    anthropic.behave({ tokens: 2 }),
    openai.behave({ tokens: 2 }),
    engine.behave({ tokens: 2, text: 'here ' }),
  ]);
  for (const id of ['anthropic', 'openai']) {
    const renewed = Promise.withResolvers<undefined>();
    const unsubscribe = rig.providers.renewed.subscribe((each) => {
      if (each === id) renewed.resolve(undefined);
    });
    rig.keys.set(id, { kind: 'key', value: providerKey });
    await renewed.promise;
    unsubscribe();
  }
  money.log.length = 0;
});

afterAll(async () => {
  await gateway.close();
  local.close();
  await rig.providers.stop();
  await Promise.all([anthropic, openai, engine].map((fake) => fake[Symbol.asyncDispose]()));
});

/** A gateway of its own has a budget for second tries of its own. */
async function openGateway(): Promise<void> {
  gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 500 },
    {
      upstreams: () => [local, ...rig.providers.upstreams()],
      spending: money,
      equivalents: { of: (name) => (name === 'ranch/quality' ? [equivalent] : []) },
      clock: systemClock,
      logger: silentLogger,
    },
  );
  url = (await gateway.listen()).url;
}

interface Outcome {
  readonly text: string;
  /** Null when all went well. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  readonly failed: boolean;
}

const content = 'Hello';

interface Caller {
  readonly name: string;
  /** Whether the SDK shows headers of errors. */
  readonly showsHeaders: boolean;
  ask(model: string, stream: boolean): Promise<Outcome>;
}

async function outcomeOf(work: (say: (text: string) => void) => Promise<void>): Promise<Outcome> {
  let text = '';
  try {
    await work((piece) => (text += piece));
    return { text, status: null, retryAfter: null, failed: false };
  } catch (error) {
    const fields: { status?: number; status_code?: number; headers?: unknown } = { ...(error as object) };
    const retryAfter = fields.headers instanceof Headers ? fields.headers.get('retry-after') : null;
    return { text, status: fields.status ?? fields.status_code ?? null, retryAfter, failed: true };
  }
}

const callers: readonly Caller[] = [
  {
    name: 'openai',
    showsHeaders: true,
    ask: (model, stream) =>
      outcomeOf(async (say) => {
        const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'x', maxRetries: 0 });
        const ask = { model, max_tokens: 8, messages: [{ role: 'user' as const, content }] };
        if (!stream) say((await client.chat.completions.create(ask)).choices[0]?.message.content ?? '');
        else {
          const events = await client.chat.completions.create({ ...ask, stream: true });
          for await (const event of events) say(event.choices[0]?.delta.content ?? '');
        }
      }),
  },
  {
    name: '@anthropic-ai/sdk',
    showsHeaders: true,
    ask: (model, stream) =>
      outcomeOf(async (say) => {
        const client = new Anthropic({ baseURL: url, apiKey: 'x', maxRetries: 0 });
        const ask = { model, max_tokens: 8, messages: [{ role: 'user' as const, content }] };
        if (!stream) {
          for (const block of (await client.messages.create(ask)).content) if (block.type === 'text') say(block.text);
        } else {
          for await (const event of await client.messages.create({ ...ask, stream: true })) {
            if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') say(event.delta.text);
          }
        }
      }),
  },
  {
    name: 'ollama',
    showsHeaders: false,
    ask: (model, stream) =>
      outcomeOf(async (say) => {
        const client = new Ollama({ host: url });
        const ask = { model, messages: [{ role: 'user', content }], options: { num_predict: 8 } };
        if (!stream) say((await client.chat({ ...ask, stream: false })).message.content);
        else for await (const piece of await client.chat({ ...ask, stream: true })) say(piece.message.content);
      }),
  },
];

interface Fault {
  readonly name: string;
  readonly anthropic: Parameters<FakeAnthropic['behave']>[0];
  readonly openai: Parameters<FakeOpenAiProvider['behave']>[0];
  readonly state: string;
  readonly breaker: string | null;
  readonly retryAfter: string | null;
  /** What becomes of the money that was set aside. */
  readonly money: RegExp;
}

const status = (code: number, type: string, message: string, retryAfter: string | null = null) => ({
  anthropic: { fault: 'status', status: code, errorType: type, errorMessage: message, retryAfter } as const,
  openai: {
    fault: 'status',
    status: code,
    errorType: type,
    errorMessage: message,
    headers: retryAfter === null ? {} : { 'retry-after': retryAfter },
  } as const,
});

const faults: readonly Fault[] = [
  {
    name: '429',
    ...status(429, 'rate_limit_error', 'Slow down.', '17'),
    state: 'busy',
    breaker: 'busy',
    retryAfter: '17',
    money: /^release$/,
  },
  {
    name: '529',
    ...status(529, 'overloaded_error', 'Overloaded', '9'),
    state: 'busy',
    breaker: 'busy',
    retryAfter: '9',
    money: /^release$/,
  },
  {
    name: '500',
    ...status(500, 'api_error', 'Internal server error'),
    state: 'ready',
    breaker: null,
    retryAfter: null,
    money: /^release$/,
  },
  {
    name: '401',
    ...status(401, 'authentication_error', 'bad key'),
    state: 'unauthorised',
    breaker: 'unauthorised',
    retryAfter: null,
    money: /^release$/,
  },
  {
    name: '402',
    ...status(402, 'billing_error', 'No money.'),
    state: 'out-of-money',
    breaker: 'out-of-money',
    retryAfter: null,
    money: /^release$/,
  },
  {
    name: '402 about one request',
    ...status(402, 'x', 'You requested up to 64000 tokens, but can only afford 3919.'),
    state: 'ready',
    breaker: null,
    retryAfter: null,
    money: /^release$/,
  },
  {
    name: 'a usage limit as 400',
    anthropic: usageLimitFault,
    openai: status(400, 'invalid_request_error', usageLimitFault.errorMessage ?? '').openai,
    state: 'out-of-money',
    breaker: 'out-of-money',
    retryAfter: null,
    money: /^release$/,
  },
  {
    name: 'a hang',
    anthropic: { fault: 'hang' },
    openai: { fault: 'hang' },
    state: 'ready',
    breaker: null,
    retryAfter: null,
    money: /^forfeit /,
  },
];

/** What became of the money. A streamed answer is over for its caller a moment before its end is booked. */
const booked = () => expect.poll(() => money.log);

for (const provider of ['anthropic', 'openai'] as const) {
  for (const caller of callers) {
    describe(`${caller.name} at ${provider}`, () => {
      const misbehave = (fault: Fault): Promise<void> =>
        provider === 'anthropic' ? anthropic.behave(fault.anthropic) : openai.behave(fault.openai);

      describe.each([
        ['whole', false],
        ['streamed', true],
      ])('%s', (how, stream) => {
        beforeAll(async () => {
          await gateway.close();
          await openGateway();
        });

        it(`answers, ${how}, and is paid for what was told`, async () => {
          const { text, failed } = await caller.ask(`${provider}/big`, stream);
          expect(failed).toBe(false);
          expect(text).toBe('tok0 tok1 ');
          await booked().toEqual([
            `reserve ${provider}`,
            `settle ${provider === 'anthropic' ? 7 * 3 + 2 * 15 : 20 * 3 + 2 * 15}`,
          ]);
        });

        for (const fault of faults) {
          it(`F30 ${fault.name}, ${how}: told, shown, and Retry-After kept`, async () => {
            await misbehave(fault);
            const { text, failed, retryAfter } = await caller.ask(`${provider}/big`, stream);
            expect(failed).toBe(true);
            expect(text).toBe('');
            expect(rig.row(provider).state).toBe(fault.state);
            expect(gateway.stats().breakers[0]?.cause ?? null).toBe(fault.breaker);
            if (caller.showsHeaders && fault.retryAfter !== null) expect(retryAfter).toBe(fault.retryAfter);
            await booked().toEqual([`reserve ${provider}`, expect.stringMatching(fault.money)]);
            if (fault.retryAfter === null) return;
            // The next one is refused here, with as long to wait.
            const again = await caller.ask(`${provider}/big`, stream);
            expect(again.failed).toBe(true);
            if (caller.showsHeaders) expect(Number(again.retryAfter)).toBeGreaterThan(Number(fault.retryAfter) - 5);
            expect(money.log).toHaveLength(2);
          });

          it(`F30 ${fault.name}, ${how}: another answers before the first byte`, async () => {
            equivalent = `${provider}/big`;
            await misbehave(fault);
            const { text, failed } = await caller.ask('ranch/quality', stream);
            expect(failed).toBe(false);
            expect(text).toBe('here here ');
            await booked().toEqual([`reserve ${provider}`, expect.stringMatching(fault.money)]);
          });
        }
      });

      it('F31 cut in a stream after the first byte: no other answers, and what was seen is estimated', async () => {
        equivalent = `${provider}/big`;
        const cut = { tokens: 20, fault: 'cut', afterTokens: 3 } as const;
        await (provider === 'anthropic' ? anthropic.behave(cut) : openai.behave(cut));
        const { text, failed } = await caller.ask('ranch/quality', true);
        expect(failed).toBe(true);
        expect(text).toBe('tok0 tok1 tok2 ');
        await booked().toEqual([`reserve ${provider}`, expect.stringMatching(/^estimate /)]);
      });

      it('F31 a whole answer that is cut: what was set aside is booked, for nobody knows what was done', async () => {
        const cut = { tokens: 20, fault: 'cut', afterTokens: 3 } as const;
        await (provider === 'anthropic' ? anthropic.behave(cut) : openai.behave(cut));
        const { failed } = await caller.ask(`${provider}/big`, false);
        expect(failed).toBe(true);
        await booked().toEqual([`reserve ${provider}`, expect.stringMatching(/^(?:estimate|forfeit) /)]);
      });
    });
  }
}

describe('tokens that providers tell in their own ways', () => {
  it('thinking that is left out of the completion is paid for, and counted once where it is in there', async () => {
    for (const wire of ['openai', 'gemini', 'xai', 'openrouter'] as const) {
      await using fake = await FakeOpenAiProvider.start(wire);
      await using own = await ProvidersRig.start({ vendor: { kind: wire, url: fake.url, models } });
      const spent = new RecordingSpending(price);
      const site = new Gateway(
        { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 500 },
        { upstreams: () => own.providers.upstreams(), spending: spent, clock: systemClock, logger: silentLogger },
      );
      const client = new OpenAI({ baseURL: `${(await site.listen()).url}/v1`, apiKey: 'x', maxRetries: 0 });
      await fake.behave({ tokens: 2, reasoning: 30, promptTokens: 100, cachedTokens: wire === 'gemini' ? 0 : 60 });
      const cached = wire === 'gemini' ? 0 : 60;
      const cost = `settle ${(100 - cached) * 3 + cached * 0.3 + 32 * 15}`;
      const ask = { model: 'vendor/big', max_tokens: 64, messages: [{ role: 'user' as const, content }] };
      await client.chat.completions.create(ask);
      let pieces = 0;
      const events = await client.chat.completions.create({ ...ask, stream: true });
      for await (const event of events) pieces += event.choices.length;
      expect(pieces).toBeGreaterThan(1);
      expect(spent.log, wire).toEqual(['reserve vendor', cost, 'reserve vendor', cost]);
      await site.close();
    }
  });
});
