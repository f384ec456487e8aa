import type * as z from 'zod';
import type { Clock } from '../../base/clock.ts';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import type { WireResponse } from '../../inference/wire-response.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import { LineSplitter } from '../supervisor/line-splitter.ts';
import { urlOf, type OllamaAddress } from './address.ts';
import {
  errorIn,
  jsonOf,
  parseProgress,
  psSchema,
  showSchema,
  tagsSchema,
  versionSchema,
  type OllamaProgress,
  type PsRow,
  type ShowAnswer,
  type TagRow,
} from './ollama-wire.ts';

/** What answers at an address. */
export type Answerer =
  | { readonly kind: 'ollama'; readonly version: string }
  /** Another program holds the port. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'nobody' }
  /** Something took the connection and says nothing. */
  | { readonly kind: 'silent' };

type ProgressListener = (progress: OllamaProgress) => void;

/** How long the small routes may take; a busy machine answers them late. */
const answerMs = 3_000;
const connectMs = 1_000;
/** A node that stops does not wait long for the answer. */
const releaseMs = 1_500;
/** Reading a large model from a slow disk into memory takes minutes, and nothing is said meanwhile. */
const loadMs = 30 * 60_000;
/** Between two lines of a pull; verifying a large file is silent. */
const pullSilenceMs = 10 * 60_000;
const mostAnswerBytes = 64 * 1024 * 1024;
const longestLine = 64 * 1024;
const never = new AbortController().signal;

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** Default: {@link answerMs}. */
  readonly firstByteMs?: number;
  readonly signal?: AbortSignal;
}

/** Ollama's routes of administration at one address. Answers are checked; redirects are not followed. */
export class OllamaApi {
  readonly url: string;
  readonly #http: HttpUpstream;

  constructor(address: OllamaAddress, deps: { clock: Clock }) {
    this.url = urlOf(address);
    this.#http = new HttpUpstream(
      { ...address, name: 'Ollama', deadlines: { connectMs, firstByteMs: answerMs, silenceMs: answerMs } },
      deps,
    );
  }

  /** Never rejects. */
  async identify(): Promise<Answerer> {
    try {
      const response = await this.#send({ method: 'GET', path: '/api/version' });
      const parsed = versionSchema.safeParse(jsonOf(await text(response, longestLine)));
      return response.status === 200 && parsed.success
        ? { kind: 'ollama', version: parsed.data.version }
        : { kind: 'foreign' };
    } catch (error) {
      if (error instanceof AppError && error.code === 'upstream_silent') return { kind: 'silent' };
      const cause = error instanceof Error ? systemErrorCode(error.cause) : undefined;
      // The system refused the connection; else somebody took it, and did not answer as Ollama does.
      return { kind: cause === undefined ? 'foreign' : 'nobody' };
    }
  }

  async tags(): Promise<TagRow[]> {
    const { models } = await this.#ask(tagsSchema, { method: 'GET', path: '/api/tags' });
    return (models ?? []).filter((model) => model.remote_host === undefined || model.remote_host === '');
  }

  /** The models in memory. */
  async loaded(): Promise<PsRow[]> {
    const { models } = await this.#ask(psSchema, { method: 'GET', path: '/api/ps' });
    return models ?? [];
  }

  show(name: string): Promise<ShowAnswer> {
    return this.#ask(showSchema, { method: 'POST', path: '/api/show', body: { model: name }, firstByteMs: 15_000 });
  }

  /**
   * Loads a model and keeps it. Carries no options: a later plain request then finds the model as it needs it.
   *
   * @throws AppError `model_not_found`, `engine_failed`, `caller_gone`
   */
  async load(name: string, kind: 'generating' | 'embedding', signal: AbortSignal): Promise<void> {
    await this.#order({ method: 'POST', ...keeping(name, kind, -1), firstByteMs: loadMs, signal });
  }

  /** Leaves it to Ollama when a loaded model goes: after `keepAlive`, as in its own setting, without a request. */
  async release(name: string, kind: 'generating' | 'embedding', keepAlive: string | number): Promise<void> {
    await this.#order({ method: 'POST', ...keeping(name, kind, keepAlive), firstByteMs: releaseMs });
  }

  /** Frees a model's memory once its answers are complete. */
  async unload(name: string): Promise<void> {
    const body = { model: name, stream: false, keep_alive: 0 };
    await this.#order({ method: 'POST', path: '/api/generate', body, firstByteMs: 30_000 });
  }

  /** @throws AppError `engine_failed` with Ollama's own words, `caller_gone` */
  pull(name: string, onProgress: ProgressListener, signal: AbortSignal): Promise<void> {
    return this.#follow({ method: 'POST', path: '/api/pull', body: { model: name }, signal }, onProgress);
  }

  /** @throws AppError `engine_failed` with Ollama's own words, `caller_gone` */
  quantize(
    job: { readonly from: string; readonly quantization: string; readonly name: string },
    onProgress: ProgressListener,
    signal: AbortSignal,
  ): Promise<void> {
    const body = { model: job.name, from: job.from, quantize: job.quantization };
    return this.#follow({ method: 'POST', path: '/api/create', body, signal }, onProgress);
  }

  async remove(name: string): Promise<void> {
    await this.#order({ method: 'DELETE', path: '/api/delete', body: { model: name }, firstByteMs: 30_000 });
  }

  close(): void {
    this.#http.close();
  }

  #send(call: Call, silenceMs: number = answerMs): Promise<WireResponse> {
    const body = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body));
    return this.#http.send(
      {
        method: call.method,
        path: call.path,
        headers: body === null ? {} : { 'Content-Type': 'application/json' },
        body,
        deadlines: { firstByteMs: call.firstByteMs ?? answerMs, silenceMs },
      },
      call.signal ?? never,
    );
  }

  async #ask<Schema extends z.ZodType>(schema: Schema, call: Call): Promise<z.infer<Schema>> {
    const parsed = schema.safeParse(jsonOf(await this.#order(call)));
    if (!parsed.success) {
      throw new AppError('engine_failed', `Ollama answered ${call.path} in a form that is not known. Update it.`);
    }
    return parsed.data;
  }

  /** The body of an answer of success. */
  async #order(call: Call): Promise<string> {
    const response = await this.#send(call);
    const body = await text(response, mostAnswerBytes);
    if (response.status !== 200) throw refused(response.status, body);
    const error = errorIn(body);
    if (error !== null) throw new AppError('engine_failed', sentence(error));
    return body;
  }

  /** Reads lines until the answer is over. The last one of a job that went well says `success`. */
  async #follow(call: Call, onProgress: ProgressListener): Promise<void> {
    const response = await this.#send({ ...call, firstByteMs: pullSilenceMs }, pullSilenceMs);
    if (response.status !== 200) throw refused(response.status, await text(response, mostAnswerBytes));
    const failures: string[] = [];
    let last = '';
    await lines(response, (line) => {
      const parsed = parseProgress(line);
      if (parsed.kind === 'error') failures.push(parsed.message);
      if (parsed.kind !== 'progress') return;
      last = parsed.progress.status;
      onProgress(parsed.progress);
    });
    const [failure] = failures;
    if (failure !== undefined) throw new AppError('engine_failed', sentence(failure));
    if (last !== 'success') {
      throw new AppError('engine_failed', 'Ollama broke off before it was done. Try again: it goes on where it was.');
    }
  }
}

/** A request for nothing, which tells how long the model is kept. */
function keeping(name: string, kind: 'generating' | 'embedding', keepAlive: string | number) {
  return kind === 'embedding'
    ? { path: '/api/embed', body: { model: name, input: [], keep_alive: keepAlive } }
    : { path: '/api/generate', body: { model: name, stream: false, keep_alive: keepAlive } };
}

function refused(status: number, body: string): AppError {
  const said = sentence(errorIn(body) ?? `it answered ${status}`);
  return new AppError(status === 404 ? 'model_not_found' : 'engine_failed', said, { context: { status } });
}

function sentence(said: string): string {
  return `Ollama says: ${said.replace(/\.?$/, '.')}`;
}

function lines(response: WireResponse, onLine: (line: string) => void): Promise<void> {
  const splitter = new LineSplitter({ longestLine }, (line) => {
    if (line.trim() !== '') onLine(line);
  });
  return new Promise((resolve, reject) => {
    response.body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        splitter.push(bytes.subarray(start, end));
      },
      end: () => {
        splitter.end();
        resolve();
      },
      fail: reject,
    });
  });
}

function text(response: WireResponse, mostBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytesRead = 0;
  return new Promise((resolve, reject) => {
    response.body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        bytesRead += end - start;
        if (bytesRead <= mostBytes) {
          pieces.push(bytes.subarray(start, end));
          return;
        }
        response.body.destroy();
        reject(new AppError('engine_failed', 'Ollama answered with more than can be read.'));
      },
      end: () => {
        resolve(Buffer.concat(pieces).toString('utf8'));
      },
      fail: reject,
    });
  });
}
