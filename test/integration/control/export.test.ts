import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { AppError } from '../../../electron/agent/base/errors.ts';
import { ControlClient } from '../../../electron/client/control-client.ts';
import { ControlError } from '../../../electron/client/control-error.ts';
import { controlPaths, type UsageExport } from '../../../electron/contract/control.ts';
import { codeIn, send, sendAsOperator, startNode, token, type ControlNode, type NodeOptions } from './control-node.ts';

const open: ControlNode[] = [];

async function start(options: NodeOptions = {}): Promise<ControlNode> {
  const node = await startNode(options);
  open.push(node);
  return node;
}

afterEach(async () => {
  for (const node of open.splice(0)) await node.stop();
});

const path = controlPaths.usageExport;

/** A place where a test waits for something to happen. */
function turnstile(): { readonly passed: Promise<void>; readonly pass: () => void } {
  let pass: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  return { passed, pass: () => pass() };
}

/** A usage with these lines, and how often it was begun and ended. */
function linesOf(lines: () => AsyncIterable<string> | Iterable<string>) {
  const seen: { asked: UsageExport[]; ended: number; signal: AbortSignal | null } = {
    asked: [],
    ended: 0,
    signal: null,
  };
  async function* usage(params: UsageExport, signal: AbortSignal): AsyncGenerator<string> {
    seen.asked.push(params);
    seen.signal = signal;
    try {
      yield* lines();
    } finally {
      seen.ended += 1;
    }
  }
  return { seen, exports: { usage } };
}

const clientOf = (node: ControlNode): ControlClient => new ControlClient({ url: node.url, token });

async function allOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof ControlError ? error.code : 'not a ControlError';
  }
}

describe('the export of the usage', () => {
  it('is a file with a name, in the format that was asked for', async () => {
    const { seen, exports } = linesOf(() => ['at,model\n', '2026,ä\n']);
    const node = await start({ exports });
    const csv = await sendAsOperator(node.port, `${path}?since=2026-11-21T00:00:00Z&until=2026-11-22T00:00:00Z`);
    expect(csv).toMatchObject({ status: 200, text: 'at,model\n2026,ä\n' });
    expect(csv.headers['content-type']).toMatch(/^text\/csv; charset=utf-8/);
    expect(csv.headers['content-disposition']).toBe(
      'attachment; filename="ranch-hand-usage-2026-11-21-to-2026-11-22.csv"',
    );
    expect(csv.headers['cache-control']).toBe('no-store');
    const json = await sendAsOperator(node.port, `${path}?format=json`);
    expect(json.headers['content-type']).toMatch(/^application\/x-ndjson/);
    expect(json.headers['content-disposition']).toMatch(
      /^attachment; filename="ranch-hand-usage-\d{4}-\d\d-\d\d\.ndjson"$/,
    );
    expect(seen.asked).toEqual([
      { since: '2026-11-21T00:00:00Z', until: '2026-11-22T00:00:00Z', format: 'csv' },
      { format: 'json' },
    ]);
    expect(seen.ended).toBe(2);
  });

  it('is for the operator alone, and refuses what it cannot read', async () => {
    const { seen, exports } = linesOf(() => ['x']);
    const node = await start({ exports });
    expect((await send(node.port, path)).status).toBe(401);
    expect((await sendAsOperator(node.port, path, { method: 'POST', body: '{}' })).status).toBe(405);
    for (const query of [
      'format=xls',
      'since=yesterday',
      'limit=5',
      'since=2026-11-22T00:00:00Z&until=2026-11-21T00:00:00Z',
    ]) {
      const answer = await sendAsOperator(node.port, `${path}?${query}`);
      expect({ status: answer.status, code: codeIn(answer.text) }).toEqual({ status: 400, code: 'invalid_request' });
    }
    expect(seen.asked).toEqual([]);
    const none = await start();
    expect((await sendAsOperator(none.port, path)).status).toBe(404);
  });

  it('tells an error that comes before the first line as an error', async () => {
    const node = await start({
      exports: {
        usage: () => {
          throw new AppError('too_busy', 'Come back later.');
        },
      },
    });
    // More often than the number of exports at a time: a place that is not given back would show.
    for (let index = 0; index < 6; index += 1) {
      const answer = await sendAsOperator(node.port, path);
      expect({ status: answer.status, code: codeIn(answer.text) }).toEqual({ status: 503, code: 'too_busy' });
      expect(answer.headers['content-disposition']).toBeUndefined();
      expect(answer.text).toContain('Come back later.');
    }
  });

  it('is cut when it fails in the middle, so that nobody takes what came for the whole', async () => {
    const arrived = turnstile();
    const { exports } = linesOf(async function* () {
      yield `${'x'.repeat(40_000)}\n`;
      await arrived.passed;
      throw new Error('The disk is gone.');
    });
    const node = await start({ exports });
    const pieces: string[] = [];
    const reading = (async () => {
      for await (const piece of clientOf(node).exportUsage({})) {
        pieces.push(piece);
        arrived.pass();
      }
    })();
    expect(await codeOf(reading)).toBe('connection_lost');
    expect(pieces.join('')).toMatch(/^x/);
    // For every other reader of HTTP too.
    await expect(sendAsOperator(node.port, path)).rejects.toThrow(/aborted|hang up|reset/i);
  });

  it('waits for its reader, and holds little for one that takes nothing', async () => {
    let made = 0;
    const line = `${'y'.repeat(999)}\n`;
    const { seen, exports } = linesOf(function* () {
      for (; made < 50_000; made += 1) yield line;
    });
    const node = await start({ exports });
    const reading = clientOf(node).exportUsage({})[Symbol.asyncIterator]();
    expect((await reading.next()).value).toMatch(/^y/);
    // As many as the buffers between the two of them take, and then no more.
    let before = -1;
    while (made !== before) {
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(made).toBeLessThan(20_000);
    let chars = 0;
    for (;;) {
      const next = await reading.next();
      if (next.done === true) break;
      chars += next.value.length;
    }
    expect(made).toBe(50_000);
    expect(chars).toBeGreaterThan(49_000_000);
    expect(seen.ended).toBe(1);
  });

  it('ends its source when the reader leaves, also while a line is awaited', async () => {
    const begun = turnstile();
    const ended = turnstile();
    const node = await start({
      exports: {
        async *usage(_params, signal) {
          try {
            yield `${'z'.repeat(40_000)}\n`;
            begun.pass();
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
          } finally {
            ended.pass();
          }
        },
      },
    });
    const stop = new AbortController();
    const reading = allOf(clientOf(node).exportUsage({}, stop.signal));
    await begun.passed;
    stop.abort();
    await reading;
    await ended.passed;
  });

  it('lets four at a time in, and gives the place back when the reader leaves a source that hangs', async () => {
    const hang = (): Promise<never> => new Promise(() => undefined);
    let begun = 0;
    const node = await start({
      exports: {
        async *usage() {
          begun += 1;
          yield `${'z'.repeat(40_000)}\n`;
          await hang();
        },
      },
    });
    const readers = Array.from({ length: 4 }, () => clientOf(node).exportUsage({}));
    for (const reader of readers) await reader.next();
    expect(begun).toBe(4);
    expect(await codeOf(clientOf(node).exportUsage({}).next())).toBe('too_busy');
    await readers[0]?.return();
    // The server hears of it a moment later.
    const again = async (): Promise<string> => {
      for (;;) {
        const code = await codeOf(clientOf(node).exportUsage({}).next());
        if (code !== 'too_busy') return code;
      }
    };
    expect(await again()).toBe('no error');
    for (const reader of readers) await reader.return();
  });

  it('lets a reader go that takes nothing for ten minutes', async () => {
    const clock = new ManualClock();
    const ended = turnstile();
    let made = 0;
    const node = await start({
      clock,
      exports: {
        async *usage() {
          try {
            for (;;) {
              made += 1;
              yield `${'z'.repeat(40_000)}\n`;
              await Promise.resolve();
            }
          } finally {
            ended.pass();
          }
        },
      },
    });
    const socket = connect(node.port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${node.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    let before = -1;
    while (made !== before || made === 0) {
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const reader = { isGone: false };
    void ended.passed.then(() => (reader.isGone = true));
    // Again, should a last piece have found its way into a buffer meanwhile: the ten minutes begin with that.
    while (!reader.isGone) {
      clock.advance(10 * 60_000 + 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    socket.destroy();
  });
});
