/**
 * A fake upstream that answers in the Ollama dialect, run as a process of its own: `node fake-ollama-chat.ts`. It prints
 * its port, knows /api/chat, /api/generate and /api/embed, keeps the last request, and is steered by
 * `POST /_fake/behaviour`. It ends when its stdin does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  defaultOllamaChatBehaviour,
  type FakeOllamaChatBehaviour,
  type FakeOllamaChatState,
} from './fake-ollama-chat-behaviour.ts';

interface Asked {
  readonly model?: string;
  readonly stream?: boolean;
  readonly input?: string | readonly string[];
}

let behaviour = defaultOllamaChatBehaviour;
const state = { active: 0, started: 0, finished: 0, aborted: 0, sockets: 0, lastBody: '', lastPath: '' };
const idleWaiters = new Set<() => void>();

function json(response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(value));
}

const common = { model: 'fake-model', created_at: '2026-01-01T00:00:00Z' };

function ending(b: FakeOllamaChatBehaviour): object {
  return {
    done: true,
    done_reason: 'stop',
    total_duration: 5_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: 7,
    prompt_eval_duration: 1_000_000,
    eval_count: b.tokens,
    eval_duration: 2_000_000,
  };
}

function said(path: string, content: string, more: object = {}): object {
  return path === '/api/chat' ? { message: { role: 'assistant', content, ...more } } : { response: content };
}

function toolCalls(b: FakeOllamaChatBehaviour): object {
  if (b.calls.length === 0) return {};
  return {
    tool_calls: b.calls.map(({ name, pieces }) => ({
      function: { name, arguments: JSON.parse(pieces.join('') || '{}') as object },
    })),
  };
}

const piece = (b: FakeOllamaChatBehaviour, index: number): string => b.text.replace('#', String(index));

function stream(path: string, response: ServerResponse, b: FakeOllamaChatBehaviour): void {
  if (b.framing === 'close') response.removeHeader('transfer-encoding');
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  let index = 0;
  const step = (): void => {
    if (response.destroyed) return;
    if (b.fault !== 'none' && index >= b.afterTokens) {
      if (b.fault === 'error-line') response.end(`${JSON.stringify({ error: b.errorMessage })}\n`);
      else if (b.fault === 'short') response.end();
      else if (b.fault === 'cut') response.write('{"model":"fake-mod', () => response.destroy());
      return;
    }
    if (index < b.tokens) {
      response.write(`${JSON.stringify({ ...common, ...said(path, piece(b, index)), done: false })}\n`);
      index += 1;
      if (b.intervalMs > 0) setTimeout(step, b.intervalMs);
      else setImmediate(step);
      return;
    }
    if (b.calls.length > 0) {
      response.write(`${JSON.stringify({ ...common, ...said(path, '', toolCalls(b)), done: false })}\n`);
    }
    response.end(`${JSON.stringify({ ...common, ...said(path, ''), ...ending(b) })}\n`);
  };
  step();
}

function plain(path: string, response: ServerResponse, b: FakeOllamaChatBehaviour): void {
  const text = Array.from({ length: b.tokens }, (_, index) => piece(b, index)).join('');
  const body = JSON.stringify({ ...common, ...said(path, text, toolCalls(b)), ...ending(b) });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  if (b.fault === 'cut') response.write(body.slice(0, body.length / 2), () => response.destroy());
  else if (b.fault !== 'silent') response.end(body);
}

function speak(path: string, response: ServerResponse, asked: Asked, b: FakeOllamaChatBehaviour): void {
  if (b.fault === 'status') {
    const headers: Record<string, string> = b.retryAfter === null ? {} : { 'retry-after': b.retryAfter };
    json(response, { error: b.errorMessage }, b.status, headers);
  } else if (path === '/api/embed') {
    const embeddings = [asked.input ?? ''].flat().map(() => [0.25, -1, 3]);
    json(response, { model: 'fake-model', embeddings, prompt_eval_count: 7 });
  } else if (asked.stream === false) plain(path, response, b);
  else stream(path, response, b);
}

function answer(path: string, response: ServerResponse, body: string): void {
  const b = behaviour;
  state.active += 1;
  state.started += 1;
  state.lastBody = body;
  state.lastPath = path;
  response.once('close', () => {
    state.active -= 1;
    if (response.writableFinished) state.finished += 1;
    else state.aborted += 1;
    if (state.active > 0) return;
    for (const wake of idleWaiters) wake();
    idleWaiters.clear();
  });
  const go = (): void => {
    if (!response.destroyed) speak(path, response, JSON.parse(body) as Asked, b);
  };
  if (b.firstMs > 0) setTimeout(go, b.firstMs);
  else go();
}

function serve(request: IncomingMessage, response: ServerResponse, body: string): void {
  const path = request.url ?? '';
  const now = (): FakeOllamaChatState => ({ ...state });
  if (path === '/_fake/behaviour') {
    behaviour = { ...defaultOllamaChatBehaviour, ...(JSON.parse(body) as Partial<FakeOllamaChatBehaviour>) };
    json(response, {});
  } else if (path === '/_fake/state') json(response, now());
  else if (path === '/_fake/idle') {
    if (state.active === 0) json(response, now());
    else idleWaiters.add(() => json(response, now()));
  } else if (['/api/chat', '/api/generate', '/api/embed'].includes(path)) answer(path, response, body);
  else json(response, { error: 'not found' }, 404);
}

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  response.on('error', () => undefined);
  request.on('data', (bytes: Buffer) => pieces.push(bytes));
  request.on('end', () => serve(request, response, Buffer.concat(pieces).toString('utf8')));
});
server.on('connection', (socket) => {
  state.sockets += 1;
  socket.on('error', () => undefined);
  socket.on('close', () => (state.sockets -= 1));
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${address !== null && typeof address === 'object' ? address.port : 0}\n`);
});
