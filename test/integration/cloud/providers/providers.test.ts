import { describe, expect, it } from 'vitest';
import { cloudSettingsSchema } from '../../../../electron/contract/cloud.ts';
import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import type { ProviderKey } from '../../../../electron/agent/cloud/provider-port.ts';
import { CloudProviders } from '../../../../electron/agent/cloud/providers/cloud-providers.ts';
import { FakeAnthropic } from '../../../fakes/fake-anthropic-process.ts';
import type { ProviderWire } from '../../../fakes/fake-openai-provider-behaviour.ts';
import { FakeOpenAiProvider } from '../../../fakes/fake-openai-provider-process.ts';
import { AnsweringServer } from '../../upstreams/answering-server.ts';
import { chatFor, providerKey, ProvidersRig, textOf } from './providers-rig.ts';

const never = new AbortController().signal;
const models = [
  { id: 'big-model', contextLength: 200_000, maxOutputTokens: 8_000 },
  { id: 'small-model', contextLength: 100_000 },
];
const wires: readonly ProviderWire[] = ['openai', 'gemini', 'xai', 'openrouter'];

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw new Error('it did not fail as expected', { cause: thrown });
}

describe('errors of each form', () => {
  it.each(wires)('B55 one of %s that repeats the key, in many pieces, does not tell it', async (wire) => {
    await using fake = await FakeOpenAiProvider.start(wire);
    await using rig = await ProvidersRig.start({ [wire]: { url: fake.url, models } });
    await fake.behave({ fault: 'status', status: 400, errorMessage: `No ${providerKey}!`, errorPieces: 40 });
    const text = await textOf(await rig.upstream(wire).generate(chatFor('openai'), never));
    expect(text).toContain('No ***');
    expect(text).not.toContain(providerKey.slice(0, 8));
  });

  it.each([
    ['openai-compatible', 'openai'],
    ['anthropic-compatible', 'anthropic'],
  ] as const)('B55 one of an %s server that writes the key in another way does not tell it', async (kind, dialect) => {
    const value = 'AbC1/dEf2+ghI3/jkL4+mnO5pqR6sTu7==';
    const spellings: ((text: string) => string)[] = [
      (text) => text.replaceAll('/', '\\/'),
      (text) => text.replaceAll('+', '\\u002B'),
      (text) => text.replace(value, encodeURIComponent(value)),
    ];
    let spell = spellings[0];
    await using server = await AnsweringServer.start(({ body }) => {
      const error = JSON.stringify({
        type: 'error',
        error: { type: 'invalid_request_error', message: `No ${value}!` },
      });
      const said = spell?.(error) ?? error;
      return body.includes('"stream":true')
        ? { status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: `data: ${said}\n\n` }
        : { status: 400, body: said };
    });
    await using rig = await ProvidersRig.start({ mine: { kind, url: server.url, models } });
    rig.keys.set('mine', { kind: 'key', value });
    for (spell of spellings) {
      const tested = await failureOf(rig.providers.test('mine'));
      expect(tested.message).not.toMatch(/AbC1|dEf2/);
      for (const stream of [false, true]) {
        const text = await textOf(await rig.upstream('mine').generate(chatFor(dialect, { stream }), never));
        const told: unknown = JSON.parse(text.replace('data: ', ''));
        expect(told).toMatchObject({ error: { message: expect.stringMatching(/^No \*+!$/) as string } });
      }
    }
  });
});

describe('Anthropic', () => {
  it('gets its own key header and the beta headers, and nothing else of its caller', async () => {
    await using fake = await FakeAnthropic.start();
    await using rig = await ProvidersRig.start({ anthropic: { url: fake.url, models } });
    const headers = { 'anthropic-beta': 'a,b', cookie: 'x' };
    const request = chatFor('anthropic', { headers, hops: ['n'] });
    expect(await textOf(await rig.upstream('anthropic').generate(request, never))).toContain('tok0');
    const sent = (await fake.state()).requests[0]?.headers ?? {};
    expect(Object.keys(sent).sort()).toEqual(
      ['anthropic-beta', 'anthropic-version', 'content-length', 'content-type', 'host', 'x-api-key'].sort(),
    );
    expect(sent['x-api-key']).toBe(providerKey);
    expect(await rig.providers.test('anthropic')).toContain('Anthropic answers;');
  });
});

describe('what keeps a provider from being asked', () => {
  it('no key: the known ones stay out, one of the settings says why, and a key makes it ready at once', async () => {
    await using fake = await FakeOpenAiProvider.start('openai');
    await using rig = await ProvidersRig.start({ mine: { url: fake.url, models } });
    rig.keys.key = { kind: 'missing' };
    rig.keys.set('mine', { kind: 'missing' });
    await rig.until('mine', ({ state }) => state === 'no-key');
    for (const { id } of rig.providers.snapshot()) rig.keys.changed.announce(id);
    await rig.until('openrouter', ({ state }) => state === 'no-key');
    expect(rig.providers.upstreams().map((upstream) => upstream.describe().id)).toEqual(['mine']);
    expect(rig.row('mine').sentence).toContain('ranch-hand secrets set mine');
    expect((await failureOf(rig.providers.test('mine'))).message).toContain('no key');
    rig.keys.set('mine', { kind: 'key', value: providerKey });
    expect((await rig.until('mine', ({ state }) => state === 'ready')).modelsTotal).toBe(2);
    expect((await fake.state()).requests).toEqual([]);
  });

  it('F35 a locked store: told by its own sentence, and looked at again by itself', async () => {
    const clock = new ManualClock();
    await using rig = await ProvidersRig.start({ mine: { url: 'http://127.0.0.1:9', models } }, { clock });
    rig.keys.set('mine', { kind: 'locked', sentence: 'Unlock the keyring.' });
    expect(await rig.until('mine', ({ state }) => state === 'locked')).toMatchObject({
      sentence: 'Unlock the keyring.',
    });
    rig.keys.own.set('mine', { kind: 'key', value: providerKey });
    clock.advance(60_000);
    await rig.until('mine', ({ state }) => state === 'ready');
  });

  it('F35 a store that does not answer keeps the node from starting for a second at most', async () => {
    const clock = new ManualClock();
    const answered = Promise.withResolvers<ProviderKey>();
    const keys = { changed: new Announcer<string>(), read: () => answered.promise };
    const settings = cloudSettingsSchema.parse({});
    const providers = new CloudProviders(
      { settings: () => settings },
      {
        keys,
        prices: { of: () => null },
        windows: { closed: () => null },
        clock,
        logger: silentLogger,
        isOwn: () => false,
      },
    );
    const started = providers.start();
    clock.advance(1_000);
    await started;
    expect(providers.upstreams()).toEqual([]);
    expect(providers.snapshot()[0]).toMatchObject({
      state: 'no-key',
      sentence: expect.stringContaining('looked up') as string,
    });
    answered.resolve({ kind: 'locked', sentence: 'Unlock it.' });
    await new Promise<void>((resolve) => providers.changed.subscribe(resolve));
    expect(providers.snapshot()[0]?.state).toBe('locked');
    await providers.stop();
  });

  it('a key is read when it changes, and not for each request', async () => {
    await using fake = await FakeOpenAiProvider.start('openai');
    await using rig = await ProvidersRig.start({ mine: { url: fake.url, models } });
    const { reads } = rig.keys;
    for (let count = 0; count < 3; count += 1)
      await textOf(await rig.upstream('mine').generate(chatFor('openai'), never));
    expect(rig.keys.reads).toBe(reads);
  });

  it('F30 a refused key: nothing more is sent until there is another one, which others hear of', async () => {
    await using fake = await FakeOpenAiProvider.start('openai');
    await using rig = await ProvidersRig.start({ mine: { url: fake.url, models } });
    await fake.behave({ fault: 'status', status: 401, errorMessage: 'bad key' });
    await textOf(await rig.upstream('mine').generate(chatFor('openai'), never));
    expect(rig.row('mine')).toMatchObject({ state: 'unauthorised', until: null });
    expect((await failureOf(rig.upstream('mine').generate(chatFor('openai'), never))).code).toBe('engine_not_ready');
    const renewed = Promise.withResolvers<string>();
    rig.providers.renewed.subscribe((id) => renewed.resolve(id));
    await fake.behave({});
    rig.keys.set('mine', { kind: 'key', value: 'another-key-of-sorts' });
    expect(await renewed.promise).toBe('mine');
    await textOf(await rig.upstream('mine').generate(chatFor('openai'), never));
    expect((await fake.state()).started).toBe(2);
  });

  it('F30 what ran out by its headers is not asked for until it is back', async () => {
    const clock = new ManualClock();
    await using server = await AnsweringServer.start(() => ({
      status: 200,
      body: '{}',
      headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '30s' },
    }));
    await using rig = await ProvidersRig.start({ mine: { url: server.url, models } }, { clock });
    await textOf(await rig.upstream('mine').generate(chatFor('openai'), never));
    expect(rig.row('mine')).toMatchObject({ state: 'busy', until: new Date(clock.now() + 30_000).toISOString() });
    clock.advance(30_000);
    expect(rig.row('mine')).toMatchObject({ state: 'ready', until: null });
    expect(rig.upstream('mine').describe().ready).toBe(true);
  });

  it('windows: a closed model is not asked, and all of them closed close the provider', async () => {
    const clock = new ManualClock();
    await using fake = await FakeOpenAiProvider.start('openai');
    await using rig = await ProvidersRig.start({ mine: { url: fake.url, models } }, { clock });
    const opensAtMs = clock.now() + 600_000;
    rig.closed = (_, model) => (model === 'big-model' ? { sentence: 'It opens soon.', opensAtMs } : null);
    const failure = await failureOf(rig.upstream('mine').generate(chatFor('openai'), never));
    expect(failure).toMatchObject({
      code: 'engine_not_ready',
      message: 'It opens soon.',
      context: { retryAfterS: 600 },
    });
    expect(rig.row('mine').state).toBe('ready');
    rig.closed = () => ({ sentence: 'It opens soon.', opensAtMs });
    clock.advance(1_000);
    expect(rig.row('mine')).toMatchObject({ state: 'closed', until: new Date(opensAtMs).toISOString() });
    expect((await fake.state()).started).toBe(0);
  });

  it('a model without a price is told and not offered', async () => {
    await using rig = await ProvidersRig.start({ mine: { url: 'http://127.0.0.1:9', models } });
    rig.unpriced.add('mine/big-model');
    rig.change({ mine: { url: 'http://127.0.0.1:9', models } });
    expect(
      rig
        .upstream('mine')
        .describe()
        .models.map(({ id }) => id),
    ).toEqual(['small-model']);
    expect(rig.providers.models().find(({ id }) => id === 'mine/big-model')).toMatchObject({ price: null });
  });

  it('B55 tells whose key goes to another server since its url was changed, until it is set anew or goes back', async () => {
    const at = (port: number, more: object = {}) => ({
      mine: { kind: 'openai-compatible', url: `http://127.0.0.1:${port}`, models: [{ id: 'big-model' }], ...more },
    });
    await using rig = await ProvidersRig.start(at(4_001));
    const told = () => rig.providers.notices().map(({ sentence }) => sentence);
    rig.change(at(4_001, { slots: 3 }));
    expect(told()).toEqual([]);
    rig.change(at(4_002));
    await rig.until('mine', ({ state }) => state === 'ready');
    rig.change(at(4_003));
    await rig.until('mine', ({ state }) => state === 'ready');
    expect(told()).toEqual([expect.stringMatching(/mine goes to 127\.0\.0\.1:4003 instead of 127\.0\.0\.1:4001/)]);
    rig.keys.set('mine', { kind: 'key', value: 'sk-another-key-0123456789' });
    expect(told()).toEqual([]);
    rig.change(at(4_001));
    await rig.until('mine', ({ state }) => state === 'ready');
    expect(told()).toHaveLength(1);
    rig.change(at(4_003));
    await rig.until('mine', ({ state }) => state === 'ready');
    expect(told()).toEqual([]);
  });

  it('settings hold at once: switched off, other models, gone; what did not change keeps its state', async () => {
    await using fake = await FakeOpenAiProvider.start('openai');
    await using rig = await ProvidersRig.start({ mine: { url: fake.url, models }, other: { url: fake.url, models } });
    await fake.behave({ fault: 'status', status: 402, errorMessage: 'Insufficient credits' });
    await textOf(await rig.upstream('other').generate(chatFor('openai'), never));
    rig.change({ mine: { url: fake.url, models, enabled: false }, other: { url: fake.url, models } });
    expect(rig.row('mine').state).toBe('off');
    expect(rig.providers.upstreams().map((upstream) => upstream.describe().id)).not.toContain('mine');
    expect(rig.row('other').state).toBe('out-of-money');
    rig.change({ mine: { url: fake.url, models: models.slice(0, 1) } });
    expect(await rig.until('mine', ({ state }) => state === 'ready')).toMatchObject({ modelsTotal: 1 });
    expect(rig.providers.snapshot().some(({ id }) => id === 'other')).toBe(false);
  });
});

describe('hostile addresses', () => {
  it('B54 a redirect is not followed, and the key goes nowhere else', async () => {
    await using target = await AnsweringServer.start(() => ({ status: 200, body: '{"data":[]}' }));
    await using fake = await FakeOpenAiProvider.start('openai');
    await fake.behave({ fault: 'redirect', location: `${target.url}/v1/chat/completions` });
    await using rig = await ProvidersRig.start({ mine: { url: fake.url, models } });
    const failure = await failureOf(rig.upstream('mine').generate(chatFor('openai'), never));
    expect(failure).toMatchObject({ code: 'upstream_failed', context: { status: 307 } });
    expect(failure.message).toContain('another address');
    expect(rig.row('mine')).toMatchObject({ state: 'broken', sentence: failure.message });
    expect((await failureOf(rig.providers.test('mine'))).message).toContain('another address');
    expect(target.requests).toEqual([]);
  });

  it('B65 our own gateway is never asked, not even by a test', async () => {
    await using server = await AnsweringServer.start(() => ({ status: 200, body: '{"data":[]}' }));
    const isOwn = (host: string, port: number): boolean => host === '127.0.0.1' && port === server.port;
    await using rig = await ProvidersRig.start({ mine: { url: server.url, models } }, { isOwn });
    expect(rig.row('mine').sentence).toContain('own gateway');
    expect((await failureOf(rig.upstream('mine').generate(chatFor('openai'), never))).message).toContain('own gateway');
    expect((await failureOf(rig.providers.test('mine'))).message).toContain('own gateway');
    expect(server.requests).toEqual([]);
  });

  it('B65 another gateway of a ranch is recognised by its headers, and asked no more', async () => {
    await using server = await AnsweringServer.start(() => ({
      status: 200,
      body: '{}',
      headers: { 'X-Ranch-Node': 'x' },
    }));
    await using rig = await ProvidersRig.start({ mine: { url: server.url, models } });
    const failure = await failureOf(rig.upstream('mine').generate(chatFor('openai'), never));
    expect(failure.message).toContain('gateway of a ranch');
    expect(rig.upstream('mine').describe().ready).toBe(false);
    await failureOf(rig.upstream('mine').generate(chatFor('openai'), never));
    expect(server.requests).toHaveLength(1);
  });

  it('a test of a provider that hangs ends after ten seconds', async () => {
    const clock = new ManualClock();
    await using fake = await FakeOpenAiProvider.start('openai');
    await fake.behave({ fault: 'hang' });
    await using rig = await ProvidersRig.start({ mine: { url: fake.url, models } }, { clock });
    const work = failureOf(rig.providers.test('mine'));
    while ((await fake.state()).requests.length === 0) await Promise.resolve();
    clock.advance(10_000);
    expect(await work).toMatchObject({ code: 'upstream_silent', message: expect.stringContaining('10 s') as string });
  });

  it('an unknown provider, and one that cannot be reached', async () => {
    await using rig = await ProvidersRig.start({ mine: { url: 'http://127.0.0.1:9', models } });
    expect((await failureOf(rig.providers.test('nobody'))).code).toBe('not_found');
    expect((await failureOf(rig.providers.test('mine'))).message).toContain('cannot be reached');
  });
});
