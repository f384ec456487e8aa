import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ControlClient, type WatchEvent } from '../../../electron/client/control-client.ts';
import { ControlError } from '../../../electron/client/control-error.ts';
import type { LogLine } from '../../../electron/contract/control.ts';
import { portRow, readyEngine, startNode, token, type ControlNode, type NodeOptions } from './control-node.ts';

const open: ControlNode[] = [];

async function start(options: NodeOptions = {}): Promise<ControlNode> {
  const node = await startNode(options);
  open.push(node);
  return node;
}

afterEach(async () => {
  for (const node of open.splice(0)) await node.stop();
});

/** Collects what a listener hears and lets a test wait for it. */
class Heard<T> {
  readonly all: T[] = [];
  #waiting: { readonly fits: (item: T) => boolean; readonly resolve: (item: T) => void }[] = [];

  readonly listen = (item: T): void => {
    this.all.push(item);
    this.#waiting = this.#waiting.filter(({ fits, resolve }) => {
      if (!fits(item)) return true;
      resolve(item);
      return false;
    });
  };

  next(fits: (item: T) => boolean): Promise<T> {
    return new Promise((resolve) => {
      this.#waiting.push({ fits, resolve });
    });
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof ControlError ? error.code : 'not a ControlError';
  }
}

describe('the control client against a real listener', () => {
  it('reads the snapshot with live figures', async () => {
    const node = await start();
    const snapshot = await new ControlClient({ url: node.url, token }).snapshot();
    expect(snapshot.node).toMatchObject({ name: 'logos-prime', state: 'idle' });
    expect(snapshot.system.memory.totalBytes).toBeGreaterThan(0);
    expect(snapshot.system.memory.agentBytes).toBeGreaterThan(1e6);
    expect(snapshot.history.points.length).toBeGreaterThanOrEqual(1);
  });

  it('watches: the whole picture first, then what changed', async () => {
    const node = await start();
    const heard = new Heard<WatchEvent>();
    const stop = new AbortController();
    const first = heard.next((event) => event.kind === 'snapshot');
    const watching = new ControlClient({ url: node.url, token }).watch(heard.listen, stop.signal);
    await first;
    const stopped = heard.next((event) => event.kind === 'snapshot' && event.snapshot.node.state === 'stopped');
    node.rooms.engines = [{ ...readyEngine, state: 'stopped', pid: null, sentence: 'The engine is stopped.' }];
    node.telemetry.publisher.touch();
    const event = await stopped;
    expect(event).toMatchObject({ snapshot: { node: { sentence: 'The engine is stopped.' } } });
    stop.abort();
    await watching;
  });

  it('survives an agent that restarts with another token, telling the outage once', async () => {
    const first = await startNode();
    let address: { url: string; token: string } | null = { url: first.url, token };
    const heard = new Heard<WatchEvent>();
    const stop = new AbortController();
    const client = new ControlClient(address);
    const seen = heard.next((event) => event.kind === 'snapshot');
    const options = { reconnect: () => Promise.resolve(address), firstRetryMs: 5, longestRetryMs: 20 };
    const watching = client.watch(heard.listen, stop.signal, options);
    await seen;
    const lost = heard.next((event) => event.kind === 'disconnected');
    address = null;
    await first.stop();
    await lost;
    const back = heard.next((event) => event.kind === 'snapshot');
    const second = await start({ token: 'another-token-0123456789-0123456789-0123', preferredPort: first.port });
    address = { url: second.url, token: 'another-token-0123456789-0123456789-0123' };
    await back;
    expect(heard.all.filter((event) => event.kind === 'disconnected')).toHaveLength(1);
    expect((await client.snapshot()).node.name).toBe('logos-prime');
    stop.abort();
    await watching;
  });

  it('says that no agent runs where nobody listens', async () => {
    const node = await startNode();
    await node.stop();
    const client = new ControlClient({ url: node.url, token });
    expect(await codeOf(client.snapshot())).toBe('agent_not_running');
    expect(await codeOf(client.watch(() => undefined, new AbortController().signal))).toBe('agent_not_running');
  });

  it('sends commands and passes on the reason of a refusal', async () => {
    const node = await start();
    const client = new ControlClient({ url: node.url, token });
    await client.command('engines.restart', { id: 'embedded' });
    expect(node.commands).toEqual([{ name: 'engines.restart', body: { id: 'embedded' } }]);
    expect(await codeOf(client.command('engines.restart', { id: 'nothing' }))).toBe('not_found');
    const stranger = new ControlClient({ url: node.url, token: 'x'.repeat(40) });
    expect(await codeOf(stranger.command('agent.shutdown', {}))).toBe('unauthorized');
    expect(node.commands).toHaveLength(1);
  });

  it('reads and follows logs until told to stop', async () => {
    const node = await start();
    const client = new ControlClient({ url: node.url, token });
    const line = (text: string): LogLine => ({ at: '2026-01-01T00:00:00Z', stream: 'stderr', text });
    node.log(line('one'));
    node.log(line('two'));
    expect(await client.query('logs', { engine: 'embedded', lines: 1 })).toEqual({ lines: [line('two')] });
    expect(await client.query('settings', {})).toEqual({ settings: { gateway: { port: 8080 } }, rows: [portRow] });
    const heard = new Heard<LogLine>();
    const stop = new AbortController();
    const tail = heard.next(({ text }) => text === 'two');
    const following = client.followLogs('embedded', 1, heard.listen, stop.signal);
    await tail;
    const later = heard.next(({ text }) => text === 'ünïcode');
    node.log(line('ünïcode'));
    await later;
    expect(heard.all.map(({ text }) => text)).toEqual(['two', 'ünïcode']);
    stop.abort();
    await following;
  });

  it('streams a chat, and fails when the answer breaks off or carries an error', async () => {
    const chunk = (content: string): string => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;
    const answers = [
      `${chunk('Hel')}${chunk('lo')}data: [DONE]\n\n`,
      chunk('Hel'),
      `${chunk('Hel')}data: {"error":{"code":"engine_failed","message":"The engine ended."}}\n\n`,
    ];
    const node = await start({
      chat: (_request, response) => {
        response.setHeader('content-type', 'text/event-stream');
        response.end(answers.shift());
      },
    });
    const client = new ControlClient({ url: node.url, token });
    const texts: string[] = [];
    const ask = (): Promise<void> =>
      client.chat(
        { messages: [{ role: 'user', content: 'Hello' }] },
        (event) => texts.push(event.choices[0]?.delta?.content ?? ''),
        new AbortController().signal,
      );
    await ask();
    expect(texts).toEqual(['Hel', 'lo']);
    expect(await codeOf(ask())).toBe('connection_lost');
    expect(await codeOf(ask())).toBe('engine_failed');
  });

  it('an abort of a chat reaches the server at once', async () => {
    const gone = new Heard<string>();
    const node = await start({
      chat: (_request, response) => {
        response.write('data: {"choices":[]}\n\n');
        response.on('close', () => gone.listen('closed'));
      },
    });
    const stop = new AbortController();
    const closed = gone.next(() => true);
    const client = new ControlClient({ url: node.url, token });
    await client.chat({ messages: [] }, () => stop.abort(), stop.signal);
    expect(await closed).toBe('closed');
  });

  it('gives up on an agent that is silent', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    const { exchange } = await import('../../../electron/client/http-exchange.ts');
    const target = { url: `http://127.0.0.1:${address.port}`, token };
    const call = { method: 'GET', path: '/', silenceMs: 50 } as const;
    expect(await codeOf(exchange(target, call, () => undefined))).toBe('agent_silent');
    silent.closeAllConnections();
    silent.close();
  });
});
