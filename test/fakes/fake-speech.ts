/**
 * A fake provider of speech in OpenAI's form, run as a process of its own: `node fake-speech.ts`. It prints its port,
 * streams bytes that look like MP3 frames, keeps a log of what it would bill, and is steered by `POST /_fake/behaviour`.
 * It ends when its stdin does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  usualSpeech,
  type FakeSpeechBehaviour,
  type FakeSpeechState,
  type SpokenRequest,
} from './fake-speech-behaviour.ts';

let behaviour: FakeSpeechBehaviour = usualSpeech;
const log: SpokenRequest[] = [];
let active = 0;
let aborted = 0;
const idleWaiters = new Set<() => void>();

const types: Record<string, string> = {
  mp3: 'audio/mpeg',
  opus: 'audio/ogg',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

function state(): FakeSpeechState {
  return { requests: log, active, aborted };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

/** A frame header of MPEG 1 layer III at 128 kbit/s, and a byte that tells which frame it is. */
function frame(index: number): Buffer {
  const bytes = Buffer.alloc(behaviour.frameBytes, index % 256);
  bytes.set([0xff, 0xfb, 0x90, 0x64]);
  return bytes;
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

async function speak(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { authorization = '' } = request.headers;
  const body = JSON.parse(await bodyOf(request)) as Record<string, unknown>;
  const input = typeof body['input'] === 'string' ? body['input'] : '';
  const { status, fault, retryAfter } = behaviour;
  const billed = status === 200 ? Array.from(input).length : 0;
  log.push({ authorization, headers: request.headers, body, billed });
  if (fault === 'hang') return;
  if (fault === 'drop') {
    request.socket.destroy();
    return;
  }
  if (fault === 'redirect') {
    response.writeHead(307, { Location: `http://127.0.0.1:${(server.address() as AddressInfo).port}/elsewhere` }).end();
    return;
  }
  if (status !== 200) {
    const said = behaviour.repeatsKey ? `Incorrect API key provided: ${authorization.slice(7)}.` : behaviour.message;
    const error = { message: said, type: behaviour.errorType, param: null, code: behaviour.errorType };
    sendJson(response, status, { error }, retryAfter === null ? {} : { 'Retry-After': retryAfter });
    return;
  }
  if (fault === 'page') {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>Sign in</html>');
    return;
  }
  await stream(body, response);
}

async function stream(body: Record<string, unknown>, response: ServerResponse): Promise<void> {
  const events = body['stream_format'] === 'sse';
  const type = events ? 'text/event-stream' : (types[String(body['response_format'])] ?? 'audio/mpeg');
  response.writeHead(200, { 'Content-Type': type, 'Set-Cookie': 'session=1', 'openai-organization': 'org-1' });
  for (let index = 0; index < behaviour.frames; index += 1) {
    if (response.destroyed) return;
    if (behaviour.fault === 'cut' && index === behaviour.cutAfter) {
      response.destroy();
      return;
    }
    const sound = frame(index);
    const event = `data: ${JSON.stringify({ type: 'speech.audio.delta', audio: sound.toString('base64') })}\n\n`;
    response.write(events ? event : sound);
    if (behaviour.gapMs > 0) await pause(behaviour.gapMs);
  }
  if (behaviour.fault === 'stay') return;
  const { usage } = behaviour;
  const done = { type: 'speech.audio.done', ...(usage === null ? {} : { usage }) };
  response.end(events ? `data: ${JSON.stringify(done)}\n\n` : undefined);
}

const server = createServer((request, response) => {
  void (async () => {
    const { url = '' } = request;
    switch (url) {
      case '/_fake/behaviour':
        behaviour = { ...usualSpeech, ...(JSON.parse(await bodyOf(request)) as Partial<FakeSpeechBehaviour>) };
        sendJson(response, 200, {});
        return;
      case '/_fake/state':
        sendJson(response, 200, state());
        return;
      case '/_fake/idle':
        if (active > 0) await new Promise<void>((resolve) => idleWaiters.add(resolve));
        sendJson(response, 200, state());
        return;
      case '/v1/models':
        sendJson(response, 200, {
          object: 'list',
          data: [{ id: 'tts-1', object: 'model', created: 1, owned_by: 'fake' }],
        });
        return;
      case '/v1/audio/speech':
        break;
      default:
        sendJson(response, 404, { error: { message: `No route ${url}`, type: 'invalid_request_error' } });
        return;
    }
    active += 1;
    response.once('close', () => {
      active -= 1;
      if (!response.writableFinished) aborted += 1;
      if (active > 0) return;
      for (const wake of idleWaiters) wake();
      idleWaiters.clear();
    });
    await speak(request, response);
  })();
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
