import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';

/**
 * Stands in for bitnet.cpp's server, a fork of llama.cpp's of October 2024, and takes its command line:
 * `-m FILE -c CTX -t N -np 1 -ngl 0 -cb --host 127.0.0.1 --port N`. What differs from a server of today:
 *
 * - no key: it answers everybody · no `/metrics` unless asked for · no `/v1/messages`
 * - `/props` and `/slots` hold the generation settings flat, and a slot's `state` is a number
 * - `/v1/completions` is the native route: its answer has `content`, not `choices`
 * - `tools` are refused with status 500 · embeddings with 501 · timings know nothing of a prompt cache
 *
 * Beyond that line: `--dies-on-second-message` ends it by SIGSEGV when a conversation has more than one user message;
 * `--load-ms N` loads for so long.
 */
const { values } = parseArgs({
  strict: true,
  options: {
    version: { type: 'boolean' },
    help: { type: 'boolean' },
    model: { type: 'string', short: 'm' },
    ctx: { type: 'string', short: 'c', default: '4096' },
    threads: { type: 'string', short: 't', default: '1' },
    np: { type: 'string', default: '1' },
    ngl: { type: 'string', default: '0' },
    cb: { type: 'boolean' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    'dies-on-second-message': { type: 'boolean', default: false },
    'load-ms': { type: 'string', default: '0' },
  },
  // Its flags of several letters have one dash.
  args: process.argv.slice(2).map((word) => (/^-(np|ngl|cb)$/.test(word) ? `-${word}` : word)),
});

if (values.version) {
  process.stderr.write('version: 3957 (406a5036)\nbuilt with clang version 18.1.8 for x86_64-pc-linux-gnu\n');
  process.exit(0);
}
if (values.help) {
  process.stdout.write(
    [
      'usage: llama-server [options]',
      '-t,    --threads N              number of threads to use during generation (default: -1)',
      '-c,    --ctx-size N             size of the prompt context (default: 0, 0 = loaded from model)',
      '-m,    --model FNAME            model path',
      '-np,   --parallel N             number of parallel sequences to decode (default: 1)',
      '-cb,   --cont-batching          enable continuous batching (default: enabled)',
      '-ngl,  --gpu-layers N           number of layers to store in VRAM',
      '--host HOST                     ip address to listen (default: 127.0.0.1)',
      '--port PORT                     port to listen (default: 8080)',
      '',
    ].join('\n'),
  );
  process.exit(0);
}
if (values.model === undefined) {
  process.stderr.write('error: the model path is not set\n');
  process.exit(1);
}

const model = values.model;
const contextLength = Number(values.ctx);
const tokenMs = 8;
const defaultTokens = 14;
const saying = 'one small weight is minus one or nought or one and that is all it takes'.split(' ');
const settings = {
  n_ctx: contextLength,
  n_predict: -1,
  model,
  seed: 4294967295,
  temperature: 0.8,
  top_k: 40,
  top_p: 0.95,
  min_p: 0.05,
  repeat_penalty: 1,
  mirostat: 0,
  stop: [],
  max_tokens: -1,
  n_keep: 0,
  ignore_eos: false,
  stream: true,
  n_probs: 0,
  grammar: '',
  samplers: ['top_k', 'tfs_z', 'typ_p', 'top_p', 'min_p', 'temperature'],
};

let loaded = false;
let busy = false;
let decoded = 0;
let task = 0;
const waiting: (() => void)[] = [];

type Json = Readonly<Record<string, unknown>>;

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', Server: 'llama.cpp' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, message: string, type: string): void {
  send(response, code, { error: { code, message, type } });
}

/** A slot as this age shows it: the settings flat, and what it does as a number. */
function slot(): Json {
  return {
    ...settings,
    id: 0,
    id_task: task,
    state: busy ? 1 : 0,
    prompt: null,
    next_token: {
      has_next_token: busy,
      n_remain: -1,
      n_decoded: decoded,
      stopped_eos: false,
      stopped_word: false,
      stopped_limit: false,
      stopping_word: '',
    },
  };
}

/** One whole JSON object: what a schema demands, each of it true. */
function jsonWords(format: Json): string[] {
  const { json_schema: named } = format;
  const schema = isRecord(named) && isRecord(named['schema']) ? named['schema'] : format['schema'];
  const required = isRecord(schema) && Array.isArray(schema['required']) ? schema['required'].map(String) : ['answer'];
  return ['{', required.map((key) => `"${key}": true`).join(', '), '}'];
}

/** The words that answer a request, with their spaces; under a grammar one whole JSON text. */
function wordsOf(body: Json): string[] {
  const { response_format: format, n_predict: predict, max_tokens: most } = body;
  if (isRecord(format) && format['type'] !== 'text') return jsonWords(format);
  const asked = typeof most === 'number' ? most : typeof predict === 'number' && predict >= 0 ? predict : defaultTokens;
  const count = Math.min(asked, contextLength);
  return Array.from({ length: count }, (_, index) => `${index === 0 ? '' : ' '}${saying[index % saying.length] ?? ''}`);
}

function timingsOf(promptTokens: number, tokens: number): Json {
  const [promptMs, predictedMs] = [promptTokens * 2, tokens * tokenMs];
  return {
    prompt_n: promptTokens,
    prompt_ms: promptMs,
    prompt_per_token_ms: 2,
    prompt_per_second: 500,
    predicted_n: tokens,
    predicted_ms: predictedMs,
    predicted_per_token_ms: tokenMs,
    predicted_per_second: 1000 / tokenMs,
  };
}

interface Dialect {
  piece(text: string): Json;
  last(count: number, promptTokens: number): Json;
  whole(text: string, count: number, promptTokens: number): Json;
}

function nativeDialect(): Dialect {
  const last = (count: number, promptTokens: number): Json => ({
    content: '',
    id_slot: 0,
    stop: true,
    model,
    tokens_predicted: count,
    tokens_evaluated: promptTokens,
    generation_settings: settings,
    truncated: false,
    stopped_eos: true,
    stopped_word: false,
    stopped_limit: false,
    stopping_word: '',
    tokens_cached: promptTokens + count,
    timings: timingsOf(promptTokens, count),
  });
  return {
    piece: (text) => ({ content: text, stop: false, id_slot: 0, multimodal: false }),
    last,
    whole: (text, count, promptTokens) => ({ ...last(count, promptTokens), content: text }),
  };
}

function chatDialect(limited: boolean): Dialect {
  const head = { created: Math.floor(Date.now() / 1000), id: `chatcmpl-${task}`, model: 'gpt-3.5-turbo-0613' };
  const finish = limited ? 'length' : 'stop';
  const usage = (count: number, promptTokens: number): Json => ({
    completion_tokens: count,
    prompt_tokens: promptTokens,
    total_tokens: count + promptTokens,
  });
  const chunk = { ...head, object: 'chat.completion.chunk' };
  return {
    piece: (content) => ({ ...chunk, choices: [{ delta: { content }, finish_reason: null, index: 0 }] }),
    last: (count, promptTokens) => ({
      ...chunk,
      choices: [{ delta: {}, finish_reason: finish, index: 0 }],
      usage: usage(count, promptTokens),
    }),
    whole: (content, count, promptTokens) => ({
      ...head,
      object: 'chat.completion',
      choices: [{ finish_reason: finish, index: 0, message: { content, role: 'assistant' } }],
      usage: usage(count, promptTokens),
    }),
  };
}

/** One slot: whoever comes meanwhile waits without being told. */
function withSlot(work: (release: () => void) => void): void {
  const run = (): void => {
    busy = true;
    task += 1;
    work(() => {
      busy = false;
      waiting.shift()?.();
    });
  };
  if (busy) waiting.push(run);
  else run();
}

function generate(body: Json, dialect: Dialect, endMark: boolean, response: ServerResponse): void {
  const words = wordsOf(body);
  const promptTokens = Math.max(1, Math.ceil(JSON.stringify(body['messages'] ?? body['prompt'] ?? '').length / 4));
  withSlot((release) => {
    let said = 0;
    const stream = body['stream'] === true;
    if (stream) response.writeHead(200, { 'Content-Type': 'text/event-stream', Server: 'llama.cpp' });
    const event = (json: Json): void => void response.write(`data: ${JSON.stringify(json)}\n\n`);
    const step = (): void => {
      // The caller is gone: the slot is free.
      if (response.destroyed) {
        release();
        return;
      }
      const word = words[said];
      if (word !== undefined) {
        said += 1;
        decoded = said;
        if (stream) event(dialect.piece(word));
        setTimeout(step, tokenMs);
        return;
      }
      if (stream) {
        event(dialect.last(said, promptTokens));
        response.end(endMark ? 'data: [DONE]\n\n' : '');
      } else send(response, 200, dialect.whole(words.join(''), said, promptTokens));
      release();
    };
    setTimeout(step, tokenMs);
  });
}

function chat(body: Json, response: ServerResponse): void {
  const { messages } = body;
  for (const field of ['tools', 'tool_choice']) {
    if (field in body) {
      refuse(response, 500, `Unsupported param: ${field}`, 'server_error');
      return;
    }
  }
  if (!Array.isArray(messages)) {
    refuse(response, 500, '[json.exception.type_error.302] type must be array', 'server_error');
    return;
  }
  const asked = messages.filter((message: unknown) => isRecord(message) && message['role'] === 'user');
  if (values['dies-on-second-message'] && asked.length > 1) {
    process.stderr.write('slot update_slots: id  0 | task 1 | kv cache rm [7, end)\n');
    process.kill(process.pid, 'SIGSEGV');
    return;
  }
  generate(body, chatDialect(typeof body['max_tokens'] === 'number'), true, response);
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function route(request: IncomingMessage, text: string, response: ServerResponse): void {
  const target = (request.url ?? '').split('?')[0] ?? '';
  if (!loaded) {
    refuse(response, 503, 'Loading model', 'unavailable_error');
    return;
  }
  let body: Json = {};
  if (request.method === 'POST') {
    try {
      const parsed: unknown = JSON.parse(text);
      if (isRecord(parsed)) body = parsed;
    } catch {
      refuse(response, 500, '[json.exception.parse_error.101] parse error', 'server_error');
      return;
    }
  }
  switch (`${request.method ?? ''} ${target}`) {
    case 'GET /health':
      send(response, 200, { status: 'ok' });
      return;
    case 'GET /props':
      send(response, 200, { default_generation_settings: settings, total_slots: Number(values.np), chat_template: '' });
      return;
    case 'GET /slots':
      send(response, 200, [slot()]);
      return;
    case 'GET /metrics':
      refuse(
        response,
        501,
        'This server does not support metrics endpoint. Start it with `--metrics`',
        'not_supported_error',
      );
      return;
    case 'GET /v1/models':
      send(response, 200, {
        object: 'list',
        data: [{ id: model, object: 'model', created: 0, owned_by: 'llamacpp', meta: { n_ctx_train: contextLength } }],
      });
      return;
    case 'POST /completion':
    case 'POST /completions':
    case 'POST /v1/completions':
      if (!('prompt' in body)) refuse(response, 400, '"prompt" must be provided', 'invalid_request_error');
      else generate(body, nativeDialect(), false, response);
      return;
    case 'POST /chat/completions':
    case 'POST /v1/chat/completions':
      chat(body, response);
      return;
    case 'POST /embedding':
    case 'POST /embeddings':
    case 'POST /v1/embeddings':
      refuse(
        response,
        501,
        'This server does not support embeddings. Start it with `--embeddings`',
        'not_supported_error',
      );
      return;
    default:
      refuse(response, 404, 'File Not Found', 'not_found_error');
  }
}

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  request.on('end', () => {
    route(request, text, response);
  });
});
server.on('error', (error) => {
  process.stderr.write(
    `main: couldn't bind HTTP server socket, hostname: ${values.host}, port: ${values.port}\n${error.message}\n`,
  );
  process.exit(1);
});
server.listen(Number(values.port), values.host, () => {
  process.stderr.write(`main: HTTP server is listening, hostname: ${values.host}, port: ${values.port}\n`);
  setTimeout(() => {
    loaded = true;
    process.stderr.write('main: model loaded\nmain: server is listening - starting the main loop\n');
  }, Number(values['load-ms']));
});
