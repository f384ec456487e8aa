/**
 * A control server that plays scripted states to the panel, as a process of its own:
 *   node test/fakes/fake-control.ts --panel DIR [--port N] [--quiet]
 * It prints one line of JSON with its address, serves the panel and the control API's routes with the same sign-in and
 * the same page policy as the agent, and takes orders under /fake/ (see `orders`). `--quiet` sends news only on orders.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import {
  commandSchemas,
  controlPaths,
  querySchemas,
  usageExportSchema,
  type CommandName,
} from '../../electron/contract/control.ts';
import { applyChange, type ChangeEvent } from '../../electron/contract/events.ts';
import { type Trace } from '../../electron/contract/trace.ts';
import { fakeAvailability, fakeInstallSteps, fakeVariants } from './fake-control-data.ts';
import { fakeUsage } from './fake-control-cloud.ts';
import { FakeNode } from './fake-control-node.ts';
import { FakeRefusal } from './fake-control-refusal.ts';
import { type FakeOrders } from './fake-orders.ts';
import { fakePoint, fakeSnapshot } from './fake-snapshot.ts';
import { fakeSessions, fakeTraces, pickTraces } from './fake-traffic.ts';

const { values: options } = parseArgs({
  options: { panel: { type: 'string' }, port: { type: 'string', default: '0' }, quiet: { type: 'boolean' } },
});
const panelFolder = options.panel;
if (panelFolder === undefined) throw new Error('--panel DIR is needed');

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

let seq = 0;
const node = new FakeNode(fakeSnapshot(Date.now()), (set) => publish(set, []));
/** Decisions, the latest first. */
const kept: Trace[] = fakeTraces(ago);
const answers = new Map<string, unknown>();
let signedIn = true;
let holdCommands = false;
let refuse: FakeOrders['refuse'] = null;
let chat: NonNullable<FakeOrders['chat']> = {
  words: 'Hello from the barn. I am a small model on a machine of this ranch.'.split(' '),
  everyMs: 30,
  end: 'done',
};
let traces = 0;
const readers = new Set<ServerResponse>();
const logs = new Set<ServerResponse>();
const heldCommands = new Set<() => void>();
const received: { readonly path: string; readonly body: unknown }[] = [];
/** Chats whose caller hung up before the end. */
let hungUp = 0;

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function publish(set: ChangeEvent['set'], append: ChangeEvent['append']): void {
  seq += 1;
  const event: ChangeEvent = { type: 'change', seq, set, append };
  node.snapshot = applyChange(node.snapshot, event);
  for (const reader of readers) reader.write(`id: ${seq}\nevent: change\ndata: ${JSON.stringify(event)}\n\n`);
}

function openEvents(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(
    `id: ${seq}\nevent: snapshot\ndata: ${JSON.stringify({ type: 'snapshot', seq, snapshot: node.snapshot })}\n\n`,
  );
  readers.add(response);
  request.socket.on('close', () => readers.delete(response));
}

function openLog(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  logs.add(response);
  request.socket.on('close', () => logs.delete(response));
  writeLog(response, ['llama_model_loader: loaded meta data', 'server is listening on 127.0.0.1']);
}

function writeLog(response: ServerResponse, lines: readonly string[]): void {
  const at = new Date().toISOString();
  response.write(lines.map((text) => `${JSON.stringify({ at, stream: 'stderr', text })}\n`).join(''));
}

function flood({ batches, linesEach, everyMs }: NonNullable<FakeOrders['flood']>): void {
  let batch = 0;
  const timer = setInterval(() => {
    const first = batch * linesEach;
    const lines = Array.from({ length: linesEach }, (_, index) => `\u001b[32mtoken of\u001b[0m line ${first + index}`);
    for (const log of logs) writeLog(log, lines);
    batch += 1;
    if (batch === batches) clearInterval(timer);
  }, everyMs);
}

function streamChat(response: ServerResponse): void {
  const { words, everyMs, end } = chat;
  if (end === 'refuse') {
    json(response, 503, {
      error: { code: 'engine_not_ready', message: 'No engine is ready yet. Try again in a few seconds.' },
    });
    return;
  }
  traces += 1;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-ranch-trace': `t-fake-${traces}` });
  const send = (body: unknown): boolean => response.write(`data: ${JSON.stringify(body)}\n\n`);
  let next = 0;
  const timer = setInterval(() => {
    const word = words[next];
    if (word !== undefined) {
      send({ choices: [{ index: 0, delta: { content: next === 0 ? word : ` ${word}` }, finish_reason: null }] });
      next += 1;
      return;
    }
    clearInterval(timer);
    if (end === 'cut') response.destroy();
    else if (end === 'error-event') {
      send({
        error: { message: 'The engine ended while it answered. Send the request again.', code: 'engine_failed' },
      });
      response.end();
    } else {
      send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
      send({
        choices: [],
        usage: { prompt_tokens: 9, completion_tokens: words.length, total_tokens: 9 + words.length },
      });
      response.end('data: [DONE]\n\n');
    }
  }, everyMs);
  response.on('close', () => {
    clearInterval(timer);
    if (!response.writableFinished && end !== 'cut') hungUp += 1;
  });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += String(part);
  return text === '' ? null : JSON.parse(text);
}

function obey(orders: FakeOrders): void {
  if (orders.signedIn !== undefined) signedIn = orders.signedIn;
  if (orders.cut === true || orders.signedIn === false) for (const reader of readers) reader.destroy();
  if (orders.chat !== undefined) chat = orders.chat;
  if (orders.refuse !== undefined) refuse = orders.refuse;
  if (orders.skip === true) seq += 1;
  if (orders.set !== undefined) publish(orders.set, []);
  if (orders.keep !== undefined) kept.unshift(orders.keep);
  if (orders.keys !== undefined) node.keys = orders.keys;
  if (orders.log !== undefined) for (const log of logs) writeLog(log, orders.log);
  if (orders.flood !== undefined) flood(orders.flood);
  if (orders.switchEnd !== undefined) node.switchEnd = orders.switchEnd;
  for (const [name, answer] of Object.entries(orders.answers ?? {})) answers.set(name, answer);
  for (let step = 0; step < (orders.step ?? 0); step += 1) node.step();
  if (orders.holdCommands !== undefined) holdCommands = orders.holdCommands;
  if (!holdCommands) {
    for (const release of heldCommands) release();
    heldCommands.clear();
  }
}

function answerCommand(name: string, body: unknown, response: ServerResponse): void {
  if (refuse !== null && refuse !== undefined) {
    json(response, refuse.status, { error: { code: refuse.code, message: refuse.message } });
    return;
  }
  const known = Object.keys(commandSchemas).find((one): one is CommandName => one === name);
  if (known === undefined) json(response, 404, { error: { code: 'not_found', message: 'There is no such command.' } });
  else if (!commandSchemas[known].safeParse(body).success) {
    json(response, 400, { error: { code: 'invalid_request', message: 'The body is not what the command takes.' } });
  } else {
    try {
      json(response, 200, node.command(known, body));
    } catch (error) {
      if (!(error instanceof FakeRefusal)) throw error;
      json(response, 409, { error: { code: 'conflict', message: error.message } });
    }
  }
}

function answerQuery(name: string, params: URLSearchParams, response: ServerResponse): void {
  const ordered = answers.get(name);
  if (typeof ordered === 'string') json(response, 503, { error: { code: 'unavailable', message: ordered } });
  else if (ordered !== undefined && ordered !== null) json(response, 200, ordered);
  else if (name === 'variants') json(response, 200, fakeVariants());
  else if (name === 'availability')
    json(
      response,
      200,
      fakeAvailability((ms) => new Date(Date.now() - ms).toISOString()),
    );
  else if (name === 'installSteps') {
    json(response, 200, fakeInstallSteps(querySchemas.installSteps.parse(Object.fromEntries(params)).kind));
  } else if (name === 'usage') {
    json(response, 200, fakeUsage(querySchemas.usage.parse(Object.fromEntries(params))));
  } else if (name === 'cloud') json(response, 200, node.cloud.overview());
  else if (name === 'secrets') json(response, 200, { secrets: node.cloud.secrets });
  else if (name === 'settings')
    json(response, 200, { settings: { cloud: node.cloud.settings }, rows: node.cloud.rows() });
  else if (name === 'keys') json(response, 200, { keys: node.keys });
  else if (name === 'sessions') json(response, 200, { sessions: fakeSessions(ago) });
  else if (name === 'traces') {
    json(response, 200, pickTraces(kept, querySchemas.traces.parse(Object.fromEntries(params))));
  } else if (name === 'trace') {
    const id = params.get('id');
    const trace = kept.find((one) => one.trace === id);
    if (trace !== undefined) json(response, 200, { trace });
    else json(response, 404, { error: { code: 'not_found', message: `No decision "${id ?? ''}" is kept.` } });
  } else json(response, 404, { error: { code: 'not_found', message: 'There is no such question.' } });
}

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}

/** A small export: what matters here is that it is asked for rightly and saved as a file. */
function sendExport(params: URLSearchParams, response: ServerResponse): void {
  const { since, until, format } = usageExportSchema.parse(Object.fromEntries(params));
  const { rows } = fakeUsage({ since, until, by: 'model' });
  const csv = format === 'csv';
  response.writeHead(200, {
    'content-type': csv ? 'text/csv' : 'application/x-ndjson',
    'content-disposition': `attachment; filename="ranch-hand-usage.${csv ? 'csv' : 'ndjson'}"`,
  });
  const lines = rows.map((row) => (csv ? `${row.name},${row.costUsd}` : JSON.stringify(row)));
  response.end(`${[...(csv ? ['model,cost'] : []), ...lines].join('\n')}\n`);
}

async function servePanel(path: string, response: ServerResponse): Promise<void> {
  const file = normalize(path === '/' ? '/index.html' : path);
  try {
    const body = await readFile(join(panelFolder ?? '', file));
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
    });
    response.end(body);
  } catch {
    json(response, 404, { error: { code: 'not_found', message: 'There is nothing at this address.' } });
  }
}

const cookie = `ranch-hand-fake=${randomBytes(16).toString('hex')}`;

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
  if (pathname === '/fake/orders') {
    obey((await readJson(request)) as FakeOrders);
    json(response, 200, { ok: true });
  } else if (pathname === '/fake/facts') {
    json(response, 200, { received, readers: readers.size, logs: logs.size, hungUp, seq });
  } else if (pathname === '/sign-in') {
    // A restarted agent keeps its session secret, so any of this fake's cookies will do.
    response.writeHead(303, { 'set-cookie': `${cookie}; HttpOnly; SameSite=Strict; Path=/`, location: '/' }).end();
  } else if (!pathname.startsWith('/control/v1/')) {
    await servePanel(pathname, response);
  } else if (!signedIn || !(request.headers.cookie ?? '').includes('ranch-hand-fake=')) {
    json(response, 401, { error: { code: 'unauthorized', message: 'Sign in first.' } });
  } else if (pathname === '/control/v1/events') {
    openEvents(request, response);
  } else if (pathname === '/control/v1/queries/logs') {
    openLog(request, response);
  } else if (pathname === controlPaths.usageExport) {
    sendExport(searchParams, response);
  } else if (pathname.startsWith('/control/v1/queries/')) {
    answerQuery(pathname.split('/').at(-1) ?? '', searchParams, response);
  } else {
    const body = await readJson(request);
    const name = pathname.split('/').at(-1) ?? '';
    received.push({ path: pathname, body });
    if (pathname === '/control/v1/chat') streamChat(response);
    else if (holdCommands) heldCommands.add(() => answerCommand(name, body, response));
    else answerCommand(name, body, response);
  }
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(Number(options.port), '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  console.log(JSON.stringify({ url: `http://127.0.0.1:${address.port}` }));
});

if (options.quiet !== true) {
  setInterval(() => {
    const point = fakePoint(Date.now(), seq + 300);
    const gateway = { ...node.snapshot.gateway, tokensPerSecond: point.tokensPerSecond };
    publish({ gateway, system: { ...node.snapshot.system, cpuPercent: point.cpuPercent } }, [point]);
    node.step();
  }, 1000);
}
