/**
 * A fake upstream of the Anthropic dialect, run as a process of its own: `node fake-anthropic.ts`. It prints its port,
 * refuses what the real API refuses in the form of a chat, keeps the requests that it got, and is steered by
 * `POST /_fake/behaviour`. It ends when its stdin does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  defaultAnthropicBehaviour,
  type FakeAnthropicBehaviour,
  type FakeAnthropicRequest,
  type FakeAnthropicState,
  type FakeBill,
} from './fake-anthropic-behaviour.ts';
import { billOf } from './fake-anthropic-bills.ts';
import { chatFault } from './fake-anthropic-rules.ts';

interface Asked {
  readonly model: string;
  readonly stream: boolean;
  readonly max_tokens?: number;
}

const mostKept = 50;
const piecesOfId = 6;

let behaviour = defaultAnthropicBehaviour;
let messageCount = 0;
const counts = { active: 0, started: 0, finished: 0, aborted: 0, sockets: 0 };
const requests: FakeAnthropicRequest[] = [];
const bills: FakeBill[] = [];
const held: (() => void)[] = [];
const idleWaiters = new Set<() => void>();

function state(): FakeAnthropicState {
  return { ...counts, requests };
}

function sendJson(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_fake', ...headers });
  response.end(JSON.stringify(value));
}

function errorBody(type: string, message: string): object {
  return { type: 'error', error: { type, message }, request_id: 'req_fake' };
}

function event(type: string, rest: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
}

const ping = event('ping', {});

function usage(b: FakeAnthropicBehaviour, bill: FakeBill, output: number): object {
  return {
    input_tokens: bill.inputTokens,
    cache_creation_input_tokens: bill.cacheWriteTokens,
    cache_read_input_tokens: bill.cacheReadTokens,
    output_tokens: output,
    ...(b.region === null ? {} : { inference_geo: b.region }),
  };
}

function stopReason(b: FakeAnthropicBehaviour): string {
  if (b.stopReason !== null) return b.stopReason;
  return b.calls.length > 0 ? 'tool_use' : 'end_turn';
}

function callId(messageId: string, index: number): string {
  return `toolu_${messageId.slice(-piecesOfId)}${index}`;
}

function outputTokens(b: FakeAnthropicBehaviour): number {
  return b.thinking.length + b.tokens + b.calls.reduce((sum, call) => sum + call.pieces.length, 0);
}

function piece(b: FakeAnthropicBehaviour, index: number): string {
  return b.text.replace('#', String(index));
}

function message(b: FakeAnthropicBehaviour, id: string, bill: FakeBill): object {
  const text = Array.from({ length: b.tokens }, (_, index) => piece(b, index)).join('');
  const content: object[] = [];
  if (b.thinking.length > 0) content.push({ type: 'thinking', thinking: b.thinking.join(''), signature: 'sig-fake' });
  if (text !== '') content.push({ type: 'text', text });
  b.calls.forEach((call, index) => {
    const input: unknown = JSON.parse(call.pieces.join('') || '{}');
    content.push({ type: 'tool_use', id: callId(id, index), name: call.name, input });
  });
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: bill.model,
    content,
    stop_reason: stopReason(b),
    stop_sequence: b.stopSequence,
    usage: usage(b, bill, bill.outputTokens),
  };
}

/** The events of a stream; `piece` marks those that count as tokens. */
function* events(b: FakeAnthropicBehaviour, id: string, bill: FakeBill): Generator<{ text: string; token: boolean }> {
  const { model } = bill;
  for (let count = 0; count < b.pings; count += 1) yield { text: ping, token: false };
  const start = { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null };
  yield { text: event('message_start', { message: { ...start, usage: usage(b, bill, 1) } }), token: false };
  let index = 0;
  const block = function* (open: object, deltas: readonly object[], last: readonly object[] = []) {
    yield { text: event('content_block_start', { index, content_block: open }), token: false };
    for (const delta of deltas) {
      if (b.pings > 0) yield { text: ping, token: false };
      yield { text: event('content_block_delta', { index, delta }), token: true };
    }
    for (const delta of last) yield { text: event('content_block_delta', { index, delta }), token: false };
    yield { text: event('content_block_stop', { index }), token: false };
    index += 1;
  };
  if (b.thinking.length > 0) {
    const thoughts = b.thinking.map((thinking) => ({ type: 'thinking_delta', thinking }));
    const signed = [{ type: 'signature_delta', signature: 'sig-fake' }];
    yield* block({ type: 'thinking', thinking: '', signature: '' }, thoughts, signed);
  }
  if (b.tokens > 0) {
    const deltas = Array.from({ length: b.tokens }, (_, at) => ({ type: 'text_delta', text: piece(b, at) }));
    yield* block({ type: 'text', text: '' }, deltas);
  }
  for (const [at, call] of b.calls.entries()) {
    const deltas = call.pieces.map((json) => ({ type: 'input_json_delta', partial_json: json }));
    yield* block({ type: 'tool_use', id: callId(id, at), name: call.name, input: {} }, deltas);
  }
  const delta = { stop_reason: stopReason(b), stop_sequence: b.stopSequence };
  // Where it was made stands at the beginning only.
  const total = usage({ ...b, region: null }, bill, bill.outputTokens);
  yield { text: event('message_delta', { delta, usage: total }), token: false };
  yield { text: event('message_stop', {}), token: false };
}

function wakeIdle(): void {
  if (counts.active > 0) return;
  for (const wake of idleWaiters) wake();
  idleWaiters.clear();
}

/** An answer under way; `sent` is how much of it went out as tokens. */
interface Making {
  readonly id: string;
  readonly bill: FakeBill;
  sent: number;
}

function answer(response: ServerResponse, asked: Asked, body: string): void {
  const b = behaviour;
  counts.active += 1;
  counts.started += 1;
  messageCount += 1;
  const id = `msg_${String(messageCount).padStart(piecesOfId, '0')}`;
  const request = { body, model: asked.model, maxTokens: asked.max_tokens ?? 1, outputTokens: outputTokens(b) };
  const making: Making = { id, bill: billOf(b, request, messageCount), sent: 0 };
  response.once('close', () => {
    counts.active -= 1;
    if (response.writableFinished) counts.finished += 1;
    else counts.aborted += 1;
    book(making, b, response.writableFinished);
    wakeIdle();
  });
  const go = (): void => {
    if (!response.destroyed) speak(response, asked, b, making);
  };
  if (b.held) held.push(go);
  else if (b.firstMs > 0) setTimeout(go, b.firstMs);
  else go();
}

/** Errors cost nothing; what broke off costs what was read and said until then. */
function book({ bill, sent }: Making, b: FakeAnthropicBehaviour, isFinished: boolean): void {
  if (b.fault === 'status') return;
  const whole = isFinished && b.fault === 'none';
  bills.push(whole ? bill : { ...bill, whole, outputTokens: sent });
}

function speak(response: ServerResponse, asked: Asked, b: FakeAnthropicBehaviour, making: Making): void {
  const { id, bill } = making;
  if (b.fault === 'hang') return;
  if (b.fault === 'drop') response.destroy();
  else if (b.fault === 'status') {
    refuse(response, b);
  } else if (b.fault === 'raw') response.writeHead(200, { 'content-type': b.rawType }).end(b.raw, 'latin1');
  else if (asked.stream) stream(response, b, events(b, id, bill), making);
  else {
    making.sent = bill.outputTokens;
    plain(response, b, JSON.stringify(message(b, id, bill)));
  }
}

function refuse(response: ServerResponse, b: FakeAnthropicBehaviour): void {
  const headers = b.retryAfter === null ? b.headers : { ...b.headers, 'retry-after': b.retryAfter };
  sendJson(response, errorBody(b.errorType, b.errorMessage), b.status, headers);
}

function plain(response: ServerResponse, b: FakeAnthropicBehaviour, body: string): void {
  const length = Buffer.byteLength(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': length, ...b.headers });
  if (b.fault === 'silent') response.flushHeaders();
  else if (b.fault === 'none') response.end(body);
  else response.write(body.slice(0, body.length / 2), () => response.destroy());
}

function stream(
  response: ServerResponse,
  b: FakeAnthropicBehaviour,
  all: Generator<{ text: string; token: boolean }>,
  making: Making,
): void {
  const fixed = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  if (b.framing === 'close') response.removeHeader('transfer-encoding');
  response.writeHead(200, { ...fixed, ...b.headers });
  response.flushHeaders();
  const step = (): void => {
    if (response.destroyed) return;
    const next = all.next();
    if (next.done === true) {
      response.end();
      return;
    }
    if (b.fault !== 'none' && next.value.token && making.sent >= b.afterTokens) {
      breakOff(response, b);
      return;
    }
    if (next.value.token) making.sent += 1;
    response.write(next.value.text);
    if (next.value.token && b.intervalMs > 0) setTimeout(step, b.intervalMs);
    else setImmediate(step);
  };
  step();
}

function breakOff(response: ServerResponse, b: FakeAnthropicBehaviour): void {
  if (b.fault === 'silent') return;
  if (b.fault === 'error-event') response.end(event('error', errorBody(b.errorType, b.errorMessage)));
  else if (b.fault === 'short') response.end();
  // Inside an event: what follows may not be taken for its rest.
  else response.write('event: content_block_delta\ndata: {"type":"content_blo', () => response.destroy());
}

function keep(request: IncomingMessage, body: string): void {
  const images = body.split('"type":"image"').length - 1;
  requests.push({ path: request.url ?? '', headers: request.headers, body, images });
  if (requests.length > mostKept) requests.shift();
}

function serveMessages(request: IncomingMessage, response: ServerResponse, body: string): void {
  keep(request, body);
  const asked = JSON.parse(body) as Asked;
  const problem = chatFault(JSON.parse(body));
  if (problem !== null) sendJson(response, errorBody('invalid_request_error', problem), 400);
  else if ((request.url ?? '').startsWith('/v1/messages/count_tokens')) {
    sendJson(response, { input_tokens: behaviour.inputTokens });
  } else answer(response, asked, body);
}

function serve(request: IncomingMessage, response: ServerResponse, body: string): void {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (path === '/_fake/behaviour') {
    behaviour = { ...defaultAnthropicBehaviour, ...(JSON.parse(body) as Partial<FakeAnthropicBehaviour>) };
    sendJson(response, {});
  } else if (path === '/_fake/state') sendJson(response, state());
  else if (path === '/_fake/idle') {
    if (counts.active === 0) sendJson(response, state());
    else idleWaiters.add(() => sendJson(response, state()));
  } else if (path === '/_fake/bills') sendJson(response, bills);
  else if (path === '/_fake/release') {
    for (const go of held.splice(0)) go();
    sendJson(response, {});
  } else if (path === '/_fake/forget') {
    requests.length = 0;
    sendJson(response, {});
  } else if (path === '/v1/messages' || path === '/v1/messages/count_tokens') serveMessages(request, response, body);
  else if (path === '/v1/models' && behaviour.fault === 'status' && behaviour.status === 401) {
    // A key that is refused is so everywhere.
    refuse(response, behaviour);
  } else if (path === '/v1/models') {
    const model = { type: 'model', id: 'fake-claude', display_name: 'Fake', created_at: '2026-01-01T00:00:00Z' };
    sendJson(response, { data: [model], has_more: false, first_id: model.id, last_id: model.id });
  } else sendJson(response, errorBody('not_found_error', `no such route: ${path}`), 404);
}

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  response.on('error', () => undefined);
  request.on('data', (bytes: Buffer) => pieces.push(bytes));
  request.on('end', () => serve(request, response, Buffer.concat(pieces).toString('utf8')));
});
server.on('connection', (socket) => {
  counts.sockets += 1;
  socket.on('error', () => undefined);
  socket.on('close', () => (counts.sockets -= 1));
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${address !== null && typeof address === 'object' ? address.port : 0}\n`);
});
