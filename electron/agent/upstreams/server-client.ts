import { AppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { withoutKey } from '../inference/kept-secret.ts';
import { withHeededThink, withoutReloadOptions } from '../inference/ollama-body.ts';
import type { Dialect, InferenceRequest } from '../inference/request.ts';
import type { ServerAddress } from '../inference/server-address.ts';
import type { ModelDetails, UpstreamRoute } from '../inference/upstream.ts';
import type { WireResponse } from '../inference/wire-response.ts';
import type { TlsTrust } from '../inference/wire/connection.ts';
import type { Deadlines } from '../inference/wire/exchange.ts';
import { HttpUpstream } from '../inference/wire/http-upstream.ts';
import { ranchHeaders, callerHeaders } from '../../contract/routing.ts';
import { pathOf } from './server-paths.ts';

const anthropicVersion = '2023-06-01';
/** Of a caller's headers, those that mean something to a provider of its dialect. */
const passedOn: ReadonlySet<string> = new Set(['anthropic-beta', 'anthropic-version']);
/** Of an answer's headers, those that mean something here. Cookies and the rest stay where they are. */
const keptHeaders: readonly string[] = [
  'content-type',
  'content-encoding',
  'retry-after',
  'request-id',
  'x-request-id',
];

const connectMs = 10_000;
/** An answer that is not streamed has no byte before its last token. */
const wholeAnswerMs = 60 * 60_000;
/**
 * What a server may take for a prompt, as for engines of this machine: one that reads some 30 bytes a second is slow, and
 * not broken. Short prompts get as long as a model may take to load.
 */
const shortestPromptMs = 10 * 60_000;
const promptMsPerKib = 34_000;
const listMs = 10_000;
const mostListBytes = 8 * 1024 * 1024;
/** Servers in data centres keep idle connections longer than the small ones at home. */
const secureIdleMs = 25_000;
/** Shorter ones would be found in innocent text. */
const shortestMasked = 8;

export interface ServerClientOptions {
  readonly id: string;
  readonly address: ServerAddress;
  readonly dialect: Dialect;
  readonly route: UpstreamRoute;
  /** Certificates of authorities to trust instead of the platform's. */
  readonly trust: TlsTrust;
}

/** Speaks to one server: builds headers from nothing, follows no redirect, and takes no answer of a gateway of a ranch. */
export class ServerClient {
  readonly #options: ServerClientOptions;
  readonly #http: HttpUpstream;
  readonly #clock: Clock;

  constructor(options: ServerClientOptions, deps: { readonly clock: Clock }) {
    const { id, address, trust } = options;
    this.#options = options;
    this.#clock = deps.clock;
    this.#http = new HttpUpstream(
      {
        host: address.host,
        port: address.port,
        name: `The server ${id}`,
        deadlines: { connectMs },
        ...(address.secure ? { tls: trust, idleMs: secureIdleMs } : {}),
      },
      deps,
    );
  }

  /** @throws AppError as {@link Upstream.generate}; with `isGateway` in its context when a gateway of a ranch answers */
  async generate(
    request: InferenceRequest,
    asked: { readonly key: string | null; readonly details: ModelDetails | null },
    signal: AbortSignal,
  ): Promise<WireResponse> {
    const { id, dialect } = this.#options;
    const path = pathOf(dialect, request.operation);
    if (path === undefined || request.dialect !== dialect) {
      throw new AppError('unsupported_capability', `The server ${id} cannot be asked for this.`);
    }
    const wire = {
      method: 'POST',
      path: this.#options.address.basePath + path,
      headers: { 'Content-Type': 'application/json', ...this.#headers(asked.key), ...this.#fromCaller(request) },
      body: dialect === 'ollama' ? settledBody(request.body, asked.details) : request.body,
    } as const;
    const response = await this.#http.send({ ...wire, deadlines: this.#deadlines(request) }, signal);
    const checked = this.#checked(response);
    return asked.key !== null && asked.key.length >= shortestMasked ? withoutKey(checked, asked.key) : checked;
  }

  /**
   * Asks for something that is told free of charge; resolves with its JSON, undefined where there is no such route.
   *
   * @throws AppError `upstream_failed`, `upstream_silent`; no sentence repeats what the server said
   */
  async ask(
    path: string,
    asked: { readonly key: string | null; readonly body?: object },
    signal: AbortSignal,
  ): Promise<unknown> {
    const { id, address } = this.#options;
    const body = asked.body === undefined ? null : Buffer.from(JSON.stringify(asked.body));
    const response = this.#checked(
      await this.#http.send(
        {
          method: body === null ? 'GET' : 'POST',
          path: address.basePath + path,
          headers: {
            Accept: 'application/json',
            ...(body === null ? {} : { 'Content-Type': 'application/json' }),
            ...this.#headers(asked.key),
          },
          body,
          deadlines: { firstByteMs: listMs, silenceMs: listMs },
        },
        signal,
      ),
    );
    const { status } = response;
    if (status === 401 || status === 403) {
      response.body.destroy();
      throw failed(`The server ${id} refused its key (status ${status}). Check the key that the settings name.`);
    }
    if (status === 404 || status === 405) {
      response.body.destroy();
      return undefined;
    }
    const text = status === 200 ? await this.#text(response) : null;
    if (text === null) {
      response.body.destroy();
      throw failed(`The server ${id} answered with status ${status} when asked for its models. Look into its log.`);
    }
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw failed(`The server ${id} answered with something that is not JSON. Check its url and dialect.`);
    }
  }

  /** Closes the connections; answers on their way fail. */
  close(): void {
    this.#http.close();
  }

  /** A provider says something while it reads; a server at home may send a head and then nothing until the first token. */
  #deadlines({ stream, operation, body }: InferenceRequest): Partial<Deadlines> {
    if (this.#options.route === 'cloud') return stream ? {} : { firstByteMs: wholeAnswerMs };
    const readMs = Math.max(shortestPromptMs, Math.ceil(body.length / 1024) * promptMsPerKib);
    const firstByteMs = stream ? readMs : Math.max(wholeAnswerMs, readMs);
    return operation === 'embedding' ? { firstByteMs } : { firstByteMs, promptMs: firstByteMs };
  }

  #headers(key: string | null): Record<string, string> {
    if (this.#options.dialect === 'anthropic') {
      return { 'anthropic-version': anthropicVersion, ...(key === null ? {} : { 'x-api-key': key }) };
    }
    return key === null ? {} : { Authorization: `Bearer ${key}` };
  }

  /** A provider learns nothing of this ranch; another node that is asked by way of this server must see a loop. */
  #fromCaller({ headers, hops }: InferenceRequest): Record<string, string> {
    if (this.#options.route !== 'cloud') return hops ? { [callerHeaders.hops]: hops.join(', ') } : {};
    return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => passedOn.has(name)));
  }

  #checked(response: WireResponse): WireResponse {
    const { id } = this.#options;
    if (response.headers.has(ranchHeaders.node)) {
      response.body.destroy();
      throw new AppError(
        'upstream_failed',
        `The server ${id} is a gateway of a ranch, this one or another. Name the server behind it in the settings; nodes of a ranch find each other.`,
        { context: { isGateway: true } },
      );
    }
    if (response.status >= 300 && response.status < 400) {
      response.body.destroy();
      throw failed(`The server ${id} sends requests on to another address. Put the address that answers into its url.`);
    }
    const kept = keptHeaders.flatMap((name): [string, string][] => {
      const value = response.headers.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    return { status: response.status, headers: new Map(kept), body: response.body };
  }

  #text({ body }: WireResponse): Promise<string> {
    const { id } = this.#options;
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let length = 0;
      const settle = (act: () => void): void => {
        cancel();
        act();
      };
      const giveUp = (sentence: string): void => {
        body.destroy();
        settle(() => reject(failed(sentence)));
      };
      const cancel = this.#clock.after(listMs, () => giveUp(`The server ${id} takes too long to list its models.`));
      body.pipe({
        raw: () => true,
        payload: (bytes, start, end) => {
          length += end - start;
          if (length > mostListBytes) giveUp(`The server ${id} sent a list of models that has no end. Check its url.`);
          else pieces.push(bytes.subarray(start, end));
        },
        end: () => settle(() => resolve(Buffer.concat(pieces).toString('utf8'))),
        fail: (error) => settle(() => reject(error)),
      });
    });
  }
}

/** Others use that Ollama too: nothing that reloads or unloads its models, and no wish that it answers with a refusal. */
function settledBody(body: Buffer, details: ModelDetails | null): Buffer {
  const received = JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>;
  const kept = withoutReloadOptions(received).body;
  const settled = withHeededThink(kept, details ?? { thinks: null, architecture: null });
  return settled === received ? body : Buffer.from(JSON.stringify(settled));
}

function failed(sentence: string): AppError {
  return new AppError('upstream_failed', sentence);
}
