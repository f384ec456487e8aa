import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  codeIn,
  send,
  sendAsOperator,
  sendRaw,
  startNode,
  token,
  type Answer,
  type ControlNode,
} from './control-node.ts';

let node: ControlNode;

beforeAll(async () => {
  node = await startNode();
});

afterAll(async () => {
  await node.stop();
});

const snapshotPath = '/control/v1/snapshot';
const restartPath = '/control/v1/commands/engines.restart';

/** Refused as it should be, nothing secret said, and the next good request works. */
async function expectRefusal(answer: Answer, status: number, code: string): Promise<void> {
  expect({ status: answer.status, code: codeIn(answer.text) }).toEqual({ status, code });
  expect(answer.text).not.toContain(token);
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect((await sendAsOperator(node.port, snapshotPath)).status).toBe(200);
}

describe('who may talk to the control listener', () => {
  it.each(['evil.com', 'localhost.evil.com', '127.0.0.1', '127.0.0.1:1'])(
    'B1 B2 a Host that is not ours (%s) is refused, with the right token too',
    async (host) => {
      await expectRefusal(await sendAsOperator(node.port, snapshotPath, { headers: { host } }), 421, 'wrong_host');
    },
  );

  it('B1 localhost by name and number are both ours', async () => {
    for (const host of [`localhost:${node.port}`, `127.0.0.1:${node.port}`]) {
      expect((await sendAsOperator(node.port, snapshotPath, { headers: { host } })).status).toBe(200);
    }
  });

  it.each(['http://evil.com', 'null', 'http://127.0.0.1:1', 'https://localhost'])(
    'B6 B7 a request of another origin (%s) is refused',
    async (origin) => {
      const answer = await sendAsOperator(node.port, restartPath, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: '{"id":"embedded"}',
      });
      await expectRefusal(answer, 403, 'forbidden');
      expect(node.commands).toEqual([]);
    },
  );

  it.each(['cross-site', 'same-site'])('B9 Sec-Fetch-Site %s is refused', async (site) => {
    const answer = await sendAsOperator(node.port, snapshotPath, { headers: { 'sec-fetch-site': site } });
    await expectRefusal(answer, 403, 'forbidden');
  });

  it('B14 without a token every API route is refused', async () => {
    for (const [method, path] of [
      ['GET', snapshotPath],
      ['GET', '/control/v1/events'],
      ['GET', '/control/v1/queries/settings'],
      ['GET', '/control/v1/nothing'],
      ['POST', restartPath],
      ['POST', '/control/v1/chat'],
      ['POST', '/control/v1/tickets'],
    ] as const) {
      await expectRefusal(await send(node.port, path, { method }), 401, 'unauthorized');
    }
  });

  it.each([
    ['another token', `Bearer ${'x'.repeat(token.length)}`],
    ['the beginning of it', `Bearer ${token.slice(0, -1)}`],
    ['more than it', `Bearer ${token}x`],
    ['another scheme', `Basic ${token}`],
    ['no scheme', token],
    ['nothing', ''],
  ])('B15 a wrong token is refused: %s', async (_what, authorization) => {
    await expectRefusal(await send(node.port, snapshotPath, { headers: { authorization } }), 401, 'unauthorized');
  });

  it('B3 a Host with more than name and port is refused', async () => {
    const host = `127.0.0.1:${node.port}/?`;
    await expectRefusal(await sendAsOperator(node.port, snapshotPath, { headers: { host } }), 421, 'wrong_host');
  });

  it.each([
    ['none', ''],
    ['two', 'Host: localhost:PORT\r\nHost: 127.0.0.1:PORT\r\n'],
    ['two that are alike', 'Host: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT\r\n'],
  ])('B4 a request whose Host headers are %s is refused', async (_what, hosts) => {
    for (const version of ['1.0', '1.1']) {
      const answer = await sendRaw(
        node.port,
        `GET ${snapshotPath} HTTP/${version}\r\n${hosts.replaceAll('PORT', String(node.port))}` +
          `Authorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).not.toContain(token);
    }
  });

  it('B17 two Authorization headers are refused', async () => {
    const head = `GET ${snapshotPath} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nConnection: close\r\n`;
    const line = `Authorization: Bearer ${token}\r\n`;
    expect(await sendRaw(node.port, `${head}${line}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await sendRaw(node.port, `${head}${line}${line}\r\n`)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('B18 a token in the address is refused', async () => {
    await expectRefusal(await send(node.port, `${snapshotPath}?token=${token}`), 401, 'unauthorized');
  });
});

describe('what the control listener reads', () => {
  const post = (headers: Record<string, string>, body: string): Promise<Answer> =>
    sendAsOperator(node.port, restartPath, { method: 'POST', headers, body });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp'])(
    'B10 B12 JSON sent as %s is refused',
    async (type) => {
      await expectRefusal(await post({ 'content-type': type }, '{"id":"embedded"}'), 415, 'unsupported_media_type');
      expect(node.commands).toEqual([]);
    },
  );

  it('B10 no type at all passes for a program, not for a web page', async () => {
    const fromPage = { origin: `http://127.0.0.1:${node.port}`, 'sec-fetch-site': 'same-origin' };
    await expectRefusal(await post(fromPage, '{"id":"embedded"}'), 415, 'unsupported_media_type');
    expect((await post({}, '{"id":"embedded"}')).status).toBe(200);
    expect(node.commands.splice(0)).toHaveLength(1);
  });

  it('B10 a chat that is not JSON never reaches the pipeline', async () => {
    const answer = await sendAsOperator(node.port, '/control/v1/chat', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{}',
    });
    await expectRefusal(answer, 415, 'unsupported_media_type');
  });

  it.each(['', '{', '{"id":"embedded"}x', '\uFEFF{"id":"embedded"}', '{"id":NaN}', 'null', '[]', '"embedded"'])(
    'B29 a body that is not one JSON object is refused: %j',
    async (body) => {
      await expectRefusal(await post({ 'content-type': 'application/json' }, body), 400, 'invalid_request');
    },
  );

  it.each(['{"id":5}', '{}', '{"id":""}', '{"id":"embedded","force":true}', '{"id":"x","__proto__":{"admin":true}}'])(
    'B31 a body of another shape is refused: %s',
    async (body) => {
      await expectRefusal(await post({ 'content-type': 'application/json' }, body), 400, 'invalid_request');
    },
  );

  it.each([
    ['{}', 'The request does not fit: id must be given.'],
    ['{"id":5}', 'The request does not fit: id must be text.'],
    ['{"id":"x","force":true}', 'The request does not fit: it must not have \\"force\\".'],
  ])('B31 %s is refused in plain words', async (body, words) => {
    const answer = await post({ 'content-type': 'application/json' }, body);
    expect(answer.text).toContain(words);
  });

  it('B33 a body that is not UTF-8 is refused', async () => {
    const before = Buffer.from('{"id":"embedded');
    const after = Buffer.from('"}');
    const body = Buffer.concat([before, Buffer.from([0xff]), after]);
    const head =
      `POST ${restartPath} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    const answer = await sendRaw(node.port, Buffer.concat([Buffer.from(head), body]));
    expect(answer).toContain('not valid JSON');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('B27 a body over the limit is refused, declared or in chunks', async () => {
    const body = JSON.stringify({ id: 'x'.repeat(1024 * 1024) });
    const type = { 'content-type': 'application/json' };
    await expectRefusal(await post({ ...type, 'content-length': String(body.length) }, body), 413, 'payload_too_large');
    await expectRefusal(await post({ ...type, 'transfer-encoding': 'chunked' }, body), 413, 'payload_too_large');
  });

  it('B23 too much header is refused', async () => {
    const answer = await sendAsOperator(node.port, snapshotPath, { headers: { 'x-much': 'x'.repeat(17 * 1024) } });
    expect({ status: answer.status, code: codeIn(answer.text) }).toEqual({ status: 431, code: 'headers_too_large' });
  });

  it('B21 two ways to say how long the body is are refused', async () => {
    const answer = await sendRaw(
      node.port,
      `POST ${restartPath} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nAuthorization: Bearer ${token}\r\n` +
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*invalid_request/);
  });

  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['a bare LF', 'X-One: 1\nContent-Length: 2\r\n\r\n{}'],
    ['a folded header', 'X-One: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}'],
    ['a chunk without a size', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n'],
  ])('B22 %s is refused, and the connection closed', async (_what, rest) => {
    const head = `POST ${restartPath} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nAuthorization: Bearer ${token}\r\n`;
    expect(await sendRaw(node.port, `${head}${rest}`)).toMatch(/^HTTP\/1\.1 400 [^]*invalid_request/);
    expect(node.commands).toEqual([]);
    expect((await sendAsOperator(node.port, snapshotPath)).status).toBe(200);
  });

  it('B28 a packed body is refused and never unpacked', async () => {
    const body = gzipSync('{"id":"embedded"}');
    const head =
      `POST ${restartPath} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n` +
      'Connection: close\r\n\r\n';
    const answer = await sendRaw(node.port, Buffer.concat([Buffer.from(head), body]));
    expect(answer).toMatch(/^HTTP\/1\.1 415 [^]*unsupported_media_type/);
    const plain = await post(
      { 'content-type': 'application/json', 'content-encoding': 'identity' },
      '{"id":"embedded"}',
    );
    expect(plain.status).toBe(200);
    expect(node.commands.splice(0)).toHaveLength(1);
  });

  it.each(['//', '//evil.com/', '//evil.com/control/v1/snapshot', '///'])(
    'B34 a target that begins with two slashes is refused: %s',
    async (path) => {
      await expectRefusal(await sendAsOperator(node.port, path), 400, 'invalid_request');
    },
  );

  it('B8 a WebSocket upgrade is refused', async () => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    await expectRefusal(await sendAsOperator(node.port, snapshotPath, { headers }), 400, 'invalid_request');
  });

  it.each([
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/%5c..%5csecret.txt',
    '/a%00.js',
  ])('B34 a path that leaves the folder is refused: %s', async (path) => {
    const answer = await sendAsOperator(node.port, path);
    expect([400, 404]).toContain(answer.status);
    expect(answer.text).not.toContain('not for the panel');
  });

  it('B5 an absolute target is refused', async () => {
    const line = `GET http://evil.com/ HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(node.port, line)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('B35 TRACE, CONNECT and the wrong method are refused', async () => {
    await expectRefusal(await sendAsOperator(node.port, snapshotPath, { method: 'TRACE' }), 405, 'method_not_allowed');
    await expectRefusal(await sendAsOperator(node.port, '/', { method: 'TRACE' }), 405, 'method_not_allowed');
    await expectRefusal(await sendAsOperator(node.port, snapshotPath, { method: 'DELETE' }), 405, 'method_not_allowed');
    const host = `127.0.0.1:${node.port}`;
    expect(await sendRaw(node.port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('names what there is where a command or query is unknown', async () => {
    const command = await sendAsOperator(node.port, '/control/v1/commands/constructor', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await expectRefusal(command, 404, 'not_found');
    expect(command.text).toContain('engines.restart');
    await expectRefusal(await sendAsOperator(node.port, '/control/v1/queries/toString'), 404, 'not_found');
    const wrong = await sendAsOperator(node.port, '/control/v1/queries/logs?engine=embedded&lines=999999');
    await expectRefusal(wrong, 400, 'invalid_request');
  });
});
