import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import { ConfiguredUpstreams } from '../../../electron/agent/upstreams/configured-upstreams.ts';
import { usageLimitFault } from '../../fakes/fake-anthropic-behaviour.ts';
import { FakeAnthropic } from '../../fakes/fake-anthropic-process.ts';
import { RecordingSpending } from '../../unit/gateway/dispatch/recording-spending.ts';

const providerKey = 'sk-ant-provider-0123456789';
const price = { inputUsd: 3, outputUsd: 15, cachedInputUsd: 0.3 };
const ledger = new RecordingSpending(price);
const { log } = ledger;

let fake: FakeAnthropic;
let upstreams: ConfiguredUpstreams;
let gateway: Gateway;
let url = '';

beforeAll(async () => {
  fake = await FakeAnthropic.start();
  upstreams = new ConfiguredUpstreams(
    {
      servers: [
        {
          id: 'provider',
          url: fake.url,
          dialect: 'anthropic',
          enabled: true,
          slots: 4,
          keyEnv: 'PROVIDER_KEY',
          models: [{ id: 'fake-claude', contextLength: 200_000, capabilities: ['chat', 'tools', 'vision', 'json'] }],
          price,
        },
      ],
      env: { PROVIDER_KEY: providerKey },
    },
    { clock: systemClock, logger: silentLogger, isOwn: () => false, random: () => 0.5 },
  );
  await upstreams.start();
  const ready = Promise.withResolvers<undefined>();
  const look = (): void => {
    if (upstreams.list()[0]?.describe().ready === true) ready.resolve(undefined);
  };
  upstreams.changed.subscribe(look);
  look();
  await ready.promise;
  gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 500 },
    { upstreams: () => upstreams.list(), spending: ledger, clock: systemClock, logger: silentLogger },
  );
  url = (await gateway.listen()).url;
});

beforeEach(async () => {
  await fake.behave({ tokens: 2 });
  await fake.forget();
  gateway.forgiveUpstreams();
  log.length = 0;
});

afterAll(async () => {
  await gateway.close();
  await upstreams.stop();
  await fake[Symbol.asyncDispose]();
});

const body = {
  model: 'provider/fake-claude',
  max_tokens: 64,
  system: [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=1; cch=2;', cache_control: { type: 'ephemeral' } },
  ],
  messages: [{ role: 'user', content: 'Hello' }],
  metadata: { user_id: 'u' },
  thinking: { type: 'adaptive' },
};

function post(path: string, value: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  });
}

const messages = (headers: Record<string, string> = {}): Promise<Response> =>
  post('/v1/messages?beta=true', body, headers);
const chat = (): Promise<Response> =>
  post('/v1/chat/completions', { model: 'provider/fake-claude', messages: [{ role: 'user', content: 'Hello' }] });

describe('a provider of the caller’s own dialect', () => {
  it('gets the body as it came, but for the name of the model, and no header of the caller’s but two', async () => {
    const answer = await messages({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'claude-code-20250219, effort-2025-11-24',
      'x-api-key': 'caller-key',
      'x-claude-code-session-id': 's1',
      cookie: 'a=b',
      traceparent: '00-x',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ranch-route')).toBe('cloud');
    expect(answer.headers.get('x-ranch-ignored')).toBeNull();
    const [request] = (await fake.state()).requests;
    expect(JSON.parse(request?.body ?? '')).toEqual({ ...body, model: 'fake-claude' });
    expect(Object.keys(request?.headers ?? {}).sort()).toEqual(
      ['anthropic-beta', 'anthropic-version', 'content-length', 'content-type', 'host', 'x-api-key'].sort(),
    );
    expect(request?.headers['anthropic-beta']).toBe('claude-code-20250219,effort-2025-11-24');
    expect(request?.headers['x-api-key']).toBe(providerKey);
  });

  it('gets nothing that could cost more than is reckoned, and the caller is told', async () => {
    const compacting = { context_management: { edits: [{ type: 'compact_20260112' }] } };
    const dearer = { ...body, ...compacting, fallbacks: [{ model: 'dear' }] };
    const answer = await post('/v1/messages', dearer, { 'anthropic-beta': 'compact-2026-01-12' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ranch-ignored')).toBe(
      'context_management.edits, fallbacks, anthropic-beta.compact-2026-01-12',
    );
    const [request] = (await fake.state()).requests;
    expect(JSON.parse(request?.body ?? '')).toEqual({ ...body, model: 'fake-claude' });
    expect(request?.headers['anthropic-beta']).toBeUndefined();
  });

  it('is paid for what its answer took', async () => {
    await fake.behave({ tokens: 2, inputTokens: 100, cacheRead: 1_000 });
    await (await messages()).text();
    const stream = await post('/v1/messages', { ...body, stream: true });
    expect(await stream.text()).toContain('message_stop');
    const spent = `settle ${100 * 3 + 1_000 * 0.3 + 2 * 15}`;
    expect(log).toEqual(['reserve provider', spent, 'reserve provider', spent]);
  });

  it.each([
    ['whose body ends in order before the answer does', { fault: 'short' }],
    ['that ends so with its connection', { fault: 'short', framing: 'close' }],
    ['that tells an error', { fault: 'error-event', errorType: 'api_error' }],
  ] as const)('F31 of a stream %s is paid for what was seen of it', async (_name, script) => {
    await fake.behave({ tokens: 5, afterTokens: 2, inputTokens: 100, ...script });
    const asked = { ...body, thinking: { type: 'disabled' }, stream: true };
    const text = await (await post('/v1/messages', asked)).text();
    expect(text.split('"type":"error"')).toHaveLength(2);
    expect(log).toEqual(['reserve provider', `estimate ${100 * 3 + 2 * 15}`]);
  });

  it('B55 an error that repeats the key says nothing of it', async () => {
    await fake.behave({
      fault: 'status',
      status: 400,
      errorType: 'invalid_request_error',
      errorMessage: `No ${providerKey}.`,
    });
    const text = await (await messages()).text();
    expect(text).not.toContain('provider-0123456789');
    expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
    expect(log).toEqual(['reserve provider', 'release']);
  });

  it('F30 529: its Retry-After is kept, and it is left alone until then', async () => {
    await fake.behave({ fault: 'status', status: 529, retryAfter: '17' });
    const answer = await messages();
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('17');
    expect(await answer.json()).toMatchObject({ error: { type: 'overloaded_error' } });
    expect(gateway.stats().breakers).toMatchObject([{ upstream: 'provider', state: 'open', cause: 'busy' }]);
    await fake.behave({});
    const { started } = await fake.state();
    const next = await messages();
    expect(next.status).toBe(503);
    expect(Number(next.headers.get('retry-after'))).toBeGreaterThan(5);
    expect(await next.text()).toContain('has no room');
    expect((await fake.state()).started).toBe(started);
  });

  it('F30 429 and 500 are told in the caller’s dialect, whichever that is', async () => {
    await fake.behave({
      fault: 'status',
      status: 429,
      errorType: 'rate_limit_error',
      errorMessage: 'Slow down.',
      retryAfter: '3',
    });
    const limited = await chat();
    expect(limited.status).toBe(503);
    expect(limited.headers.get('retry-after')).toBe('3');
    expect(await limited.json()).toMatchObject({ error: { code: 'too_busy', message: 'Slow down.' } });
    gateway.forgiveUpstreams();
    await fake.behave({ fault: 'status', status: 500, errorType: 'api_error', errorMessage: 'Internal server error' });
    expect((await chat()).status).toBe(502);
    expect(log).toEqual(['reserve provider', 'release', 'reserve provider', 'release']);
  });

  it('F30 a usage limit told as 400 takes it out until the time it says, and is no fault of the caller', async () => {
    await fake.behave(usageLimitFault);
    const answer = await messages();
    expect(answer.status).toBe(502);
    expect(gateway.stats().breakers).toMatchObject([{ upstream: 'provider', cause: 'out-of-money' }]);
    expect(gateway.stats().breakers[0]?.nextTryAt?.slice(0, 4)).toBe('2099');
    await fake.behave({});
    const { started } = await fake.state();
    expect((await messages()).ok).toBe(false);
    expect((await fake.state()).started).toBe(started);
  });

  it('F30 a key that is refused is tried no more, and callers are not told that theirs is wrong', async () => {
    await fake.behave({
      fault: 'status',
      status: 401,
      errorType: 'authentication_error',
      errorMessage: 'invalid x-api-key',
    });
    const answer = await messages();
    expect(answer.status).toBe(502);
    const text = await answer.text();
    expect(text).not.toContain('x-api-key');
    expect(text).toContain('refused the key that this node sent');
    expect(text).not.toContain('again');
    expect(gateway.stats().breakers).toMatchObject([{ cause: 'unauthorised', nextTryAt: null }]);
  });

  it('F30 an error in the middle of a stream ends it with one, in the caller’s dialect', async () => {
    const script = { tokens: 5, fault: 'error-event', afterTokens: 2, errorMessage: 'Overloaded' } as const;
    await fake.behave(script);
    const client = new Anthropic({ baseURL: url, apiKey: 'x', maxRetries: 0 });
    const stream = client.messages.stream({
      model: 'provider/fake-claude',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'x' }],
    });
    await expect(stream.finalMessage()).rejects.toThrow(/overloaded/i);
    const translated = await post('/v1/chat/completions', {
      model: 'provider/fake-claude',
      stream: true,
      messages: [{ role: 'user', content: 'x' }],
    });
    const text = await translated.text();
    expect(text).toContain('tok1 ');
    expect(text).toContain('"error"');
    expect(text).not.toContain('[DONE]');
  });

  it('B53 HTML, a broken stream and a line of 10 MB become clear errors for who is translated for', async () => {
    const bad = [
      ['text/html', '<html>Bad gateway</html>'],
      ['application/json', '<html>Bad gateway</html>'],
      ['application/json', '{"type":"message"'],
      ['application/json', '[]'],
    ] as const;
    for (const [rawType, raw] of bad) {
      await fake.behave({ fault: 'raw', rawType, raw });
      gateway.forgiveUpstreams();
      const answer = await chat();
      expect(answer.status).toBe(502);
      const text = await answer.text();
      expect(text).not.toContain('html');
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'upstream_failed' } });
    }
    for (const raw of [
      'data: {"type":"mess',
      'event: x\ndata: nothing\n\n',
      `data: ${'x'.repeat(10 * 1024 * 1024)}`,
      '',
    ]) {
      await fake.behave({ fault: 'raw', raw });
      gateway.forgiveUpstreams();
      const answer = await post('/v1/chat/completions', {
        model: 'provider/fake-claude',
        stream: true,
        messages: [{ role: 'user', content: 'x' }],
      });
      expect(answer.status).toBe(502);
      expect(await answer.json()).toMatchObject({ error: { code: 'upstream_failed' } });
    }
  });

  it('B49 a prompt over the context is named, and nothing is sent or cut', async () => {
    await fake.behave({});
    const { started } = await fake.state();
    const answer = await post('/v1/messages', {
      ...body,
      messages: [{ role: 'user', content: 'word '.repeat(400_000) }],
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
    expect(answer.headers.get('x-ranch-reason')).toBe('bad-request');
    expect((await fake.state()).started).toBe(started);
  });

  it('B41 a model that nobody has is a 404 and never another one', async () => {
    for (const path of ['/v1/messages', '/v1/chat/completions', '/api/chat']) {
      const answer = await post(path, { ...body, system: undefined, model: 'provider/absent' });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('x-ranch-reason')).toBe('unknown-model');
    }
  });

  it('counts the tokens of a prompt without asking anybody who is paid', async () => {
    const { started } = await fake.state();
    const answer = await post('/v1/messages/count_tokens', { ...body, max_tokens: undefined });
    expect(answer.status).toBe(200);
    const { input_tokens: tokens } = (await answer.json()) as { input_tokens: number };
    expect(tokens).toBeGreaterThan(1);
    expect((await fake.state()).started).toBe(started);
  });
});
