import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { version } from '../../../contract/version.ts';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import { Interruption } from './interruption.ts';
import { isAllowedAddress, isLoopbackHost } from './reference.ts';

export interface HttpClientOptions {
  /** The agent's environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY count, in either case. */
  readonly env: NodeJS.ProcessEnv;
  /** Silence after which a connection counts as cut. */
  readonly silenceMs: number;
  /** A token that goes to this origin and to no other. */
  readonly token: { readonly origin: string; readonly value: string } | null;
}

/** The hub's token of the environment, for the hub alone; null where there is none. */
export function hubToken(env: NodeJS.ProcessEnv, hubUrl: string): HttpClientOptions['token'] {
  const value = env['HF_TOKEN'];
  return value && URL.canParse(hubUrl) ? { origin: new URL(hubUrl).origin, value } : null;
}

/** An answer whose body has not been read yet: read it to the end or destroy it. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
  /** Where it came from after all redirects. */
  readonly url: URL;
  /** Headers of the answers that redirected, first one first. */
  readonly redirects: readonly IncomingHttpHeaders[];
}

const mostRedirects = 5;
const redirecting = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches from the internet: https only (http on this machine), through the proxy of the environment, without cookies,
 * and never with a token for another host than its own.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #plain: http.Agent;
  readonly #secure: https.Agent;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    const proxyEnv = proxiesOf(options.env);
    this.#plain = new http.Agent({ keepAlive: true, maxSockets: 16, proxyEnv });
    this.#secure = new https.Agent({ keepAlive: true, maxSockets: 16, proxyEnv });
  }

  /**
   * Asks for an address and follows redirects.
   *
   * @throws Interruption when the server cannot be reached or falls silent; AppError `upstream_failed` for a redirect
   *   that leads nowhere good; the signal's reason when it was aborted
   */
  async get(
    address: string,
    request: { readonly headers?: Readonly<Record<string, string>>; readonly signal: AbortSignal },
  ): Promise<HttpAnswer> {
    let url = allowed(address);
    const redirects: IncomingHttpHeaders[] = [];
    for (;;) {
      const body = await this.#ask(url, request.headers ?? {}, request.signal);
      const status = body.statusCode ?? 0;
      const { location } = body.headers;
      if (!redirecting.has(status) || location === undefined) {
        return { status, headers: body.headers, body, url, redirects };
      }
      body.destroy();
      redirects.push(body.headers);
      if (redirects.length > mostRedirects) throw badRedirect(url, 'in circles');
      url = nextHop(url, location);
    }
  }

  /** A small answer as text; longer ones than `mostBytes` are refused. Takes no longer than `timeoutMs`. */
  async getText(
    address: string,
    request: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal: AbortSignal;
      readonly mostBytes: number;
      readonly timeoutMs: number;
    },
  ): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
    const limit = AbortSignal.timeout(request.timeoutMs);
    const signal = AbortSignal.any([request.signal, limit]);
    try {
      const { status, headers, body, url } = await this.get(address, {
        ...(request.headers && { headers: request.headers }),
        signal,
      });
      const pieces: Buffer[] = [];
      let length = 0;
      for await (const piece of body as AsyncIterable<Buffer>) {
        length += piece.length;
        if (length > request.mostBytes) {
          throw new AppError('upstream_failed', `${url.hostname} answers with more than a list can have.`);
        }
        pieces.push(piece);
      }
      return { status, headers, text: Buffer.concat(pieces).toString('utf8') };
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof AppError || error instanceof Interruption) throw error;
      throw limit.aborted
        ? new Interruption(`${hostOf(address)} did not answer in time.`)
        : asInterruption(error, address);
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #ask(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const { silenceMs, token } = this.#options;
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const get = secure ? https.get : http.get;
      const request = get(url, {
        agent: secure ? this.#secure : this.#plain,
        headers: {
          'user-agent': `ranch-hand/${version}`,
          accept: '*/*',
          // A length and a range have to mean the file's own bytes.
          'accept-encoding': 'identity',
          ...headers,
          ...(token?.origin === url.origin && { authorization: `Bearer ${token.value}` }),
        },
        signal,
      });
      let answer: IncomingMessage | null = null;
      request.setTimeout(silenceMs, () => {
        (answer ?? request).destroy(new Interruption(`${url.hostname} fell silent.`));
      });
      request.on('response', (response) => {
        answer = response;
        resolve(response);
      });
      request.on('error', (error) => {
        reject(signal.aborted ? error : asInterruption(error, url.href));
      });
    });
  }
}

/**
 * Where a redirect leads.
 *
 * @throws AppError `upstream_failed` for anything but https, and for a way from elsewhere into this machine
 */
export function nextHop(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw badRedirect(from, 'to something that is no address');
  const next = new URL(location, from);
  if (!isAllowedAddress(next)) throw badRedirect(from, 'to an address that is not https');
  if (isLoopbackHost(next.hostname) && !isLoopbackHost(from.hostname)) throw badRedirect(from, 'into this machine');
  return next;
}

/** A failed connection in words, as something to try again. */
export function asInterruption(error: unknown, address: string): Interruption {
  if (error instanceof Interruption) return error;
  const host = hostOf(address);
  const cause = { cause: error };
  switch (systemErrorCode(error) ?? '') {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new Interruption(`The host ${host} was not found.`, cause);
    case 'ECONNREFUSED':
      return new Interruption(`${host} takes no connections.`, cause);
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'ENETDOWN':
      return new Interruption(`The network does not lead to ${host}.`, cause);
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ETIMEDOUT':
      return new Interruption(`The connection to ${host} was cut.`, cause);
    case 'CERT_HAS_EXPIRED':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return new Interruption(`The certificate of ${host} is not to be trusted.`, cause);
    default:
      return new Interruption(`The connection to ${host} failed.`, cause);
  }
}

function allowed(address: string): URL {
  if (URL.canParse(address) && isAllowedAddress(new URL(address))) return new URL(address);
  throw new AppError('invalid_request', 'Models come by https only. Use an address that begins with https://.');
}

function badRedirect(from: URL, where: string): AppError {
  return new AppError('upstream_failed', `${from.hostname} sends us on ${where}. Choose another source.`);
}

function proxiesOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).hostname : address);
