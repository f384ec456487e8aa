import { connect, createServer } from 'node:net';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../../electron/client/control-client.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import {
  codeIn,
  indexHtml,
  send,
  sendAsOperator,
  startNode,
  token,
  type ControlNode,
  type NodeOptions,
} from './control-node.ts';

const open: ControlNode[] = [];

async function start(options: NodeOptions = {}): Promise<ControlNode> {
  const node = await startNode(options);
  open.push(node);
  return node;
}

afterEach(async () => {
  for (const node of open.splice(0)) await node.stop();
});

/** Signs in as a browser would; the cookie it got. */
async function signIn(node: ControlNode): Promise<string> {
  const { url } = await new ControlClient({ url: node.url, token }).ticket();
  const answer = await send(node.port, url.slice(node.url.length));
  expect({ status: answer.status, location: answer.headers.location }).toEqual({ status: 303, location: '/' });
  const [cookie = ''] = answer.headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
  return cookie.slice(0, cookie.indexOf(';'));
}

describe('the panel', () => {
  it('is shown to a browser with a ticket, and says how to get in to one without', async () => {
    const node = await start();
    const stranger = await send(node.port, '/');
    expect(stranger.status).toBe(401);
    expect(stranger.text).toContain('ranch-hand panel');
    expect(stranger.text).toContain('<code>npx</code>');
    expect(stranger.text).not.toContain('<script');
    const cookie = await signIn(node);
    const page = await send(node.port, '/', { headers: { cookie } });
    expect({ status: page.status, text: page.text }).toEqual({ status: 200, text: indexHtml });
    expect((await send(node.port, '/control/v1/snapshot', { headers: { cookie } })).status).toBe(200);
  });

  it('has a policy without inline script on every answer', async () => {
    const node = await start();
    const cookie = await signIn(node);
    for (const [path, headers] of [
      ['/', { cookie }],
      ['/', {}],
      ['/control/v1/snapshot', { cookie }],
      ['/nothing.js', { cookie }],
    ] as const) {
      const answer = await send(node.port, path, { headers });
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
  });

  it('a ticket works once', async () => {
    const node = await start();
    const { url } = await new ControlClient({ url: node.url, token }).ticket();
    const path = url.slice(node.url.length);
    expect((await send(node.port, path)).status).toBe(303);
    const again = await send(node.port, path);
    expect({ status: again.status, cookie: again.headers['set-cookie'] }).toEqual({ status: 401, cookie: undefined });
    expect((await send(node.port, '/sign-in')).status).toBe(401);
  });

  it('stays signed in when the agent restarts with another token', async () => {
    const first = await startNode();
    const cookie = await signIn(first);
    await first.stop();
    const second = await start({ token: 'another-token-0123456789-0123456789-0123' });
    expect((await send(second.port, '/', { headers: { cookie } })).status).toBe(200);
  });

  it('B15 a cookie that was made up or changed lets nobody in', async () => {
    const node = await start();
    const cookie = await signIn(node);
    const [name = '', value = ''] = cookie.split('=');
    const [ends = '', signature = ''] = value.split('.');
    for (const forged of [
      `${name}=${Number(ends) + 1}.${signature}`,
      `${name}=${ends}.${signature.slice(0, -2)}AA`,
      `${name}=`,
      `other=${value}`,
    ]) {
      expect((await send(node.port, '/control/v1/snapshot', { headers: { cookie: forged } })).status).toBe(401);
    }
  });

  it('a session cannot make tickets, and a wrong token is not rescued by a cookie', async () => {
    const node = await start();
    const cookie = await signIn(node);
    const headers = { cookie, 'content-type': 'application/json' };
    const answer = await send(node.port, '/control/v1/tickets', { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(403);
    const both = { cookie, authorization: 'Bearer wrong' };
    expect((await send(node.port, '/control/v1/snapshot', { headers: both })).status).toBe(401);
  });

  it('serves hashed files for good, views as the page, and nothing from outside its folder', async () => {
    const node = await start();
    const script = await sendAsOperator(node.port, '/assets/app-1a2b.js');
    expect(script.headers['content-type']).toMatch(/^text\/javascript/);
    expect(script.headers['cache-control']).toContain('immutable');
    const view = await sendAsOperator(node.port, '/engines/embedded');
    expect({ text: view.text, cache: view.headers['cache-control'] }).toEqual({ text: indexHtml, cache: 'no-cache' });
    expect((await sendAsOperator(node.port, '/nothing.js')).status).toBe(404);
    await symlink('/etc/hostname', join(node.panelDir, 'out.txt'));
    expect((await sendAsOperator(node.port, '/out.txt')).status).toBe(404);
    const head = await sendAsOperator(node.port, '/', { method: 'HEAD' });
    expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' });
  });
});

describe('the control listener', () => {
  it('moves to a free port when the one of the last run is taken', async () => {
    const first = await start();
    const second = await start({ preferredPort: first.port });
    expect(second.port).not.toBe(first.port);
    expect((await sendAsOperator(second.port, '/control/v1/snapshot')).status).toBe(200);
  });

  it('takes the port of the last run when it is free', async () => {
    const first = await startNode();
    await first.stop();
    expect((await start({ preferredPort: first.port })).port).toBe(first.port);
  });

  it('F7 a port that was named and is taken is an error, never another port', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const error: unknown = await startNode({ port }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'port_taken' });
    holder.close();
  });

  it('resumes the event stream after Last-Event-ID, and starts over where it cannot', async () => {
    const node = await start();
    const first = await firstEvent(node);
    expect(first.data).toContain('"type":"snapshot"');
    node.rooms.notices = [{ id: 'x', severity: 'info', sentence: 'Something.', since: '', fix: null }];
    const resumed = await firstEvent(node, first.id);
    expect(resumed.data).toContain('"type":"change"');
    expect(Number(resumed.id)).toBe(Number(first.id) + 1);
    expect((await firstEvent(node, '7')).data).toContain('"type":"snapshot"');
  });

  it('L5 a reader that does not read is let go, others go on', async () => {
    const node = await start();
    const before = process.memoryUsage.rss();
    const lazy = connect(node.port, '127.0.0.1');
    await new Promise<void>((resolve) => lazy.once('connect', resolve));
    lazy.pause();
    lazy.on('error', () => undefined);
    lazy.write(
      `GET /control/v1/queries/logs?engine=embedded&follow=true HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\n` +
        `Authorization: Bearer ${token}\r\n\r\n`,
    );
    while (node.logListeners() === 0) await new Promise((resolve) => setImmediate(resolve));
    const text = 'x'.repeat(64 * 1024);
    for (let round = 0; round < 2_000 && node.logListeners() > 0; round += 1) {
      node.log({ at: '', stream: 'stdout', text });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(node.logListeners()).toBe(0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024);
    expect((await sendAsOperator(node.port, '/control/v1/snapshot')).status).toBe(200);
    lazy.destroy();
  });

  it('the 65th reader is refused', async () => {
    const node = await start();
    const stop = new AbortController();
    const client = new ControlClient({ url: node.url, token });
    let open = 0;
    const readers = Array.from({ length: 64 }, () => {
      let counted = false;
      return client.watch(() => {
        if (!counted) open += 1;
        counted = true;
      }, stop.signal);
    });
    while (open < 64) await new Promise((resolve) => setImmediate(resolve));
    const refused = await sendAsOperator(node.port, '/control/v1/events');
    expect({ status: refused.status, code: codeIn(refused.text) }).toEqual({ status: 503, code: 'too_busy' });
    stop.abort();
    await Promise.all(readers);
  });

  it('stops while streams are open, without waiting for their readers', async () => {
    const node = await startNode();
    const stop = new AbortController();
    const client = new ControlClient({ url: node.url, token });
    const opened = new Promise<void>((resolve) => {
      void client
        .watch((event) => {
          if (event.kind === 'snapshot') resolve();
        }, stop.signal)
        .catch(() => undefined);
    });
    await opened;
    // The reader is told to stop only afterwards.
    await node.stop();
    stop.abort();
  });
});

/** The first event of the stream, whose connection is then closed. */
function firstEvent(node: ControlNode, lastEventId?: string): Promise<{ id: string; data: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(node.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('data', (piece: string) => {
      text += piece;
      const [, id, data] = /^id: (\d+)\ndata: (.*)\n\n?/m.exec(text) ?? [];
      if (id === undefined || data === undefined) return;
      socket.destroy();
      resolve({ id, data });
    });
    const resume = lastEventId === undefined ? '' : `Last-Event-ID: ${lastEventId}\r\n`;
    socket.write(
      `GET /control/v1/events HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nAuthorization: Bearer ${token}\r\n${resume}\r\n`,
    );
  });
}
