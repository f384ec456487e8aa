import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';

/** One request as it came, and what it was answered. */
export interface Recorded {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  status: number;
  /** The beginning of the answer. */
  answer: string;
}

/** Stands between a program and the gateway, passes everything on as it is, and keeps what was asked. */
export class Recorder implements AsyncDisposable {
  recorded: Recorded[] = [];
  readonly #server: Server;
  readonly #target: URL;
  port = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => this.#pass(request, response));
  }

  static async start(target: string): Promise<Recorder> {
    const made = new Recorder(target);
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    const address = made.#server.address();
    made.port = typeof address === 'object' && address !== null ? address.port : 0;
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const { method = 'GET', url: path = '/', headers } = request;
      const entry: Recorded = { method, path, headers, body: body.toString(), status: 0, answer: '' };
      this.recorded.push(entry);
      const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'transfer-encoding'));
      const length = body.length > 0 ? { 'content-length': String(body.length) } : {};
      const { hostname, port, host } = this.#target;
      const onward = ask({ hostname, port, method, path, headers: { ...kept, ...length, host } }, (answer) => {
        entry.status = answer.statusCode ?? 0;
        answer.on('data', (piece: Buffer) => {
          if (entry.answer.length < 4_000) entry.answer += piece.toString();
        });
        response.writeHead(entry.status, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      onward.end(body);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
