import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { AppError, systemErrorCode, toAppError } from '../base/errors.ts';
import type { Startable } from '../base/lifecycle.ts';
import { headerValues, judgeLocalRequest, loopbackHosts } from '../base/local-request.ts';
import type { Logger } from '../base/logger.ts';
import { controlPaths } from '../../contract/control.ts';
import { errorText, requireJsonType, send, sendError, sendJson, setGuardHeaders } from './answers.ts';
import { answerQuery, runCommand, type CommandHandlers, type QueryHandlers } from './calls.ts';
import { Exports, type ExportHandlers } from './exports.ts';
import { sendPanelFile } from './panel-files.ts';
import { sendSignInPage, sendUsedLinkPage } from './plain-pages.ts';
import { Sessions } from './sessions.ts';
import { Streams, type SnapshotFeed } from './streams.ts';

export interface ControlServerOptions {
  readonly host: string;
  /** 0: any free port, {@link preferredPort} first. A port that is named is used or refused, never replaced. */
  readonly port: number;
  /** The port of the last run, so that an open panel finds the agent again. */
  readonly preferredPort?: number;
  /** At least 32 characters, new in every run. */
  readonly token: string;
  /** Signs the panel's cookies; the same in every run. */
  readonly sessionSecret: string;
  readonly nodeId: string;
  /** Where the built panel is. */
  readonly panelDir: string;
  readonly deadlines?: ControlDeadlines;
}

/** How long a request may take to arrive, in milliseconds, whole and in pieces. */
export interface ControlDeadlines {
  readonly headersMs: number;
  readonly requestMs: number;
  /** How often connections are held against the two others. */
  readonly checkEveryMs: number;
}

export interface ControlServerDeps {
  readonly feed: SnapshotFeed;
  readonly commands: CommandHandlers;
  readonly queries: QueryHandlers;
  /** What can be had as a file; absent where there is nothing to export. */
  readonly exports?: ExportHandlers;
  /** The gateway's pipeline with the operator's rights; called once the request is known to be allowed, body unread. */
  readonly chat: (request: IncomingMessage, response: ServerResponse) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const limits = { headerBytes: 16 * 1024, connections: 256, graceMs: 1_000 };
const usualDeadlines: ControlDeadlines = { headersMs: 10_000, requestMs: 60_000, checkEveryMs: 1_000 };

/** The control API over the rooms, and the panel. Loopback only; no logic of its own. */
export class ControlServer implements Startable {
  readonly #options: ControlServerOptions;
  readonly #deps: ControlServerDeps;
  readonly #sessions: Sessions;
  readonly #streams: Streams;
  readonly #exports: Exports | null;
  readonly #hosts: readonly string[];
  #server: Server | null = null;
  #port = 0;

  constructor(options: ControlServerOptions, deps: ControlServerDeps) {
    this.#options = options;
    this.#deps = deps;
    const { nodeId, sessionSecret: secret, token } = options;
    this.#sessions = new Sessions({ nodeId, secret, token }, { clock: deps.clock });
    this.#streams = new Streams({ clock: deps.clock });
    const { exports: handlers, clock, logger } = deps;
    this.#exports = handlers === undefined ? null : new Exports({ handlers, clock, logger });
    this.#hosts = [...new Set([...loopbackHosts, inUrl(options.host)])];
  }

  /** Base address without a trailing slash; only after {@link start}. */
  get url(): string {
    return `http://${inUrl(this.#options.host)}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens. Rejects with `port_taken` when a port that was named is in use. */
  async start(): Promise<void> {
    const { port, preferredPort } = this.#options;
    if (port !== 0) await this.#listen(port);
    else if (preferredPort === undefined) await this.#listen(0);
    else await this.#listen(preferredPort).catch(() => this.#listen(0));
  }

  /** Ends streams, lets answers that are being written out finish for a moment, and closes. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    await new Promise<void>((resolve) => {
      const cancelGrace = this.#deps.clock.after(limits.graceMs, () => {
        server.closeAllConnections();
      });
      server.close(() => {
        cancelGrace();
        resolve();
      });
      this.#streams.end();
      server.closeIdleConnections();
    });
  }

  async #listen(port: number): Promise<void> {
    const { headersMs, requestMs, checkEveryMs } = this.#options.deadlines ?? usualDeadlines;
    const server = createServer(
      {
        maxHeaderSize: limits.headerBytes,
        headersTimeout: headersMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: checkEveryMs,
      },
      (request, response) => {
        this.#serve(request, response);
      },
    );
    server.maxConnections = limits.connections;
    server.on('clientError', refuseBroken);
    server.on('connect', (_request, socket: Duplex) => {
      refuseRaw(socket, methodNotAllowed());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, this.#options.host, port)));
      server.listen({ host: this.#options.host, port }, resolve);
    });
    server.on('error', (error) => this.#deps.logger.error({ err: error }, 'the control listener failed'));
    const address = server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : port;
    this.#server = server;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    setGuardHeaders(response);
    this.#route(request, response).catch((error: unknown) => {
      const known = toAppError(error);
      if (known.code === 'internal') {
        this.#deps.logger.error({ err: error, method: request.method }, 'a control request failed');
      }
      sendError(response, known);
    });
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = judgeLocalRequest(request, { port: this.#port, hosts: this.#hosts });
    if (refused) throw refused;
    if (request.headers.upgrade !== undefined) {
      throw new AppError('invalid_request', 'Connections cannot be upgraded here. Use the event stream.');
    }
    const { pathname, searchParams } = new URL(`http://control${request.url ?? '/'}`);
    if (pathname === controlPaths.signIn) this.#signIn(request, response, searchParams);
    else if (pathname.startsWith('/control/')) await this.#routeApi(request, response, pathname, searchParams);
    else await this.#routePanel(request, response, pathname);
  }

  async #routeApi(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
    params: URLSearchParams,
  ): Promise<void> {
    this.#requireOperator(request);
    const { commands, queries, feed } = this.#deps;
    if (pathname === controlPaths.snapshot) {
      requireMethod(request, 'GET');
      const { seq, text } = feed.snapshot();
      response.setHeader('x-ranch-seq', seq);
      sendJson(response, 200, text);
    } else if (pathname === controlPaths.events) {
      requireMethod(request, 'GET');
      this.#streams.followSnapshots(request, response, feed);
    } else if (pathname === controlPaths.chat) {
      requireMethod(request, 'POST');
      requireJsonType(request);
      this.#deps.chat(request, response);
    } else if (pathname === controlPaths.tickets) {
      requireMethod(request, 'POST');
      this.#sendTicket(request, response);
    } else if (pathname.startsWith(controlPaths.commands)) {
      requireMethod(request, 'POST');
      await runCommand(pathname.slice(controlPaths.commands.length), request, response, commands);
    } else if (pathname.startsWith(controlPaths.queries)) {
      requireMethod(request, 'GET');
      const name = pathname.slice(controlPaths.queries.length);
      await answerQuery(name, params, response, { queries, streams: this.#streams });
    } else if (pathname === controlPaths.usageExport && this.#exports !== null) {
      requireMethod(request, 'GET');
      await this.#exports.sendUsage(params, response);
    } else {
      throw new AppError('not_found', 'The control API has no such route. It may be newer than this agent.');
    }
  }

  async #routePanel(request: IncomingMessage, response: ServerResponse, pathname: string): Promise<void> {
    requireMethod(request, 'GET', 'HEAD');
    if (!this.#isOperator(request)) sendSignInPage(response);
    else await sendPanelFile(response, this.#options.panelDir, pathname);
  }

  #signIn(request: IncomingMessage, response: ServerResponse, params: URLSearchParams): void {
    requireMethod(request, 'GET');
    if (!this.#sessions.redeemTicket(params.get('ticket') ?? '')) {
      sendUsedLinkPage(response);
      return;
    }
    response.setHeader('set-cookie', this.#sessions.cookie());
    response.setHeader('location', '/');
    send(response, 303, 'text/plain; charset=utf-8', '');
  }

  #sendTicket(request: IncomingMessage, response: ServerResponse): void {
    requireJsonType(request);
    // A ticket makes sessions; a session must not, or one stolen cookie would renew itself for ever.
    if (!this.#hasToken(request)) throw new AppError('forbidden', 'Only the holder of the token may make tickets.');
    request.resume();
    const ticket = this.#sessions.issueTicket();
    sendJson(response, 200, JSON.stringify({ ticket, url: `${this.url}${controlPaths.signIn}?ticket=${ticket}` }));
  }

  #requireOperator(request: IncomingMessage): void {
    if (this.#isOperator(request)) return;
    throw new AppError(
      'unauthorized',
      'This needs the token in agent.json, or a panel that was opened by ranch-hand panel.',
    );
  }

  /** The token decides where one is given, also a wrong one; the cookie otherwise. */
  #isOperator(request: IncomingMessage): boolean {
    if (headerValues(request.rawHeaders, 'authorization').length > 0) return this.#hasToken(request);
    return this.#sessions.hasSession(request.headers.cookie);
  }

  #hasToken(request: IncomingMessage): boolean {
    const [authorization, second] = headerValues(request.rawHeaders, 'authorization');
    return authorization !== undefined && second === undefined && this.#sessions.hasToken(authorization);
  }
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host.toLowerCase();
}

function requireMethod(request: IncomingMessage, ...allowed: readonly string[]): void {
  if (!allowed.includes(request.method ?? '')) throw methodNotAllowed();
}

function methodNotAllowed(): AppError {
  return new AppError('method_not_allowed', 'This address does not take that method.');
}

function listenError(error: Error, host: string, port: number): AppError {
  const taken = systemErrorCode(error) === 'EADDRINUSE';
  return new AppError(
    taken ? 'port_taken' : 'internal',
    taken
      ? `Port ${port} is taken by another program. Leave --control out, or name another port.`
      : `The control API cannot listen on ${host}:${port}. Leave --control out.`,
    { cause: error, context: { host, port } },
  );
}

/** Answers what never became a request: broken framing, too much header, too slow. */
function refuseBroken(error: Error, socket: Duplex): void {
  const code = systemErrorCode(error);
  if (code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else if (code === 'HPE_HEADER_OVERFLOW') {
    refuseRaw(socket, new AppError('headers_too_large', 'The headers are larger than 16 KiB. Send fewer.'));
  } else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    refuseRaw(socket, new AppError('request_timeout', 'The request took too long to arrive. Send it again.'));
  } else {
    refuseRaw(socket, new AppError('invalid_request', 'The request is not valid HTTP.'));
  }
}

const rawStatus: Readonly<Partial<Record<AppError['code'], string>>> = {
  method_not_allowed: '405 Method Not Allowed',
  headers_too_large: '431 Request Header Fields Too Large',
  request_timeout: '408 Request Timeout',
};

function refuseRaw(socket: Duplex, error: AppError): void {
  const body = errorText(error);
  socket.end(
    `HTTP/1.1 ${rawStatus[error.code] ?? '400 Bad Request'}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
