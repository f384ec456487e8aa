/**
 * A fake Ollama, run as a process of its own: `node fake-ollama.ts [--version | serve]`. It takes its address from
 * OLLAMA_HOST as the real one does, says `Listening on` to stderr, and is steered by `POST /_fake/behaviour`. Without
 * OLLAMA_HOST it takes a free port, and its first line of output is that port.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What it does; all of it can be changed while it runs. */
export interface FakeOllamaBehaviour {
  version: string;
  /** Names of its library; each also loads. */
  library: readonly string[];
  capabilities: readonly string[];
  /** Loading takes until `/_fake/finish-load` is called. */
  holdLoads: boolean;
  /** Answers of chats begin and have no end. */
  endless: boolean;
  /** Accepts requests and never answers. */
  hang: boolean;
  /** Pulls end with an error line under status 200. */
  pullError: string | null;
  /** A pull's connection is cut after half of its lines. */
  cutPull: boolean;
  /** A page in the place of every answer, as another program on the port would give. */
  foreign: boolean;
  contextLength: number;
}

export interface FakeOllamaState {
  /** Method and path → how often it came. */
  requests: Record<string, number>;
  /** Bodies by path, the latest. */
  bodies: Record<string, unknown>;
  loaded: string[];
}

const behaviour: FakeOllamaBehaviour = {
  version: process.env['FAKE_OLLAMA_VERSION'] ?? '0.17.4',
  library: ['tiny:latest', 'other:8b-q8_0'],
  capabilities: ['completion', 'tools'],
  holdLoads: false,
  endless: false,
  hang: false,
  pullError: null,
  cutPull: false,
  foreign: false,
  contextLength: 4_096,
};
const state: FakeOllamaState = { requests: {}, bodies: {}, loaded: [] };
const held = new Set<() => void>();
const loads = new Set<Promise<void>>();

function fail(message: string): never {
  process.stderr.write(`Error: ${message}\n`);
  process.exit(1);
}

if (process.argv.includes('--version')) {
  process.stdout.write(
    `Warning: could not connect to a running Ollama instance\nWarning: client version is ${behaviour.version}\n`,
  );
  process.exit(0);
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

const fullName = (name: unknown): string => (String(name).includes(':') ? String(name) : `${String(name)}:latest`);
const digestOf = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64);

function row(name: string): object {
  const details = { family: 'llama', parameter_size: '8.0B', quantization_level: 'Q8_0' };
  return { name, model: name, modified_at: '2026-01-01T00:00:00Z', size: 1_000_000, digest: digestOf(name), details };
}

async function generate(response: ServerResponse, body: Record<string, unknown>): Promise<void> {
  const name = fullName(body['model']);
  if (!behaviour.library.includes(name)) {
    json(response, { error: `model '${String(body['model'])}' not found` }, 404);
    return;
  }
  if (body['keep_alive'] === 0) {
    // The real one, too, lets go of a model once its load is over, be that because the caller left.
    await Promise.all(loads);
    state.loaded = state.loaded.filter((loaded) => loaded !== name);
    json(response, { model: name, done: true, done_reason: 'unload' });
    return;
  }
  if (behaviour.holdLoads && !state.loaded.includes(name)) {
    const load = new Promise<void>((resolve) => {
      held.add(resolve);
      response.once('close', resolve);
    });
    loads.add(load);
    await load;
    loads.delete(load);
  }
  if (!state.loaded.includes(name)) state.loaded.push(name);
  json(response, { model: name, response: '', done: true, done_reason: 'load' });
}

async function pull(response: ServerResponse, body: Record<string, unknown>): Promise<void> {
  const name = fullName(body['model']);
  const digest = `sha256:${digestOf(name)}`;
  const lines: object[] = [
    { status: 'pulling manifest' },
    { status: `pulling ${digest.slice(7, 19)}`, digest, total: 1_000_000 },
    { status: `pulling ${digest.slice(7, 19)}`, digest, total: 1_000_000, completed: 500_000 },
    { status: `pulling ${digest.slice(7, 19)}`, digest, total: 1_000_000, completed: 1_000_000 },
    { status: 'verifying sha256 digest' },
    behaviour.pullError === null ? { status: 'success' } : { error: behaviour.pullError },
  ];
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  for (const [at, line] of lines.entries()) {
    if (behaviour.cutPull && at === 3) {
      response.destroy();
      return;
    }
    await new Promise((resolve) => response.write(`${JSON.stringify(line)}\n`, resolve));
  }
  if (behaviour.pullError === null && !behaviour.library.includes(name)) {
    behaviour.library = [...behaviour.library, name];
  }
  response.end();
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/';
  const body = await bodyOf(request);
  if (path.startsWith('/_fake/')) {
    if (path === '/_fake/behaviour') Object.assign(behaviour, body);
    if (path === '/_fake/finish-load') {
      for (const finish of held) finish();
      held.clear();
    }
    json(response, state);
    return;
  }
  const key = `${request.method ?? ''} ${path}`;
  state.requests[key] = (state.requests[key] ?? 0) + 1;
  state.bodies[path] = body;
  if (behaviour.hang) return;
  if (behaviour.foreign) {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>It works</html>');
    return;
  }
  switch (key) {
    case 'GET /api/version':
      json(response, { version: behaviour.version });
      return;
    case 'GET /api/tags':
      json(response, { models: behaviour.library.map(row) });
      return;
    case 'GET /api/ps': {
      const loaded = state.loaded.map((name) => ({
        ...row(name),
        context_length: behaviour.contextLength,
        expires_at: '',
      }));
      json(response, { models: loaded });
      return;
    }
    case 'POST /api/show':
      json(response, {
        capabilities: behaviour.capabilities,
        details: { family: 'llama', parameter_size: '8.0B', quantization_level: 'Q8_0' },
        model_info: {
          'general.architecture': 'llama',
          'general.parameter_count': 8_000_000_000,
          'llama.block_count': 2,
          'llama.context_length': 131_072,
          'llama.embedding_length': 4_096,
          'llama.attention.head_count': 32,
          'llama.attention.head_count_kv': 8,
        },
      });
      return;
    case 'POST /api/generate':
    case 'POST /api/embed':
      await generate(response, body);
      return;
    case 'POST /api/chat':
    case 'POST /v1/chat/completions':
      if (behaviour.endless) {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write('data: {"choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n');
        return;
      }
      json(response, {
        choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
      });
      return;
    case 'POST /api/pull':
      await pull(response, body);
      return;
    case 'POST /api/create':
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      response.write('{"status":"quantizing F16 model to Q8_0","digest":"0","total":10,"completed":5}\n');
      behaviour.library = [...behaviour.library, fullName(body['model'])];
      response.end('{"status":"success"}\n');
      return;
    case 'DELETE /api/delete':
      behaviour.library = behaviour.library.filter((name) => name !== fullName(body['model']));
      response.writeHead(200).end();
      return;
    default:
      json(response, { error: 'not found' }, 404);
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    response.destroy();
  });
});
server.on('error', (error) => {
  fail(
    `listen tcp: bind: ${'code' in error && error.code === 'EADDRINUSE' ? 'address already in use' : error.message}`,
  );
});
const [host, port] = (process.env['OLLAMA_HOST'] ?? '127.0.0.1:0').split(':');
server.listen(Number(port), host, () => {
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  process.stdout.write(`${bound}\n`);
  process.stderr.write(`level=INFO msg="Listening on 127.0.0.1:${bound} (version ${behaviour.version})"\n`);
});
