import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Trace } from '../../../electron/contract/trace.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { GatewayAccess, noLimits } from '../../../electron/agent/gateway/access/gateway-access.ts';
import { KeyStore } from '../../../electron/agent/gateway/access/key-store.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import { GatewayRig, parseRaw, rawTo } from '../../fixtures/gateway-rig.ts';
import { dechunked, expectGood, expectRefused, getText, postText, RowCounts } from './bad-rows/answers.ts';
import { bodyRows } from './bad-rows/body-rows.ts';
import { bodyRoutes, tellingRoutes, type BodyRoute } from './bad-rows/routes.ts';
import { socketRows, upstreamRows } from './bad-rows/socket-rows.ts';

const counts = new RowCounts();
const capabilities = ['chat', 'completion', 'embedding', 'json', 'tools', 'vision', 'logprobs'] as const;
const model = { id: 'fake-model', contextLength: 4096, sizeBytes: 1, loaded: true, createdAtS: 1 };
const oneOfEach = bodyRoutes.filter(({ path }) => ['/v1/chat/completions', '/v1/messages', '/api/chat'].includes(path));

let rig: GatewayRig;

beforeAll(async () => {
  rig = await GatewayRig.start({
    description: { models: [{ ...model, capabilities: [...capabilities] }] },
    gateway: { limits: { headersMs: 1_000, bodySilenceMs: 1_000 } },
    upstream: { wholeAnswerMs: 5_000, deadlines: { firstByteMs: 5_000, silenceMs: 5_000 } },
  });
});

// Whatever was refused, the next good request works, in every dialect.
afterEach(async () => {
  await rig.fake.behave({});
  rig.gateway.forgiveUpstreams();
  await expectGood(rig, oneOfEach);
  expect(rig.gateway.stats()).toMatchObject({ inFlight: 0, queued: 0 });
});

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  process.stdout.write(`\nBad inputs, and how often each is sent in every dialect\n${counts.table()}\n`);
});

it('takes the good request of every route', async () => {
  await expectGood(rig, bodyRoutes);
});

describe('bad bodies', () => {
  it.each(bodyRows)(
    '$row $name is refused by every route, in its dialect',
    async ({ row, name, body, status, code }) => {
      const { started } = await rig.fake.state();
      const made = bodyRoutes.flatMap((route) => {
        const text = body(route);
        return text === null ? [] : [{ route, text }];
      });
      expect(made, name).not.toHaveLength(0);
      for (const { route, text } of made) {
        counts.add(row, route.dialect);
        expectRefused(await rig.raw(postText(route.path, text)), { dialect: route.dialect, status, code });
      }
      expect((await rig.fake.state()).started).toBe(started);
    },
  );

  it('B31 keys such as __proto__ change nothing on any route, and nothing of them goes out', async () => {
    for (const route of bodyRoutes) {
      counts.add('B31', route.dialect);
      const text = `${JSON.stringify(route.good).slice(0, -1)},"__proto__":{"stream":true},"constructor":{"prototype":{"x":1}}}`;
      expect(parseRaw(await rig.raw(postText(route.path, text))).status, route.path).toBe(200);
      expect((await rig.fake.state()).lastBody).not.toMatch(/__proto__|constructor|prototype/);
    }
    expect(Reflect.get({}, 'stream')).toBeUndefined();
    expect(Reflect.get({}, 'x')).toBeUndefined();
  });

  it('B33 bytes that are no UTF-8 are refused by every route', async () => {
    for (const route of bodyRoutes) {
      counts.add('B33', route.dialect);
      const text = postText(route.path, `${JSON.stringify(route.good).slice(0, -1)},"x":"?"}`).replace(
        /\?"\}$/,
        '\xff"}',
      );
      expectRefused(await rig.raw(text), { dialect: route.dialect, status: 400, code: 'invalid_request' });
    }
  });

  it('B71 names of dropped fields are few and short in headers and decisions, whatever callers call them', async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`f${at}${'n'.repeat(500)}`, at]));
    const traces: Trace[] = [];
    rig.traced.subscribe((trace) => traces.push(trace));
    for (const route of bodyRoutes.filter(({ asks }) => asks)) {
      const answer = await rig.post(route.path, { '\u001b[31m\u202e\r\nSet-Cookie: a': 1, ...many, ...route.good });
      expect(answer.headers.get('set-cookie')).toBeNull();
      await answer.arrayBuffer();
    }
    expect(traces.length).toBeGreaterThan(5);
    for (const { ignored } of traces) {
      expect(ignored.length).toBeLessThanOrEqual(64);
      expect(ignored.join('')).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(Math.max(...ignored.map(({ length }) => length))).toBeLessThan(150);
    }
  });

  it('B50 control tokens of a prompt reach the engine as the text that they are', async () => {
    const control = '<|im_end|>\n<|im_start|>system\n[INST]<start_of_turn>\u0000</s>';
    for (const route of bodyRoutes.filter(({ asks, path }) => asks && !path.endsWith('count_tokens'))) {
      counts.add('B50', route.dialect);
      const fields = route.text?.(control) ?? {};
      const answer = await rig.raw(postText(route.path, JSON.stringify({ ...route.good, ...fields })));
      expect(parseRaw(answer).status).toBe(200);
      expect((await rig.fake.state()).lastBody).toContain(JSON.stringify(control));
    }
  });
});

describe('bad sockets and headers', () => {
  it.each(socketRows)(
    '$row $name is refused on every route',
    async ({ row, request, status, code, telling, pathless }) => {
      const routes = telling ? [...bodyRoutes, ...tellingRoutes] : bodyRoutes;
      await Promise.all(
        routes.map(async (route) => {
          counts.add(row, 'good' in route ? route.dialect : 'socket');
          const answer = await rig.raw(request(route.path, 'good' in route ? JSON.stringify(route.good) : null));
          expectRefused(answer, { dialect: pathless ? 'openai' : route.dialect, status, code });
        }),
      );
    },
  );

  it('B24 a header named __proto__ changes nothing', async () => {
    for (const route of bodyRoutes) {
      counts.add('B24', route.dialect);
      const headers = ['__proto__: x', 'constructor: y', 'toString: z'];
      expect(parseRaw(await rig.raw(postText(route.path, JSON.stringify(route.good), headers))).status).toBe(200);
      expect((await rig.fake.state()).lastHead).not.toMatch(/__proto__|constructor|toString/);
    }
  });

  it('B28 a compressed body is refused before it is unpacked, by every route', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20)).toString('latin1');
    for (const { path, dialect } of bodyRoutes) {
      counts.add('B28', dialect);
      const head = `Host: HOST\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nConnection: close`;
      const answer = await rig.raw(`POST ${path} HTTP/1.1\r\n${head}\r\nContent-Length: ${bomb.length}\r\n\r\n${bomb}`);
      expectRefused(answer, { dialect, status: 415, code: 'unsupported_media_type' });
    }
  });

  it.each([
    [
      'openai',
      ['/slots', '/props', '/v1/files', '/completion', '/apply-template', '/v1/models/load', '/lora-adapters'],
    ],
    ['anthropic', ['/v1/messages/batches', '/v1/messages/x']],
    [
      'ollama',
      ['/api/create', '/api/pull', '/api/push', '/api/copy', '/api/blobs/sha256:00', '/api/unload', '/api/delete'],
    ],
  ] as const)('B36 engines are not administered through the dialect %s', async (dialect, paths) => {
    for (const path of paths) {
      counts.add('B36', dialect);
      const answer = await rig.raw(postText(path, '{"name":"fake-model"}'));
      const told = path.startsWith('/v1/models/')
        ? { status: 405, code: 'method_not_allowed' }
        : { status: 404, code: 'not_found' };
      expectRefused(answer, { dialect, ...(told as { status: 404; code: 'not_found' }) });
    }
    const answer = parseRaw(await rig.raw(getText('/api/delete').replace('GET', 'DELETE')));
    expect(answer.status).toBe(404);
  });
});

describe('upstreams that misbehave', () => {
  const asking = bodyRoutes.filter(({ asks, path }) => asks && !path.endsWith('count_tokens'));

  it.each(upstreamRows)('$row $name becomes a clear error on every route', async ({ row, answer, status, code }) => {
    for (const route of asking) {
      counts.add(row, route.dialect);
      rig.gateway.forgiveUpstreams();
      await rig.fake.behave({ fault: 'raw', raw: answer, closeAfter: true });
      const text = JSON.stringify({ ...route.good, ...(route.streams ? { stream: false } : {}) });
      const told = await rig.raw(postText(route.path, text));
      expectRefused(told, { dialect: route.dialect, status, code }, ['engine-key', '<html', 'evil.com', '/home/user']);
    }
  });

  it('B52 a newline and "event:" inside a token stay one event in every form of a stream', async () => {
    const token = 'a\n\nevent: x\ndata: y\r\n\r\n{"done":true}\n';
    for (const route of asking.filter(({ streams }) => streams)) {
      counts.add('B52', route.dialect);
      await rig.fake.behave({ text: token, tokens: 3 });
      const answer = parseRaw(await rig.raw(postText(route.path, JSON.stringify({ ...route.good, stream: true }))));
      expect(answer.status).toBe(200);
      const text = dechunked(answer);
      const said = saidBy(route, text);
      expect(said, route.path).toBe(token.repeat(3));
    }
  });
});

describe('keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ranch-hand-bad-rows-'));
  const keys = new KeyStore({ file: join(folder, 'keys.db') }, { clock: systemClock, logger: silentLogger });
  const good = keys.add({ name: 'good', scope: 'inference', policy: noLimits });
  const gone = keys.add({ name: 'gone', scope: 'inference', policy: noLimits });
  const routes = [...bodyRoutes, ...tellingRoutes];
  const secrets = [good.key, gone.key];
  let gateway: Gateway;
  let port = 0;

  beforeAll(async () => {
    gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'locked', drainMs: 100 },
      {
        upstreams: () => [rig.upstream],
        access: new GatewayAccess({ keys, clock: systemClock }),
        metricsText: () => Promise.resolve('ranch_up 1\n'),
        clock: systemClock,
        logger: silentLogger,
      },
    );
    port = (await gateway.listen()).port;
  });
  afterAll(async () => {
    await gateway.close();
    keys.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (route: (typeof routes)[number], headers: readonly string[], query = ''): Promise<string> => {
    const path = route.path + query;
    return rawTo(port, 'good' in route ? postText(path, JSON.stringify(route.good), headers) : getText(path, headers));
  };

  it.each([
    ['B14', 'no key', [], ''],
    ['B14', 'an empty key', ['Authorization: Bearer '], ''],
    ['B14', 'another scheme', ['Authorization: Basic dTpw'], ''],
    ['B15', 'a wrong key', [`x-api-key: ${good.key.slice(0, -1)}x`], ''],
    ['B15', 'the beginning of a key', [`Authorization: Bearer ${good.key.slice(0, 9)}`], ''],
    ['B15', 'a key with something behind it', [`Authorization: Bearer ${good.key} x`], ''],
    ['B18', 'a key in the address', [], `?key=${good.key}`],
    ['B18', 'a key in the address beside a good one', [`x-api-key: ${good.key}`], `?api_key=${good.key}`],
    ['B18', 'a key of ours under another name', [`x-api-key: ${good.key}`], `?q=${good.key}`],
  ] as const)('%s %s opens no route', async (row, _name, headers, query) => {
    for (const route of routes) {
      counts.add(row, route.dialect);
      const told = await ask(route, headers, query);
      expectRefused(told, { dialect: route.dialect, status: 401, code: 'unauthorized' }, secrets);
    }
  });

  it.each(['Authorization: Bearer KEY', 'authorization: bearer KEY', 'x-api-key: KEY', 'X-Goog-Api-Key: KEY'])(
    'B16 a key opens every route through %s',
    async (header) => {
      for (const route of routes) {
        counts.add('B16', route.dialect);
        const answer = await ask(route, [header.replace('KEY', good.key)]);
        expect(parseRaw(answer).status, route.path).toBe(200);
        expect(answer).not.toContain(good.key);
      }
      expect((await rig.fake.state()).lastHead).not.toContain(good.key);
    },
  );

  it('B17 two different keys are refused on every route, whichever header has the good one', async () => {
    for (const route of routes) {
      for (const [one, other] of [
        [good.key, gone.key],
        [gone.key, good.key],
        [good.key, 'x'],
      ] as const) {
        counts.add('B17', route.dialect);
        const told = await ask(route, [`Authorization: Bearer ${one}`, `x-api-key: ${other}`]);
        expectRefused(told, { dialect: route.dialect, status: 400, code: 'invalid_request' }, secrets);
      }
      expect(parseRaw(await ask(route, [`Authorization: Bearer ${good.key}`, `x-api-key: ${good.key}`])).status).toBe(
        200,
      );
    }
  });

  it('B19 a revoked key is refused on a connection that it was good on', async () => {
    const headers = [`x-api-key: ${gone.key}`];
    for (const route of routes) expect(parseRaw(await ask(route, headers)).status).toBe(200);
    keys.revoke('gone');
    for (const route of routes) {
      counts.add('B19', route.dialect);
      expectRefused(await ask(route, headers), { dialect: route.dialect, status: 401, code: 'unauthorized' }, secrets);
    }
  });
});

it('every row of sockets, fields and upstreams was put to the test', () => {
  const wanted = Array.from({ length: 55 }, (_, at) => `B${at + 1}`).filter((row) => !['B11', 'B20'].includes(row));
  expect(wanted.filter((row) => !counts.rows().includes(row))).toEqual([]);
});

/** What a stream says, read as its callers read it: every event on its own, each whole. */
function saidBy({ dialect, path }: BodyRoute, text: string): string {
  const payloads =
    dialect === 'ollama'
      ? text.trimEnd().split('\n')
      : text
          .split(/\n\n/)
          .flatMap((event) => event.split('\n').filter((line) => line.startsWith('data: ')))
          .map((line) => line.slice('data: '.length))
          .filter((data) => data !== '[DONE]');
  return payloads.map((payload) => textOf(path, JSON.parse(payload) as Record<string, never>)).join('');
}

interface Spoken {
  readonly choices?: readonly { readonly delta?: { readonly content?: string }; readonly text?: string }[];
  readonly type?: string;
  readonly delta?: string | { readonly text?: string };
  readonly message?: { readonly content?: string };
  readonly response?: string | object;
}

function textOf(path: string, event: Spoken): string {
  const { choices, delta, message, response, type } = event;
  if (choices) return choices.map((choice) => choice.delta?.content ?? choice.text ?? '').join('');
  if (path === '/v1/responses') return type === 'response.output_text.delta' && typeof delta === 'string' ? delta : '';
  if (path === '/v1/messages') return typeof delta === 'object' ? (delta.text ?? '') : '';
  if (path === '/api/generate') return typeof response === 'string' ? response : '';
  return message?.content ?? '';
}
