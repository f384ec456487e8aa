/**
 * A process that looks like a running agent to a client: the control API on a free loopback port, and `agent.json` in
 * the data folder given as its only argument. Its parent tells it over the IPC channel how to behave, and hears of
 * every request.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { NodeSnapshot } from '../../electron/contract/snapshot.ts';
import { removeAgentFile, writeAgentFile } from '../../electron/host/agent-file.ts';
import { aNode } from '../unit/cli/node-snapshot.ts';

/** How the next chat goes. */
export type ChatManner = 'answer' | 'endless' | 'break-off' | 'error-event' | 'unknown-model';

export type Order =
  | { readonly do: 'chat'; readonly manner: ChatManner; readonly pieces?: readonly string[] }
  /** Sends a change of the gateway's speed to everyone who watches. */
  | { readonly do: 'speed'; readonly tokensPerSecond: number }
  /** Adds a line to the engine's log. */
  | { readonly do: 'log'; readonly text: string }
  | { readonly do: 'name'; readonly name: string }
  /** What a query answers from now on. */
  | { readonly do: 'answer'; readonly query: string; readonly answer: unknown }
  /** What a command answers beside `ok`, or the error it is refused with. */
  | { readonly do: 'command'; readonly name: string; readonly answer: object; readonly status?: number }
  /** Changes sections of the snapshot, for everyone who watches too. */
  | { readonly do: 'set'; readonly set: Partial<NodeSnapshot> }
  /** What the export of the usage sends: all of it, or broken off after the last piece. */
  | { readonly do: 'export'; readonly pieces: readonly string[]; readonly whole: boolean }
  /** Takes requests and never answers. */
  | { readonly do: 'fall-silent' };

export type Report =
  | { readonly kind: 'ready'; readonly controlUrl: string }
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly path: string;
      /** Names and values of the query string. */
      readonly query: Readonly<Record<string, string>>;
      readonly body: unknown;
    }
  | { readonly kind: 'gone'; readonly path: string };

const dataDir = process.argv[2] ?? '';
const token = 'x'.repeat(43);
const manner: { chat: ChatManner; pieces: readonly string[]; silent: boolean; name: string } = {
  chat: 'answer',
  pieces: ['Hel', 'lo', '.'],
  silent: false,
  name: 'fake-node',
};
let exported: { readonly pieces: readonly string[]; readonly whole: boolean } = { pieces: [], whole: true };
const answers = new Map<string, unknown>();
const commandAnswers = new Map<string, { readonly status: number; readonly answer: object }>();
let changed: Partial<NodeSnapshot> = {};
const watchers = new Set<ServerResponse>();
const followers = new Set<ServerResponse>();
let seq = 1;

function report(message: Report): void {
  process.send?.(message);
}

function picture(): ReturnType<typeof aNode> {
  const node = aNode();
  return { ...node, ...changed, node: { ...node.node, name: manner.name } };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendEvent(response: ServerResponse, event: unknown): void {
  response.write(`id: ${seq}\ndata: ${JSON.stringify(event)}\n\n`);
}

function openEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  sendEvent(response, { type: 'snapshot', seq, snapshot: picture() });
  watchers.add(response);
  response.on('close', () => watchers.delete(response));
}

const earlierLines = [
  { at: '2026-11-22T12:00:00.000Z', stream: 'stdout', text: 'loading model' },
  { at: '2026-11-22T12:00:01.000Z', stream: 'stderr', text: '\u001b[31mwarning\u001b[0m: slow \u202edisk' },
];

function logs(query: URLSearchParams, response: ServerResponse): void {
  if (query.get('engine') !== 'embedded') {
    const message = 'There is no engine with that id here.';
    sendJson(response, 404, { error: { code: 'not_found', message } });
    return;
  }
  const lines = earlierLines.slice(-Number(query.get('lines') ?? 200));
  if (query.get('follow') !== 'true') {
    sendJson(response, 200, { lines });
    return;
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  for (const line of lines) response.write(`${JSON.stringify(line)}\n`);
  followers.add(response);
  response.on('close', () => followers.delete(response));
}

const settingsAnswer = {
  settings: { version: 1, gateway: { port: 8080 } },
  rows: [{ key: 'gateway.port', value: 8080, valueAfterRestart: 8081, defaultValue: 8080, origin: 'default' }],
};

function chunk(response: ServerResponse, body: unknown): void {
  response.write(`data: ${JSON.stringify(body)}\n\n`);
}

function chat(response: ServerResponse): void {
  if (manner.chat === 'unknown-model') {
    const message = 'There is no model with that name here.';
    sendJson(response, 404, { error: { code: 'model_not_found', message } });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const content of manner.pieces) {
    chunk(response, { model: 'falcon3-10b-instruct', choices: [{ delta: { content } }] });
  }
  if (manner.chat === 'endless') return;
  if (manner.chat === 'break-off') {
    // Only after the pieces were sent: else the client could see no more than a reset.
    response.write(': \n\n', () => response.destroy());
    return;
  }
  if (manner.chat === 'error-event') {
    chunk(response, { error: { code: 'engine_failed', message: 'The engine ended in the middle of the answer.' } });
    response.end();
    return;
  }
  chunk(response, { choices: [{ delta: {}, finish_reason: 'stop' }] });
  chunk(response, { choices: [], usage: { prompt_tokens: 5, completion_tokens: 3 } });
  response.end('data: [DONE]\n\n');
}

function exportUsage(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
  for (const piece of exported.pieces) response.write(piece);
  if (exported.whole) response.end();
  // Only after the pieces were sent, as with a chat that breaks off.
  else response.write('\n', () => response.destroy());
}

function route(method: string, url: URL, response: ServerResponse, base: string): void {
  const { pathname } = url;
  if (pathname === '/control/v1/snapshot') sendJson(response, 200, picture());
  else if (pathname === '/control/v1/events') openEvents(response);
  else if (pathname === '/control/v1/queries/logs') logs(url.searchParams, response);
  else if (pathname === '/control/v1/queries/settings') {
    sendJson(response, 200, settingsAnswer);
  } else if (pathname === '/control/v1/export/usage') exportUsage(response);
  else if (answers.has(pathname.slice('/control/v1/queries/'.length))) {
    sendJson(response, 200, answers.get(pathname.slice('/control/v1/queries/'.length)));
  } else if (pathname === '/control/v1/tickets') {
    sendJson(response, 200, { ticket: 't1', url: `${base}/sign-in?ticket=t1` });
  } else if (pathname === '/control/v1/chat') chat(response);
  else if (pathname === '/health') sendJson(response, 200, { status: 'ok' });
  else if (method === 'POST' && pathname.startsWith('/control/v1/commands/')) {
    const known = commandAnswers.get(pathname.slice('/control/v1/commands/'.length));
    const status = known?.status ?? 200;
    sendJson(response, status, { ...(status === 200 && { ok: true }), ...known?.answer });
  } else sendJson(response, 404, { error: { code: 'not_found', message: 'There is nothing here.' } });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  request.setEncoding('utf8');
  let text = '';
  for await (const piece of request as AsyncIterable<string>) text += piece;
  return text === '' ? null : (JSON.parse(text) as unknown);
}

async function answer(request: IncomingMessage, response: ServerResponse, base: string): Promise<void> {
  const url = new URL(request.url ?? '/', base);
  const method = request.method ?? '';
  const query = Object.fromEntries(url.searchParams);
  report({ kind: 'request', method, path: url.pathname, query, body: await readBody(request) });
  response.on('close', () => {
    if (!response.writableFinished) report({ kind: 'gone', path: url.pathname });
  });
  if (manner.silent) return;
  if (request.headers.authorization !== `Bearer ${token}` && url.pathname !== '/health') {
    sendJson(response, 401, { error: { code: 'unauthorized', message: 'The token is wrong.' } });
    return;
  }
  route(method, url, response, base);
}

function obey(order: Order): void {
  switch (order.do) {
    case 'chat':
      manner.chat = order.manner;
      manner.pieces = order.pieces ?? manner.pieces;
      return;
    case 'speed': {
      seq += 1;
      const gateway = { ...picture().gateway, tokensPerSecond: order.tokensPerSecond };
      const points = picture().history.points.slice(-1);
      const append = points.map((point) => ({ ...point, at: point.at + seq * 1000 }));
      for (const watcher of watchers) sendEvent(watcher, { type: 'change', seq, set: { gateway }, append });
      return;
    }
    case 'log':
      for (const follower of followers) {
        follower.write(`${JSON.stringify({ at: '2026-11-22T12:00:02.000Z', stream: 'stdout', text: order.text })}\n`);
      }
      return;
    case 'name':
      manner.name = order.name;
      return;
    case 'answer':
      answers.set(order.query, order.answer);
      return;
    case 'command':
      commandAnswers.set(order.name, { status: order.status ?? 200, answer: order.answer });
      return;
    case 'set':
      changed = { ...changed, ...order.set };
      seq += 1;
      for (const watcher of watchers) sendEvent(watcher, { type: 'change', seq, set: order.set, append: [] });
      return;
    case 'export':
      exported = order;
      return;
    case 'fall-silent':
      manner.silent = true;
      return;
  }
}

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  const base = `http://127.0.0.1:${address.port}`;
  server.on('request', (request, response) => void answer(request, response, base));
  const file = {
    pid: process.pid,
    version: '0.1.0',
    startedAt: new Date().toISOString(),
    controlUrl: base,
    controlToken: token,
    gatewayUrl: base,
  };
  writeAgentFile(dataDir, file);
  report({ kind: 'ready', controlUrl: base });
});
process.on('message', (order) => obey(order as Order));
process.on('SIGTERM', () => {
  void removeAgentFile(dataDir).then(() => process.exit(0));
});
// The test that started it is gone.
process.on('disconnect', () => process.exit(0));
