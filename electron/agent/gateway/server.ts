import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { AppError, systemErrorCode, traitsOf } from '../base/errors.ts';
import { judgeLocalRequest, loopbackHosts } from '../base/local-request.ts';
import { refusedRequest, type Asked } from './refused-request.ts';

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Names besides the loopback ones by which callers may address the gateway; a function is asked on each request. */
  readonly hosts: readonly string[] | (() => readonly string[]);
  /** Names by which a proxy in front of the gateway is called, with whatever port; lower case. */
  readonly anyPortHosts?: readonly string[];
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  /** Longest time that the head of a request may take. */
  readonly headersMs: number;
  /** How long an idle connection is kept; above what callers' own pools keep. */
  readonly keepAliveMs: number;
}

export interface ServerHandlers {
  /** A request that has passed all checks of its head. */
  request(request: IncomingMessage, response: ServerResponse): void;
  /** A request that has not; nothing has been sent. */
  refused(request: IncomingMessage, response: ServerResponse, error: AppError): void;
  /** Head and body of the answer to bytes that never became a request; `asked` is what could be read of it. */
  encodeRefusal(error: AppError, asked: Asked | null): { readonly headers: readonly string[]; readonly body: string };
}

/** How long a caller that was refused may take to read why. */
const refusalLingerMs = 250;

/** What Node calls a head that is not complete in time, and also one of which nothing has come. */
const requestTimeoutCode = 'ERR_HTTP_REQUEST_TIMEOUT';

const noWebSocket = 'This address does not speak WebSocket. Use plain HTTP.';
const noProxy = 'This address is no proxy. Send requests to its paths.';
const expectationMessage = 'The Expect header asks for something that is not done here. Send the request without it.';

/**
 * The gateway's socket side: limits, deadlines, and the judgement of each head before anything else looks at it. What
 * Node's parser refuses is answered here too, in the dialect of its path where that can be read.
 */
export class GatewayServer {
  readonly #options: ServerOptions;
  readonly #handlers: ServerHandlers;
  readonly #clock: Clock;
  readonly #server: Server;
  /** The answer to a connection's latest request: a second one must not be written into it, nor before it. */
  readonly #answering = new WeakMap<Duplex, ServerResponse>();
  /** Connections whose last answer is a refusal; the parser complains about each further piece that they send. */
  readonly #refusing = new WeakSet<Duplex>();
  /** Null while it does not listen yet. */
  #port: number | null = null;
  #stopped = false;

  constructor(options: ServerOptions, deps: { handlers: ServerHandlers; clock: Clock }) {
    this.#options = options;
    this.#handlers = deps.handlers;
    this.#clock = deps.clock;
    this.#server = createServer({
      maxHeaderSize: options.maxHeaderBytes,
      headersTimeout: options.headersMs,
      // Bodies have a deadline of their own, and answers have none: a long stream is not a slow request.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.max(20, Math.min(1_000, options.headersMs / 4)),
      keepAliveTimeout: options.keepAliveMs,
      insecureHTTPParser: false,
      requireHostHeader: false,
      noDelay: true,
    });
    // More than this is a parser error like any other.
    this.#server.maxHeadersCount = options.maxHeaders;
    this.#server.on('request', (request, response) => {
      this.#request(request, response);
    });
    this.#server.on('checkExpectation', (request, response) => {
      this.#request(request, response, new AppError('expectation_failed', expectationMessage));
    });
    this.#server.on('clientError', (error, socket) => {
      this.#clientError(error, socket);
    });
    this.#server.on('upgrade', (request, socket) => {
      this.#refuseInTurn(socket, new AppError('invalid_request', noWebSocket), askedBy(request));
    });
    this.#server.on('connect', (request, socket) => {
      this.#refuseInTurn(socket, new AppError('method_not_allowed', noProxy), askedBy(request));
    });
  }

  /**
   * Starts to accept connections.
   *
   * @throws AppError `port_taken` with `host` and `port` in its context
   */
  listen(): Promise<{ readonly url: string; readonly port: number }> {
    return this.#listen(this.#options.host, this.#options.port);
  }

  /**
   * Listens on another address of this machine, on the same port; answers that are under way go on. When the other
   * address cannot be had it listens on the first one again.
   *
   * @throws AppError `port_taken` or `settings_invalid`
   */
  async move(host: string): Promise<void> {
    const port = this.#port;
    if (port === null) throw new AppError('internal', 'The gateway does not listen yet.');
    if (this.#stopped) throw new AppError('shutting_down', 'The gateway listens no more.');
    this.#server.close();
    try {
      await this.#listen(host, port);
    } catch (error) {
      await this.#listen(this.#options.host, port);
      throw error;
    }
  }

  #listen(host: string, port: number): Promise<{ readonly url: string; readonly port: number }> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        reject(listenError(error, host, port));
      };
      this.#server.once('error', failed);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', failed);
        const taken = addressOf(this.#server.address());
        this.#port = taken;
        resolve({ url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`, port: taken });
      });
    });
  }

  /** Accepts no more connections and resolves when the last one has closed. */
  stopAccepting(): Promise<void> {
    this.#stopped = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  closeConnections(): void {
    this.#server.closeAllConnections();
  }

  #request(request: IncomingMessage, response: ServerResponse, unmet: AppError | null = null): void {
    this.#answering.set(request.socket, response);
    // Without a listener, an error of a socket that is gone would end the process.
    response.on('error', () => undefined);
    const error = this.#judge(request) ?? unmet;
    if (error) this.#handlers.refused(request, response, error);
    else this.#handlers.request(request, response);
  }

  #judge(request: IncomingMessage): AppError | null {
    if (this.#port === null) return new AppError('shutting_down', 'This node is not ready yet. Try again in a moment.');
    const { anyPortHosts = [] } = this.#options;
    return judgeLocalRequest(request, { port: this.#port, hosts: this.#hosts(), anyPortHosts });
  }

  #hosts(): readonly string[] {
    const { hosts } = this.#options;
    const more = typeof hosts === 'function' ? hosts() : hosts;
    return more.length === 0 ? loopbackHosts : [...loopbackHosts, ...more];
  }

  #clientError(error: Error, socket: Duplex): void {
    if (this.#refusing.has(socket)) return;
    const code = systemErrorCode(error);
    if (code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    if (code === requestTimeoutCode && isUnused(socket)) this.#keepUnused(socket);
    else this.#refuseInTurn(socket, parserError(code), refusedRequest(error));
  }

  /**
   * A connection on which nothing has come is idle, not slow: callers open some for requests that they then break off,
   * and use them for later ones. A 408 that nobody asked for would be taken for the answer to such a one.
   */
  #keepUnused(socket: Duplex): void {
    const cancel = this.#clock.after(this.#options.keepAliveMs, () => {
      if (isUnused(socket)) socket.destroy();
    });
    socket.once('close', cancel);
  }

  #refuseInTurn(socket: Duplex, error: AppError, asked: Asked | null): void {
    const response = this.#answering.get(socket);
    if (!response || response.writableFinished) this.#refuseRaw(socket, error, asked);
    else if (response.req.complete) this.#refuseAfter(response, socket, { error, asked });
    else this.#refuseBody(response, socket, error);
  }

  /** Something refusable behind a whole request: that one's answer comes first, or the caller would take the refusal for it. */
  #refuseAfter(
    response: ServerResponse,
    socket: Duplex,
    { error, asked }: { readonly error: AppError; readonly asked: Asked | null },
  ): void {
    this.#refusing.add(socket);
    response.once('close', () => {
      // Not writable: the answer was the connection's last one, or broke off, and Node ends the connection.
      if (response.writableFinished && socket.writable) this.#refuseRaw(socket, error, asked);
    });
  }

  /** Garbage within the body of the latest request. */
  #refuseBody(response: ServerResponse, socket: Duplex, error: AppError): void {
    // Without a socket, the answer has its place behind another one that is pending.
    if (response.socket === null) socket.destroy();
    // Refused already, which is more than the parser could say: that answer ends by itself.
    else if (response.headersSent) this.#refusing.add(socket);
    else this.#refuseRaw(socket, error, askedBy(response.req));
  }

  #refuseRaw(socket: Duplex, error: AppError, asked: Asked | null): void {
    this.#refusing.add(socket);
    const { headers, body } = this.#handlers.encodeRefusal(error, asked);
    const { httpStatus } = traitsOf(error.code);
    const lines = [
      `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus] ?? ''}`,
      ...pairs(headers),
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    socket.on('error', () => undefined);
    // Whatever else the caller sends is read and dropped, for a reset would take the answer with it.
    socket.resume();
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => this.#closeSoon(socket));
  }

  #closeSoon(socket: Duplex): void {
    const cancel = this.#clock.after(refusalLingerMs, () => socket.destroy());
    socket.once('close', cancel);
  }
}

function askedBy({ url = '', rawHeaders }: IncomingMessage): Asked {
  return { url, rawHeaders };
}

function isUnused(socket: Duplex): boolean {
  return socket instanceof Socket && socket.bytesRead === 0;
}

function parserError(code: string | undefined): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new AppError('headers_too_large', 'The headers of the request are too large. Send fewer or shorter ones.');
  }
  if (code === requestTimeoutCode) {
    return new AppError('request_timeout', 'The request came too slowly. Send it again.');
  }
  return new AppError('invalid_request', 'The request is not valid HTTP. Check the program that sent it.');
}

function listenError(error: Error, host: string, port: number): AppError {
  const context = { host, port };
  if (systemErrorCode(error) === 'EADDRINUSE') {
    return new AppError('port_taken', `Port ${port} is already in use. Choose another one.`, { context, cause: error });
  }
  const message = `The gateway cannot listen on ${host}:${port}. Choose another address.`;
  return new AppError('settings_invalid', message, { context, cause: error });
}

function addressOf(address: AddressInfo | string | null): number {
  return address !== null && typeof address === 'object' ? address.port : 0;
}

function* pairs(headers: readonly string[]): Generator<string> {
  for (let at = 0; at + 1 < headers.length; at += 2) yield `${headers[at] ?? ''}: ${headers[at + 1] ?? ''}`;
}
