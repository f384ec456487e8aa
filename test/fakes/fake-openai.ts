/**
 * A fake upstream of the OpenAI dialect, run as a process of its own: `node fake-openai.ts`. It prints its port, speaks
 * HTTP by hand so that it can also speak it wrongly, stamps tokens with the monotonic clock, and is steered by
 * `POST /_fake/behaviour`. It ends when its stdin does.
 */
import { createServer, type Socket } from 'node:net';
import type { FakeBehaviour, FakeState } from './fake-openai-behaviour.ts';
import { defaultBehaviour } from './fake-openai-behaviour.ts';

interface Request {
  readonly path: string;
  readonly head: string;
  readonly body: string;
  readonly arrived: bigint;
}

/** An answer on its way. */
interface Entry {
  over: boolean;
  readonly closed: () => void;
}

let behaviour: FakeBehaviour = defaultBehaviour;
const state = { active: 0, started: 0, finished: 0, aborted: 0, sockets: 0, lastBody: '', lastHead: '' };
const idleWaiters = new Set<() => void>();

const jsonHead = (status: number, length: number): string =>
  `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

function sendJson(socket: Socket, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  socket.write(jsonHead(status, Buffer.byteLength(body)) + body);
}

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function tokenText(request: Request, index: number, b: FakeBehaviour): string {
  if (!b.stamp) return b.text.replace('#', String(index)).replace('@', (mark) => wordOf(request.body) ?? mark);
  return index === 0 ? `${request.arrived}/${process.hrtime.bigint()} ` : `${process.hrtime.bigint()} `;
}

function wordOf(body: string): string | undefined {
  return /"content":"([\w-]{1,40})"/.exec(body)?.[1];
}

function delta(request: Request, index: number, b: FakeBehaviour): string {
  const content = tokenText(request, index, b);
  if (request.path.endsWith('/chat/completions')) {
    const choice = `{"index":0,"delta":{"content":${JSON.stringify(content)}},"finish_reason":null}`;
    return `data: {"id":"chatcmpl-fake","object":"chat.completion.chunk","created":1767225600,"model":"fake-model","choices":[${choice}]}\n\n`;
  }
  return event({
    id: 'cmpl-fake',
    object: 'text_completion',
    created: 1767225600,
    model: 'fake-model',
    choices: [{ index: 0, text: content, finish_reason: null }],
  });
}

/** The events of a tool call: its name, then its arguments piece by piece. */
function callEvents(b: FakeBehaviour): string[] {
  const chunk = (delta: object): string =>
    event({
      id: 'chatcmpl-fake',
      object: 'chat.completion.chunk',
      created: 1767225600,
      model: 'fake-model',
      choices: [{ index: 0, delta, finish_reason: null }],
    });
  return b.calls.flatMap(({ name, pieces }, index) => [
    chunk({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } }] }),
    ...pieces.map((text) => chunk({ tool_calls: [{ index, function: { arguments: text } }] })),
  ]);
}

function wholeCalls(b: FakeBehaviour): object {
  if (b.calls.length === 0) return {};
  return {
    tool_calls: b.calls.map(({ name, pieces }, index) => ({
      id: `call_${index}`,
      type: 'function',
      function: { name, arguments: pieces.join('') },
    })),
  };
}

function usage(tokens: number): object {
  return { prompt_tokens: 7, completion_tokens: tokens, total_tokens: 7 + tokens };
}

function finish(socket: Socket, entry: Entry): void {
  if (entry.over) return;
  entry.over = true;
  socket.off('close', entry.closed);
  state.active -= 1;
  state.finished += 1;
  wakeIdle();
  if (behaviour.closeAfter) socket.end();
}

function wakeIdle(): void {
  if (state.active > 0) return;
  for (const wake of idleWaiters) wake();
  idleWaiters.clear();
}

function generate(socket: Socket, request: Request): void {
  const b = behaviour;
  const closed = (): void => {
    if (entry.over) return;
    entry.over = true;
    state.active -= 1;
    state.aborted += 1;
    wakeIdle();
  };
  const entry: Entry = { over: false, closed };
  state.active += 1;
  state.started += 1;
  state.lastBody = request.body;
  state.lastHead = request.head;
  socket.once('close', closed);
  const go = (): void => {
    if (entry.over) return;
    const parsed = JSON.parse(request.body) as { stream?: boolean };
    if (b.fault === 'drop') socket.destroy();
    else if (b.fault === 'status') {
      const body = JSON.stringify({ error: { message: b.errorMessage, type: 'server_error', code: null } });
      const again = b.retryAfter === null ? '' : `Retry-After: ${b.retryAfter}\r\n`;
      const head = `HTTP/1.1 ${b.status} X\r\nContent-Type: application/json\r\n${again}`;
      socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      finish(socket, entry);
    } else if (b.fault === 'raw') {
      socket.write(Buffer.from(b.raw, 'latin1'));
      finish(socket, entry);
      if (b.closeAfter) socket.end();
    } else if (parsed.stream === true) stream(socket, request, b, entry);
    else plain(socket, request, b, entry);
  };
  if (b.firstMs > 0) setTimeout(go, b.firstMs);
  else go();
}

function plain(socket: Socket, request: Request, b: FakeBehaviour, entry: Entry): void {
  const parsed = JSON.parse(request.body) as { input?: string | string[] };
  const text = Array.from({ length: b.tokens }, (_, index) => tokenText(request, index, b)).join('');
  const finishReason = b.calls.length > 0 ? 'tool_calls' : 'stop';
  const message = { role: 'assistant', content: text === '' ? null : text, ...wholeCalls(b) };
  const chat = { index: 0, message, finish_reason: finishReason };
  const completion = { index: 0, text, finish_reason: 'stop' };
  const answer = request.path.endsWith('/embeddings')
    ? {
        object: 'list',
        model: 'fake-model',
        data: [parsed.input ?? ''].flat().map((_, index) => ({ object: 'embedding', index, embedding: [0.25, -1, 3] })),
        usage: { prompt_tokens: 7, total_tokens: 7 },
      }
    : {
        id: 'fake',
        object: request.path.endsWith('/chat/completions') ? 'chat.completion' : 'text_completion',
        created: 1767225600,
        model: 'fake-model',
        choices: [request.path.endsWith('/chat/completions') ? chat : completion],
        usage: usage(b.tokens),
      };
  const body = JSON.stringify(answer);
  if (b.fault === 'cut') {
    socket.write(jsonHead(200, body.length) + body.slice(0, body.length / 2), () => socket.destroy());
    return;
  }
  socket.write(jsonHead(200, Buffer.byteLength(body)) + body);
  finish(socket, entry);
}

function stream(socket: Socket, request: Request, b: FakeBehaviour, entry: Entry): void {
  const wantsUsage = request.body.includes('"include_usage":true');
  let head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n';
  const framed = b.framing === 'chunked';
  const frame = framed ? chunk : (text: string): string => text;
  head += framed ? 'Transfer-Encoding: chunked\r\n\r\n' : '\r\n';
  let index = 0;
  const step = (): void => {
    if (entry.over) return;
    if (b.fault !== 'none' && index >= b.afterTokens) {
      breakOff();
      return;
    }
    if (index < b.tokens) {
      socket.write((index === 0 ? head : '') + frame(delta(request, index, b)));
      index += 1;
      if (b.intervalMs > 0) setTimeout(step, b.intervalMs);
      else setImmediate(step);
      return;
    }
    const last = event({
      id: 'fake',
      object: 'chat.completion.chunk',
      created: 1767225600,
      model: 'fake-model',
      choices: [{ index: 0, delta: {}, text: '', finish_reason: b.calls.length > 0 ? 'tool_calls' : 'stop' }],
    });
    const usageEvent = wantsUsage
      ? event({
          id: 'fake',
          object: 'chat.completion.chunk',
          created: 1,
          model: 'fake-model',
          choices: [],
          usage: usage(b.tokens),
        })
      : '';
    socket.write(
      // The head has not gone out with a token where there was none.
      (index === 0 ? head : '') +
        callEvents(b).map(frame).join('') +
        frame(last) +
        (wantsUsage ? frame(usageEvent) : '') +
        frame('data: [DONE]\n\n') +
        (framed ? '0\r\n\r\n' : ''),
    );
    finish(socket, entry);
    if (!framed) socket.end();
  };
  const breakOff = (): void => {
    if (index === 0 && b.fault !== 'silent') socket.write(head);
    if (b.fault === 'silent') return;
    if (b.fault === 'cut-mid-chunk') socket.write(chunk(delta(request, index, b)).slice(0, 30), () => socket.destroy());
    else if (b.fault === 'cut-mid-large-chunk')
      socket.write(`186a0\r\n${'data: '.padEnd(40_000, 'x')}`, () => socket.destroy());
    else if (b.fault === 'bad-framing') socket.write('zz\r\nwhat\r\n');
    else if (b.fault === 'short' || b.fault === 'error-event') {
      const told = event({ error: { message: b.errorMessage, type: 'server_error', code: null } });
      socket.write((b.fault === 'short' ? '' : frame(told) + frame('data: [DONE]\n\n')) + (framed ? '0\r\n\r\n' : ''));
      finish(socket, entry);
      if (!framed) socket.end();
    } else socket.destroySoon();
  };
  step();
}

function list(socket: Socket, request: Request): void {
  state.lastHead = request.head;
  if (behaviour.fault === 'drop') socket.destroy();
  else if (behaviour.fault === 'raw') socket.end(Buffer.from(behaviour.raw, 'latin1'));
  else {
    const model = { id: 'fake-model', object: 'model', created: 1767225600, owned_by: 'fake', max_model_len: 4096 };
    sendJson(socket, { object: 'list', data: [model] });
  }
}

function serve(socket: Socket, request: Request): void {
  if (request.path === '/_fake/behaviour') {
    behaviour = { ...defaultBehaviour, ...(JSON.parse(request.body) as Partial<FakeBehaviour>) };
    sendJson(socket, {});
  } else if (request.path === '/_fake/state') {
    const answer: FakeState = { ...state };
    sendJson(socket, answer);
  } else if (request.path === '/_fake/idle') {
    const answer = (): void => sendJson(socket, { ...state });
    if (state.active === 0) answer();
    else idleWaiters.add(answer);
  } else if (request.path === '/_fake/close-sockets') {
    sendJson(socket, {});
    for (const other of sockets) if (other !== socket) other.destroy();
  } else if (request.head.startsWith('GET /v1/models')) list(socket, request);
  else if (request.path.startsWith('/v1/')) generate(socket, request);
  else sendJson(socket, { error: { message: 'no such route' } }, 404);
}

const sockets = new Set<Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer = Buffer.alloc(0);
  sockets.add(socket);
  state.sockets += 1;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    sockets.delete(socket);
    state.sockets -= 1;
  });
  socket.on('data', (bytes: Buffer) => {
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = pending.toString('latin1', 0, end);
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      if (pending.length < end + 4 + length) return;
      const body = pending.toString('utf8', end + 4, end + 4 + length);
      pending = pending.subarray(end + 4 + length);
      serve(socket, { path: head.split(' ')[1] ?? '', head, body, arrived: process.hrtime.bigint() });
    }
  });
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${address !== null && typeof address === 'object' ? address.port : 0}\n`);
});
