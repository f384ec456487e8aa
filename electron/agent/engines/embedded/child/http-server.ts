import { randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AppError, toAppError, traitsOf } from '../../../base/errors.ts';
import {
  chatBody,
  chatStream,
  completionBody,
  embeddingBody,
  errorBody,
  modelsBody,
  textStream,
  type AnswerHead,
  type StreamShape,
} from './answers.ts';
import type { EmbeddedModel, PreparedJob } from './engine.ts';
import { AnswerReader, type AnswerPart } from './answer-reader.ts';
import type { Outcome, TextSink } from './generator.ts';
import {
  readChatRequest,
  readCompletionRequest,
  readEmbeddingRequest,
  readTokenizeRequest,
  type GenerationRequest,
} from './request.ts';

const idLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const largestBodyBytes = 64 * 1024 * 1024;

export interface EngineServerDeps {
  /** The model, or null while it loads. */
  readonly model: () => EmbeddedModel | null;
  readonly log: (line: string) => void;
  /** Resident memory of this process. */
  readonly memoryBytes: () => number;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

type Route = (exchange: Exchange) => Promise<void> | void;

/** The embedded engine's HTTP side: OpenAI's dialect for inference, a few routes in the manner of llama-server. */
export class EngineServer {
  readonly #key: Buffer;
  readonly #deps: EngineServerDeps;
  readonly #server: Server;
  readonly #startedS = Math.floor(Date.now() / 1000);
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(options: { key: string }, deps: EngineServerDeps) {
    this.#key = Buffer.from(`Bearer ${options.key}`);
    this.#deps = deps;
    this.#routes = new Map<string, Route>([
      ['GET /health', (exchange) => this.#health(exchange)],
      [
        'GET /v1/models',
        (exchange) => sendJson(exchange.response, 200, modelsBody(this.#model().loaded, this.#startedS)),
      ],
      ['GET /props', (exchange) => this.#props(exchange)],
      ['GET /timings', (exchange) => sendJson(exchange.response, 200, { lines: this.#model().timings() })],
      ['POST /v1/chat/completions', (exchange) => this.#chat(exchange)],
      ['POST /v1/completions', (exchange) => this.#completion(exchange)],
      ['POST /v1/embeddings', (exchange) => this.#embeddings(exchange)],
      ['POST /tokenize', (exchange) => this.#tokenize(exchange)],
      ['POST /apply-template', (exchange) => this.#applyTemplate(exchange)],
    ]);
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
    // The only client is the agent: its idle connections are its pool, and long prompts are no slow client.
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
  }

  /** Listens on a free port of the loopback interface and answers which one. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return address.port;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableEnded) gone.abort(new AppError('caller_gone', 'The caller went away.'));
    });
    try {
      this.#authorize(request);
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      const route = this.#routes.get(`${request.method ?? ''} ${path}`);
      if (!route) throw new AppError('not_found', 'This engine has no such route.');
      await route({ request, response, signal: gone.signal });
    } catch (error) {
      this.#fail(response, error);
    }
  }

  #authorize(request: IncomingMessage): void {
    const given = Buffer.from(request.headers.authorization ?? '');
    if (given.length !== this.#key.length || !timingSafeEqual(given, this.#key)) {
      throw new AppError('unauthorized', 'The key is missing or wrong.');
    }
  }

  #fail(response: ServerResponse, thrown: unknown): void {
    const error = toAppError(thrown);
    if (error.code === 'internal') this.#deps.log(`error: ${describe(error.cause ?? error)}`);
    if (response.destroyed || response.writableEnded) return;
    if (!response.headersSent) {
      sendJson(response, traitsOf(error.code).httpStatus, errorBody(error));
      return;
    }
    // An answer that broke off must not look complete: say so, then end without the end mark.
    response.end(`data: ${JSON.stringify(errorBody(error))}\n\n`);
  }

  #model(): EmbeddedModel {
    const model = this.#deps.model();
    if (!model) throw new AppError('engine_not_ready', 'The model is still loading.');
    return model;
  }

  #health({ response }: Exchange): void {
    if (this.#deps.model()) sendJson(response, 200, { status: 'ok' });
    else sendJson(response, 503, { status: 'loading' });
  }

  #props({ response }: Exchange): void {
    const { loaded, busy, waiting, totals, work } = this.#model();
    sendJson(response, 200, {
      model: loaded,
      slots: { total: loaded.slots, busy, waiting },
      memory_bytes: this.#deps.memoryBytes(),
      work,
      totals: {
        prompt_n: totals.promptTokens,
        prompt_ms: totals.promptMs,
        predicted_n: totals.predictedTokens,
        predicted_ms: totals.predictedMs,
      },
    });
  }

  async #chat(exchange: Exchange): Promise<void> {
    const model = this.#model();
    const request = readChatRequest(await readJson(exchange.request));
    const head = this.#head('chatcmpl', model);
    const prepared = await model.prepareChat(request);
    if (request.stream) return streamAnswer(exchange, model, request, prepared, chatStream(head));
    const { parts, calls, outcome } = await wholeAnswer(exchange, model, prepared);
    sendJson(exchange.response, 200, chatBody(head, parts, calls, outcome));
  }

  async #completion(exchange: Exchange): Promise<void> {
    const model = this.#model();
    const request = readCompletionRequest(await readJson(exchange.request));
    const head = this.#head('cmpl', model);
    const prepared = await model.prepareCompletion(request);
    if (request.stream) return streamAnswer(exchange, model, request, prepared, textStream(head));
    const { parts, outcome } = await wholeAnswer(exchange, model, prepared);
    const text = parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
    sendJson(exchange.response, 200, completionBody(head, text, outcome));
  }

  async #embeddings({ request, response, signal }: Exchange): Promise<void> {
    const model = this.#model();
    const asked = readEmbeddingRequest(await readJson(request));
    const { vectors, promptTokens } = await model.embed(asked, signal);
    sendJson(response, 200, embeddingBody(model.loaded.id, vectors, promptTokens, asked.base64));
  }

  async #tokenize({ request, response }: Exchange): Promise<void> {
    const model = this.#model();
    sendJson(response, 200, { tokens: model.tokenize(readTokenizeRequest(await readJson(request))) });
  }

  async #applyTemplate({ request, response }: Exchange): Promise<void> {
    const { text, tokens } = this.#model().writePrompt(readChatRequest(await readJson(request)));
    sendJson(response, 200, { prompt: text, n_tokens: tokens });
  }

  #head(prefix: string, model: EmbeddedModel): AnswerHead {
    return { id: `${prefix}-${randomUUID()}`, model: model.loaded.id, createdS: Math.floor(Date.now() / 1000) };
  }
}

async function streamAnswer(
  { response, signal }: Exchange,
  model: EmbeddedModel,
  request: GenerationRequest,
  { job, echo, reading }: PreparedJob,
  shape: StreamShape,
): Promise<void> {
  const reader = new AnswerReader(reading, callId);
  const written = (parts: readonly AnswerPart[]): string => parts.map((part) => shape.part(part)).join('');
  let opening = echo === '' ? shape.opening : shape.opening + shape.part({ kind: 'text', text: echo });
  // The head goes out with the first text, so that a failure before it still has its own status.
  const begin = (): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
  };
  const send: TextSink = (text) => {
    const events = written(reader.push(text));
    if (events === '' && !reader.enough) return undefined;
    if (!response.headersSent) begin();
    const flows = response.write(opening + events);
    opening = '';
    if (reader.enough) return 'enough';
    return flows ? undefined : drained(response);
  };
  const outcome = await model.run(job, send, signal);
  if (outcome.finish === 'aborted') return;
  if (!response.headersSent) begin();
  const rest = written(reader.end());
  response.end(opening + rest + shape.closing(outcome, reader.calls, request.includeUsage));
}

async function wholeAnswer(
  { signal }: Exchange,
  model: EmbeddedModel,
  { job, echo, reading }: PreparedJob,
): Promise<{ parts: readonly AnswerPart[]; calls: number; outcome: Outcome }> {
  const reader = new AnswerReader(reading, callId);
  const parts: AnswerPart[] = [{ kind: 'text', text: echo }];
  const collect: TextSink = (text) => {
    parts.push(...reader.push(text));
    return reader.enough ? 'enough' : undefined;
  };
  const outcome = await model.run(job, collect, signal);
  if (outcome.finish === 'aborted') throw new AppError('caller_gone', 'The caller went away.');
  parts.push(...reader.end());
  return { parts, calls: reader.calls, outcome };
}

/** Nine letters and digits: the templates of some models take no other id back. */
function callId(): string {
  return Array.from({ length: 9 }, () => idLetters.charAt(randomInt(idLetters.length))).join('');
}

/** Resolves when the reader has caught up, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    const bytes = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece));
    size += bytes.length;
    if (size > largestBodyBytes) throw new AppError('payload_too_large', 'The body is larger than 64 MiB.');
    pieces.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch (error) {
    throw new AppError('invalid_request', 'The body is not valid JSON.', { cause: error });
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
