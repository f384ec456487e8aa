import { expect } from 'vitest';
import type { ErrorCode } from '../../../../electron/agent/base/errors.ts';
import { parseRaw, type GatewayRig } from '../../../fixtures/gateway-rig.ts';
import type { BodyRoute } from './routes.ts';

type DialectName = BodyRoute['dialect'];

export interface Refused {
  readonly dialect: DialectName;
  readonly status: number;
  readonly code: ErrorCode;
}

/** A POST as bytes; `body` may hold any text. */
export function postText(path: string, body: string, headers: readonly string[] = []): string {
  const bytes = Buffer.from(body, 'utf8').toString('latin1');
  const own = headers.some((line) => /^content-type:/i.test(line)) ? [] : ['Content-Type: application/json'];
  const head = ['Host: HOST', ...own, ...headers, 'Connection: close', `Content-Length: ${bytes.length}`];
  return `POST ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${bytes}`;
}

export function getText(path: string, headers: readonly string[] = []): string {
  return `GET ${path} HTTP/1.1\r\n${['Host: HOST', ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`;
}

const tellsCode: Readonly<Record<DialectName, (body: unknown, code: ErrorCode) => void>> = {
  openai: (body, code) =>
    expect(body).toEqual({
      error: { message: expect.any(String) as string, type: expect.any(String) as string, param: anything, code },
    }),
  anthropic: (body, code) =>
    expect(body).toMatchObject({
      type: 'error',
      error: {
        type: expect.any(String) as string,
        message: expect.any(String) as string,
        details: { error_code: code },
      },
    }),
  // Its errors are one sentence and nothing else.
  ollama: (body) => expect(body).toEqual({ error: expect.any(String) as string }),
};
const anything: unknown = expect.toSatisfy((value: unknown) => value === null || typeof value === 'string');

/** Checks a refusal as every one has to be: status, shape and code of the dialect, one sentence, and no secret. */
export function expectRefused(
  answer: string,
  { dialect, status, code }: Refused,
  secrets: readonly string[] = [],
): void {
  const parsed = parseRaw(answer);
  expect(parsed.status).toBe(status);
  const head = parsed.head.toLowerCase();
  expect(head).toContain('content-type: application/json');
  expect(head).toContain('x-content-type-options: nosniff');
  expect(head).toMatch(/x-ranch-trace: [0-9a-f]{16}/);
  expect(head).toContain('x-ranch-reason: ');
  expect(head).not.toMatch(/^(?:set-cookie|location|access-control-allow-origin|server):/m);
  const body = JSON.parse(Buffer.from(dechunked(parsed), 'latin1').toString('utf8')) as {
    error: string | { message: string };
  };
  tellsCode[dialect](body, code);
  const message = typeof body.error === 'string' ? body.error : body.error.message;
  expect(message).toMatch(/^\p{Lu}?.+[.)]$/su);
  expect(message).not.toMatch(/!|undefined|\[object|Error:|node_modules|\.ts\b/);
  // Whatever a caller named reaches terminals by way of these sentences.
  expect(message).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
  expect(message.length).toBeLessThan(600);
  for (const secret of secrets) expect(answer).not.toContain(secret);
}

/** The body of an answer, out of its chunks where it came in such. */
export function dechunked({ head, body }: { readonly head: string; readonly body: string }): string {
  if (!/transfer-encoding: chunked/i.test(head)) return body;
  let text = '';
  for (let at = 0; at < body.length;) {
    const end = body.indexOf('\r\n', at);
    const length = Number.parseInt(body.slice(at, end), 16);
    if (!(length > 0)) break;
    text += body.slice(end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
  return text;
}

/** One good request to each of the routes is answered. */
export async function expectGood(rig: GatewayRig, routes: readonly BodyRoute[]): Promise<void> {
  for (const { path, good } of routes) {
    const answer = await rig.post(path, { ...good, ...(path.startsWith('/api/') ? { stream: false } : {}) });
    expect(answer.status, `${path}: ${await answer.clone().text()}`).toBe(200);
    await answer.arrayBuffer();
  }
}

/** How often each row was put to the test, and where; printed at the end. */
export class RowCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  add(row: string, dialect: string): void {
    const counts = this.#counts.get(row) ?? new Map<string, number>();
    counts.set(dialect, (counts.get(dialect) ?? 0) + 1);
    this.#counts.set(row, counts);
  }

  rows(): string[] {
    return [...this.#counts.keys()];
  }

  table(): string {
    const columns = ['openai', 'anthropic', 'ollama', 'socket'];
    const line = (cells: readonly (string | number)[]): string =>
      cells.map((cell, at) => (at === 0 ? String(cell).padEnd(5) : String(cell).padStart(10))).join('');
    const rows = this.rows().sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
    const body = rows.map((row) => {
      const counts = columns.map((column) => this.#counts.get(row)?.get(column) ?? 0);
      return line([row, ...counts, counts.reduce((sum, count) => sum + count, 0)]);
    });
    return [line(['row', ...columns, 'all']), ...body].join('\n');
  }
}
