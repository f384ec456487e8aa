import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GatewayRig, parseRaw } from '../../fixtures/gateway-rig.ts';

const chatBody = JSON.stringify({ model: 'fake-model', messages: [{ role: 'user', content: 'Hello' }] });
/** The same in one chunk. */
const chunked = `${chatBody.length.toString(16)}\r\n${chatBody}\r\n0\r\n\r\n`;
const get = 'GET /v1/models HTTP/1.1\r\n';
const post = 'POST /v1/chat/completions HTTP/1.1\r\nHost: HOST\r\n';

interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string };
}

/** One refusal over a raw socket, checked for the shape that every refusal has. */
async function refused(rig: GatewayRig, text: string | readonly string[]): Promise<{ status: number; code: string }> {
  const { status, head, body } = parseRaw(await rig.raw(text));
  expect(head.toLowerCase()).toContain('x-ranch-trace: ');
  expect(head.toLowerCase()).toContain('x-ranch-reason: ');
  expect(head.toLowerCase()).toContain('content-type: application/json');
  const { error } = JSON.parse(body) as ErrorBody;
  expect(error.message).toMatch(/\.$/);
  expect(error.message).not.toMatch(/!|undefined|Error:/);
  return { status, code: error.code };
}

describe('bad input at the socket', () => {
  let rig: GatewayRig;

  beforeAll(async () => {
    rig = await GatewayRig.start({
      gateway: { limits: { headersMs: 1_000, bodySilenceMs: 1_000, bodyMs: 3_000, maxBodyBytes: 1024 * 1024 } },
    });
  });

  // Whatever was refused, the next good request works.
  afterEach(async () => {
    const answer = await rig.chat();
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('tok7');
  });

  afterAll(() => rig[Symbol.asyncDispose]());

  it.each([
    ['B1 a foreign Host', 'Host: evil.com', 421],
    ['B1 a foreign Host with the port', 'Host: evil.com:HOST', 421],
    ['B2 a Host that begins with localhost', 'Host: localhost.evil.com', 421],
    ['B3 a Host with more than a host', 'Host: HOST/?', 421],
    ['B4 no Host', 'X-A: b', 400],
    ['B4 two Hosts', 'Host: HOST\r\nHost: HOST', 400],
    ['B6 a foreign Origin', 'Host: HOST\r\nOrigin: http://evil.com', 403],
    ['B7 Origin null', 'Host: HOST\r\nOrigin: null', 403],
    ['B9 a request from another site', 'Host: HOST\r\nSec-Fetch-Site: cross-site', 403],
  ])('%s is refused', async (_name, headers, status) => {
    expect(await refused(rig, `${get}${headers}\r\nConnection: close\r\n\r\n`)).toMatchObject({ status });
  });

  it('B5 an absolute-form target is refused', async () => {
    const text = 'GET http://HOST/v1/models HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n';
    expect(await refused(rig, text)).toEqual({ status: 400, code: 'invalid_request' });
  });

  it('B8 a WebSocket upgrade is refused', async () => {
    const headers = 'Host: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    const answer = await refused(rig, `${get}${headers}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`);
    expect(answer).toEqual({ status: 400, code: 'invalid_request' });
  });

  it.each([
    ['B10 JSON as text/plain', 'text/plain', chatBody],
    ['B12 a form', 'application/x-www-form-urlencoded', 'model=fake-model'],
    ['B12 a multipart form', 'multipart/form-data; boundary=x', '--x--'],
    ['B10 a type that only begins like JSON', 'application/jsonx', chatBody],
  ])('%s is refused', async (_name, type, body) => {
    const answer = await rig.post('/v1/chat/completions', body, { 'Content-Type': type });
    expect(answer.status).toBe(415);
    expect(((await answer.json()) as ErrorBody).error.code).toBe('unsupported_media_type');
  });

  it('B10 no Content-Type is accepted from a program, and not from a page', async () => {
    const text = (extra: string): string =>
      `${post}${extra}Connection: close\r\nContent-Length: ${chatBody.length}\r\n\r\n${chatBody}`;
    expect(parseRaw(await rig.raw(text(''))).status).toBe(200);
    expect(await refused(rig, text('Origin: http://HOST\r\n'))).toMatchObject({ status: 415 });
  });

  it.each([
    ['JSON, then text', 'application/json', 'text/plain'],
    ['text, then JSON', 'text/plain', 'application/json'],
  ])('B10 two Content-Types are refused: %s', async (_name, first, second) => {
    const headers = `Content-Type: ${first}\r\nContent-Type: ${second}\r\nConnection: close\r\n`;
    const text = `${post}${headers}Content-Length: ${chatBody.length}\r\n\r\n${chatBody}`;
    expect(await refused(rig, text)).toEqual({ status: 415, code: 'unsupported_media_type' });
  });

  it('B13 a preflight from an unknown origin is refused without any CORS header', async () => {
    const headers = 'Host: HOST\r\nOrigin: http://evil.com\r\nAccess-Control-Request-Method: POST\r\nConnection: close';
    const answer = await rig.raw(`OPTIONS /v1/chat/completions HTTP/1.1\r\n${headers}\r\n\r\n`);
    expect(parseRaw(answer).status).toBe(403);
    expect(answer.toLowerCase()).not.toContain('access-control-allow');
  });

  it.each([
    ['B21 a length and chunks', `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['B21 another transfer coding', 'Transfer-Encoding: gzip\r\n\r\n'],
    ['B21 a transfer coding before chunked', `Transfer-Encoding: gzip, chunked\r\n\r\n${chunked}`],
    ['B21 two headers of transfer codings', `Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`],
    ['B22 two lengths', `Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
    ['B22 a length that is no number', `Content-Length: 5x\r\n\r\nhello`],
    ['B22 a bad chunk', `Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n`],
    ['B22 a chunk longer than its size', `Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`],
  ])('%s is refused', async (_name, rest) => {
    expect(await refused(rig, post + rest)).toEqual({ status: 400, code: 'invalid_request' });
  });

  it.each([
    ['B22 a bare LF', 'X-A: b\nX-B: c\r\n'],
    ['B22 a bare CR', 'X-A: b\rX-B: c\r\n'],
    ['B22 a folded header', 'X-A: b\r\n c\r\n'],
    ['B22 a space before a colon', 'X-A : b\r\n'],
    ['B22 a NUL in a header', 'X-A: b\0c\r\n'],
  ])('%s is refused', async (_name, header) => {
    // The same request without that header is answered, so that nothing else is what is refused.
    const text = (extra: string): string => `${get}Host: HOST\r\nConnection: close\r\n${extra}\r\n`;
    expect(parseRaw(await rig.raw(text(''))).status).toBe(200);
    expect(await refused(rig, text(header))).toEqual({ status: 400, code: 'invalid_request' });
  });

  it('bytes that are no HTTP are refused', async () => {
    expect(await refused(rig, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')).toMatchObject({ status: 400 });
  });

  it.each([
    ['B23 a header of 17 KiB', `X-A: ${'a'.repeat(17 * 1024)}\r\n`],
    ['B23 a target of 17 KiB', null],
    ['B23 two hundred headers', 'X-A: b\r\n'.repeat(200)],
  ])('%s is refused', async (_name, headers) => {
    const text =
      headers === null
        ? `GET /v1/models?${'a'.repeat(17 * 1024)} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n`
        : `${get}Host: HOST\r\nConnection: close\r\n${headers}\r\n`;
    expect(await refused(rig, text)).toEqual({ status: 431, code: 'headers_too_large' });
  });

  it('B23 a hundred headers are accepted, one more is not', async () => {
    const text = (count: number): string =>
      `${get}Host: HOST\r\nConnection: close\r\n${'X-A: b\r\n'.repeat(count - 2)}\r\n`;
    expect(parseRaw(await rig.raw(text(100))).status).toBe(200);
    expect(await refused(rig, text(101))).toEqual({ status: 431, code: 'headers_too_large' });
  });

  it('B24 headers named __proto__ and constructor change nothing, neither now nor for the next request', async () => {
    const text = (extra: string): string =>
      `${post}${extra}Connection: close\r\nContent-Length: ${chatBody.length}\r\n\r\n${chatBody}`;
    const heads: string[] = [];
    for (const extra of ['__proto__: x\r\nconstructor: y\r\n', '']) {
      const answer = parseRaw(await rig.raw(text(extra)));
      expect(answer.status).toBe(200);
      heads.push(answer.head.replaceAll(/^(X-Ranch-Trace|Date): .*$/gim, '$1'));
      const { lastHead, lastBody } = await rig.fake.state();
      const names = lastHead.split('\r\n').slice(1);
      expect(names.map((line) => line.split(':')[0])).toEqual([
        'Host',
        'Content-Type',
        'Authorization',
        'Content-Length',
      ]);
      expect(JSON.parse(lastBody)).toEqual({ ...(JSON.parse(chatBody) as object), max_tokens: 4096 });
    }
    expect(heads[0]).toBe(heads[1]);
  });

  it.each([
    ['B25 headers that trickle', `${get}Host: HOST\r\nX-A: `],
    ['B25 a connection that says nothing after the request line', get],
    ['B26 a body that trickles', `${post}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"model"`],
  ])('%s are given up after a while', async (_name, text) => {
    expect(await refused(rig, text)).toEqual({ status: 408, code: 'request_timeout' });
  });

  it('B25 a connection on which nothing has come is idle, not slow: a later request on it is answered', async () => {
    let said = '';
    const early = connect(rig.port, '127.0.0.1');
    try {
      await once(early, 'connect');
      early.setEncoding('latin1').on('data', (text: string) => (said += text));
      // One that came later and is given up says that the time of the first is over.
      expect(await refused(rig, get)).toEqual({ status: 408, code: 'request_timeout' });
      expect(said).toBe('');
      early.write(`${get}Host: 127.0.0.1:${rig.port}\r\nConnection: close\r\n\r\n`);
      await once(early, 'end');
      expect(parseRaw(said).status).toBe(200);
    } finally {
      early.destroy();
    }
  });

  it('B26 a body that keeps trickling within the allowed silence is given up too', async () => {
    const started = performance.now();
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(rig.port, '127.0.0.1', () => {
        socket.write(`${post.replace('HOST', `127.0.0.1:${rig.port}`)}Content-Length: 500\r\n\r\n`);
      });
      const drip = setInterval(() => socket.write(' '), 100);
      socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(drip);
        resolve(text);
      });
    });
    expect(parseRaw(answer).status).toBe(408);
    expect(performance.now() - started).toBeGreaterThan(2_900);
  });

  it('B27 a body over the limit is refused when it is declared', async () => {
    const text = `${post}Content-Type: application/json\r\nContent-Length: ${2 * 1024 * 1024}\r\n\r\n`;
    expect(await refused(rig, text)).toEqual({ status: 413, code: 'payload_too_large' });
  });

  it('B27 a body over the limit is refused when it comes in chunks', async () => {
    const piece = `${(64 * 1024).toString(16)}\r\n${'a'.repeat(64 * 1024)}\r\n`;
    const text = [
      `${post}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      ...Array<string>(20).fill(piece),
    ];
    expect(await refused(rig, [...text, '0\r\n\r\n'])).toEqual({ status: 413, code: 'payload_too_large' });
  });

  it('B28 a compressed body is refused before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20));
    const answer = await fetch(`${rig.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      body: bomb,
    });
    expect(answer.status).toBe(415);
  });

  it.each([
    ['B34 encoded dots', '/v1/%2e%2e/models'],
    ['B34 an encoded backslash', '/v1%5cmodels'],
    ['B34 an encoded NUL', '/v1/models/a%00b'],
    ['B34 dots', '/v1/../etc/passwd'],
    ['B34 two slashes', '//'],
    ['B34 two slashes and a host', '//evil.com/v1/models'],
  ])('%s in the path are refused', async (_name, path) => {
    const text = `GET ${path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n`;
    expect(await refused(rig, text)).toEqual({ status: 400, code: 'invalid_request' });
  });

  it('B34 a broken percent encoding in a model name is refused', async () => {
    const text = 'GET /v1/models/%zz HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n';
    expect(await refused(rig, text)).toEqual({ status: 400, code: 'invalid_request' });
  });

  it('B35 TRACE and CONNECT are refused', async () => {
    const trace = 'TRACE /v1/models HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n';
    expect(await refused(rig, trace)).toEqual({ status: 405, code: 'method_not_allowed' });
    const tunnel = 'CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n';
    expect(await refused(rig, tunnel)).toEqual({ status: 405, code: 'method_not_allowed' });
  });

  it('B36 engine administration routes are not there', async () => {
    for (const path of ['/slots', '/props', '/v1', '/v1/chat/completions/', '/v1/files']) {
      const answer = await fetch(rig.url + path, { method: 'POST', body: '{}' });
      expect(answer.status).toBe(404);
      expect(((await answer.json()) as ErrorBody).error).toMatchObject({
        type: 'invalid_request_error',
        code: 'not_found',
      });
    }
    for (const path of ['/api/create', '/api/delete', '/api/pull', '/api/push', '/api/copy', '/api/blobs/sha256:00']) {
      const answer = await fetch(rig.url + path, { method: 'POST', body: '{}' });
      expect(answer.status).toBe(404);
      expect(await answer.json()).toEqual({ error: expect.stringContaining('no such route') as string });
    }
    const answer = await fetch(`${rig.url}/v1/messages/batches`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
  });

  it.each([
    ['%2e%2e', '/v1/%2e%2e/health'],
    ['%5c', '/v1%5cmodels'],
    ['NUL', '/v1/models/%00'],
    ['a dot segment', '/v1/../health'],
  ])('B34 %s in the path is refused', async (_name, path) => {
    const answer = parseRaw(await rig.raw(`GET ${path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n`));
    expect(answer.status).toBe(400);
    expect((JSON.parse(answer.body) as ErrorBody).error.code).toBe('invalid_request');
  });

  it.each(['TRACE', 'CONNECT', 'PROPFIND', 'DELETE'])('B35 %s is refused', async (method) => {
    const target = method === 'CONNECT' ? 'HOST' : '/v1/models';
    const answer = parseRaw(await rig.raw(`${method} ${target} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n`));
    expect(answer.status).toBe(405);
    expect(answer.body).not.toContain('HTTP/1.1');
  });

  it('tells who only asks whether somebody is there', async () => {
    expect((await fetch(`${rig.url}/api/hello`, { method: 'HEAD' })).status).toBe(200);
    const root = await fetch(`${rig.url}/`);
    expect(root.headers.get('content-type')).toContain('text/plain');
    expect(await root.text()).toBe('Ollama is running');
    expect((await fetch(`${rig.url}/`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${rig.url}/metrics`)).status).toBe(404);
  });

  it('the wrong method is refused, naming the right one', async () => {
    const answer = await fetch(`${rig.url}/v1/chat/completions`);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect((await rig.post('/v1/models', {})).status).toBe(405);
  });

  it('an expectation that cannot be met is refused', async () => {
    const text = `${post}Expect: foo\r\nConnection: close\r\nContent-Length: ${chatBody.length}\r\n\r\n${chatBody}`;
    expect(await refused(rig, text)).toEqual({ status: 417, code: 'expectation_failed' });
    const continued = await rig.raw(text.replace('foo', '100-continue'));
    expect(continued).toContain('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK');
  });

  it('a foreign Host is refused before its expectation is', async () => {
    const text = `${get}Host: evil.com\r\nExpect: foo\r\nConnection: close\r\n\r\n`;
    expect(await refused(rig, text)).toMatchObject({ status: 421 });
  });

  describe('a good request and then bytes that are no HTTP', () => {
    const good = `${post}Content-Length: ${chatBody.length}\r\n\r\n${chatBody}`;

    afterEach(() => rig.fake.behave({}));

    it.each([
      ['nothing of the answer was sent', 50, chatBody],
      ['the answer is on its way', 0, JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true })],
    ])('B22 are answered in order while %s', async (_name, firstMs, body) => {
      await rig.fake.behave({ firstMs, intervalMs: 5 });
      const answer = await rig.raw(`${post}Content-Length: ${body.length}\r\n\r\n${body}\x16\x03 what\r\n\r\n`);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
      expect(answer.indexOf('tok7')).toBeGreaterThan(0);
      expect(answer.indexOf('HTTP/1.1 400')).toBeGreaterThan(answer.indexOf('tok7'));
    });

    it('B22 a broken body behind an answer that is pending is never taken for that answer', async () => {
      await rig.fake.behave({ firstMs: 50 });
      const answer = await rig.raw(`${good}${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
      expect(answer).not.toMatch(/^HTTP\/1\.1 400/);
    });

    it.each([
      ['an upgrade', 'GET / HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 400],
      ['a tunnel', 'CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n', 405],
    ])('B8 %s behind an answer that is pending is refused after it', async (_name, second, status) => {
      await rig.fake.behave({ firstMs: 50 });
      const answer = await rig.raw(good + second);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', `HTTP/1.1 ${status}`]);
    });

    it('B22 end the connection when the first request asked for that', async () => {
      await rig.fake.behave({ firstMs: 50 });
      const answer = await rig.raw(`${good.replace('Host:', 'Connection: close\r\nHost:')}\x16\x03 what\r\n\r\n`);
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
      expect(answer).toContain('tok7');
    });
  });

  it('two requests in one packet are answered in order', async () => {
    const answer = await rig.raw(
      `${get}Host: HOST\r\n\r\nGET /health HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.indexOf('"object":"list"')).toBeGreaterThan(0);
    expect(answer.indexOf('{"status":"ok"}')).toBeGreaterThan(answer.indexOf('"object":"list"'));
  });
});
