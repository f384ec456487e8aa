import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface GivenAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers every request as it is told, and keeps what it was asked. */
export class AnsweringServer implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = [];
  readonly events = new EventEmitter();
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  port = 0;

  private constructor(
    answer: (request: ReceivedRequest) => GivenAnswer,
    tls: { readonly key: string; readonly cert: string } | null,
  ) {
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createTlsServer(tls) : createServer();
    this.#server.on('request', (request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => {
        const received = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
        this.requests.push(received);
        const given = answer(received);
        response.writeHead(given.status, { 'Content-Type': 'application/json', ...given.headers });
        response.end(given.body);
        this.events.emit('request', received);
      });
    });
  }

  static async start(
    answer: (request: ReceivedRequest) => GivenAnswer,
    tls: { readonly key: string; readonly cert: string } | null = null,
  ): Promise<AnsweringServer> {
    const made = new AnsweringServer(answer, tls);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    const address = made.#server.address();
    made.port = typeof address === 'object' && address !== null ? address.port : 0;
    return made;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
