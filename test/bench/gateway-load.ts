/**
 * The callers of the gateway benches, all in one process of their own. Each keeps one connection and sends the next
 * request when its answer is complete. Told over IPC what to do; says when it begins to measure, and then its figures.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOrder {
  readonly port: number;
  readonly callers: number;
  readonly stream: boolean;
  /** Tokens that every answer must have. */
  readonly tokens: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** The callers' key. Default: one that nobody knows. */
  readonly key?: string;
  /** What the callers speak. Default: OpenAI's. */
  readonly dialect?: keyof typeof dialects;
  /** Default: `fake-model`. */
  readonly model?: string;
  /** Being turned away with 429 or 503 is an answer; the caller comes again. Default: it is wrong. */
  readonly mayRefuse?: boolean;
}

export interface LoadFigures {
  readonly kind: 'figures';
  readonly requests: number;
  readonly tokens: number;
  readonly elapsedMs: number;
  /** Milliseconds that the arm added to the first token: on the request's way up and on the token's way down. */
  readonly addedFirstMs: readonly number[];
  /** Milliseconds that every later token took from the upstream's write to here. */
  readonly tokenMs: readonly number[];
  /** Milliseconds until a caller was turned away. */
  readonly refusedMs: readonly number[];
  /** What was wrong with answers; empty when all were right. */
  readonly wrong: readonly string[];
}

const refusal = /^HTTP\/1\.1 (?:429|503) /;
const prompt = 'word '.repeat(180);
/** How a dialect is asked, where its tokens stand, and how it says that a stream is complete. */
const dialects = {
  openai: {
    path: '/v1/chat/completions',
    body: { max_tokens: 256, temperature: 0.7 },
    mark: '"content":"',
    end: 'data: [DONE]\n\n',
  },
  anthropic: {
    path: '/v1/messages',
    body: { max_tokens: 256, temperature: 0.7 },
    mark: '"text":"',
    end: '"type":"message_stop"',
  },
  ollama: {
    path: '/api/chat',
    body: { options: { num_predict: 256, temperature: 0.7 } },
    mark: '"content":"',
    end: '"done":true',
  },
} as const;
/** A caller that was turned away comes again after this. */
const comeAgainMs = 500;

class Run {
  readonly #order: LoadOrder;
  readonly #dialect: (typeof dialects)[keyof typeof dialects];
  readonly #request: string;
  readonly #sockets: Socket[] = [];
  #measuring = false;
  #stopped = false;
  #startedAt = 0n;
  requests = 0;
  tokens = 0;
  readonly addedFirstMs: number[] = [];
  readonly tokenMs: number[] = [];
  readonly refusedMs: number[] = [];
  readonly wrong = new Set<string>();

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#dialect = dialects[order.dialect ?? 'openai'];
    const body = JSON.stringify({
      model: order.model ?? 'fake-model',
      messages: [{ role: 'user', content: prompt }],
      stream: order.stream,
      ...this.#dialect.body,
    });
    this.#request =
      `POST ${this.#dialect.path} HTTP/1.1\r\nHost: 127.0.0.1:${order.port}\r\nContent-Type: application/json\r\n` +
      `Authorization: Bearer ${order.key ?? 'key'}\r\nUser-Agent: bench\r\nAccept: */*\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  async go(): Promise<LoadFigures> {
    const { callers, warmUpMs, measureMs } = this.#order;
    for (let index = 0; index < callers; index += 1) setTimeout(() => this.#caller(), (index * 300) / callers);
    await new Promise((resolve) => setTimeout(resolve, warmUpMs));
    this.#measuring = true;
    this.#startedAt = process.hrtime.bigint();
    process.send?.({ kind: 'begin' });
    await new Promise((resolve) => setTimeout(resolve, measureMs));
    this.#measuring = false;
    const elapsedMs = Number(process.hrtime.bigint() - this.#startedAt) / 1e6;
    process.send?.({ kind: 'end' });
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
    const { requests, tokens, addedFirstMs, tokenMs, refusedMs, wrong } = this;
    return { kind: 'figures', requests, tokens, elapsedMs, addedFirstMs, tokenMs, refusedMs, wrong: [...wrong] };
  }

  #caller(): void {
    if (this.#stopped) return;
    let sentAt = 0n;
    let text = '';
    let seen = 0;
    let at = 0;
    const socket = connect({ port: this.#order.port, host: '127.0.0.1', noDelay: true });
    this.#sockets.push(socket);
    const send = (): void => {
      text = '';
      seen = 0;
      at = 0;
      sentAt = process.hrtime.bigint();
      socket.write(this.#request, 'latin1');
    };
    socket.on('connect', send);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (!this.#stopped) this.wrong.add(`the connection closed: ${text.slice(0, 300)}`);
    });
    socket.on('data', (bytes: Buffer) => {
      const now = process.hrtime.bigint();
      text += bytes.toString('latin1');
      if (this.#order.mayRefuse === true && refusal.test(text)) {
        if (!this.#isWhole(text)) return;
        if (this.#measuring) this.refusedMs.push(Number(now - sentAt) / 1e6);
        text = '';
        setTimeout(() => {
          if (!this.#stopped && !socket.destroyed) send();
        }, comeAgainMs);
        return;
      }
      if (!this.#order.stream) {
        if (this.#plainDone(text)) send();
        return;
      }
      const { mark, end: complete } = this.#dialect;
      for (;;) {
        const found = text.indexOf(mark, at);
        if (found === -1) break;
        const from = found + mark.length;
        // Some dialects begin with an empty text.
        if (text[from] === '"') {
          at = from;
          continue;
        }
        const end = text.indexOf(' ', from);
        if (end === -1) break;
        this.#token(text.slice(from, end), seen, sentAt, now);
        seen += 1;
        at = end;
      }
      if (!text.endsWith('0\r\n\r\n')) return;
      if (!text.startsWith('HTTP/1.1 200') || seen !== this.#order.tokens || !text.includes(complete)) {
        this.wrong.add(`a stream of ${seen} tokens: ${text.slice(0, 300)}`);
      }
      if (this.#measuring) this.requests += 1;
      send();
    });
  }

  #token(stamp: string, index: number, sentAt: bigint, now: bigint): void {
    if (!this.#measuring) return;
    this.tokens += 1;
    if (index > 0) {
      this.tokenMs.push(Number(now - BigInt(stamp)) / 1e6);
      return;
    }
    const [arrived = '0', written = '0'] = stamp.split('/');
    // A request sent before the measurement began belongs to the warm-up.
    if (sentAt < this.#startedAt) return;
    this.addedFirstMs.push(Number(BigInt(arrived) - sentAt + (now - BigInt(written))) / 1e6);
  }

  #plainDone(text: string): boolean {
    if (!this.#isWhole(text)) return false;
    if (!text.startsWith('HTTP/1.1 200')) this.wrong.add(text.slice(0, 300));
    if (this.#measuring) this.requests += 1;
    return true;
  }

  #isWhole(text: string): boolean {
    const head = text.indexOf('\r\n\r\n');
    if (head === -1) return false;
    const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? -1);
    if (length === -1) this.wrong.add(`an answer without a length: ${text.slice(0, 300)}`);
    return text.length >= head + 4 + length;
  }
}

process.on('message', (order: LoadOrder) => {
  void new Run(order).go().then((figures) => process.send?.(figures));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready' });
