import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import type { AgentFile } from '../../../electron/contract/agent-file.ts';
import type { CommandAnswer } from '../../../electron/contract/control.ts';
import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentStartError, type AgentChild } from '../../../electron/shell/agent-process.ts';
import type { AgentExit } from '../../../electron/shell/agent-restart.ts';
import { NodeLink, type ControlLink, type LinkAddress } from '../../../electron/shell/node-link.ts';
import type { NodeView } from '../../../electron/shell/node-view.ts';
import { exampleSnapshot } from '../../fixtures/example-snapshot.ts';

const fileAt = (port: number): AgentFile => ({
  pid: 100 + port,
  version: '0.1.0',
  startedAt: '2026-01-01T00:00:00.000Z',
  controlUrl: `http://127.0.0.1:${port}`,
  controlToken: 't'.repeat(40),
  gatewayUrl: 'http://127.0.0.1:8080',
});

type Watch = Parameters<ControlLink['watch']>;

/** A control client that tells what the test has it tell. */
class FakeControl implements ControlLink {
  readonly address: LinkAddress;
  readonly commands: { name: string; body: unknown }[] = [];
  listener: Watch[0] = () => undefined;
  reconnect: () => Promise<LinkAddress | null> = () => Promise.resolve(null);

  constructor(address: LinkAddress) {
    this.address = address;
  }

  watch(...[listener, signal, { reconnect }]: Watch): Promise<void> {
    this.listener = listener;
    this.reconnect = reconnect;
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  }

  command(name: string, body: unknown): Promise<CommandAnswer> {
    this.commands.push({ name, body });
    return Promise.resolve({ ok: true });
  }

  ticket(): Promise<{ url: string }> {
    return Promise.resolve({ url: `${this.address.url}/sign-in?ticket=x` });
  }

  tell(snapshot: NodeSnapshot = exampleSnapshot()): void {
    this.listener({ kind: 'snapshot', snapshot, seq: 1 });
  }

  lose(): void {
    this.listener({ kind: 'disconnected', message: 'gone' });
  }
}

class FakeChild implements AgentChild {
  readonly pid = 7;
  readonly exit: Promise<AgentExit>;
  words = '';
  end!: (exit: AgentExit) => void;

  constructor() {
    this.exit = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  lastWords = (): Promise<string> => Promise.resolve(this.words);
}

let clock: ManualClock;
let running: AgentFile | null;
let children: FakeChild[];
let controls: FakeControl[];
let views: NodeView[];
let attached: string[];
let startError: Error | null;
let link: NodeLink;

/** Lets everything that is already settled be heard. */
const settle = () => new Promise((resolve) => setImmediate(resolve));
const kinds = () => views.map(({ kind }) => kind);
const last = <Item>(items: readonly Item[]): Item => {
  const item = items.at(-1);
  if (item === undefined) throw new Error('There is none.');
  return item;
};

beforeEach(() => {
  clock = new ManualClock();
  running = null;
  children = [];
  controls = [];
  views = [];
  attached = [];
  startError = null;
  link = new NodeLink({
    find: () => Promise.resolve(running),
    start: () => {
      if (startError) return Promise.reject(startError);
      const child = new FakeChild();
      children.push(child);
      return Promise.resolve(child);
    },
    connect: (address) => {
      const control = new FakeControl(address);
      controls.push(control);
      return control;
    },
    timer: clock,
    onView: (view) => views.push(view),
    onAttached: (url) => attached.push(url),
  });
});

/** Runs the link against an agent that it had to start itself. */
async function startedByUs(): Promise<FakeControl> {
  void link.run();
  await settle();
  running = fileAt(1);
  clock.advance(1_000);
  await settle();
  const control = last(controls);
  control.tell();
  return control;
}

describe('NodeLink', () => {
  it('follows the agent that runs already, and starts none', async () => {
    running = fileAt(1);
    void link.run();
    await settle();
    last(controls).tell();
    expect(children).toHaveLength(0);
    expect(last(controls).address).toEqual({ url: 'http://127.0.0.1:1', token: 't'.repeat(40) });
    expect(kinds()).toEqual(['connected']);
    expect(attached).toEqual(['http://127.0.0.1:1']);
  });

  it('starts one when there is none, and says so meanwhile', async () => {
    await startedByUs();
    expect(children).toHaveLength(1);
    expect(kinds()).toEqual(['starting', 'connected']);
  });

  it('says stopped while the agent is gone, and follows the next one wherever it is', async () => {
    running = fileAt(1);
    void link.run();
    await settle();
    const control = last(controls);
    control.tell();
    running = null;
    control.lose();
    expect(await control.reconnect()).toBeNull();
    running = fileAt(2);
    expect(await control.reconnect()).toEqual({ url: 'http://127.0.0.1:2', token: 't'.repeat(40) });
    control.tell();
    expect(kinds()).toEqual(['connected', 'stopped', 'connected']);
    expect(attached).toEqual(['http://127.0.0.1:1', 'http://127.0.0.1:2']);
    expect(children).toHaveLength(0);
  });

  it('starts an agent of its own again when that breaks off, after a wait', async () => {
    const control = await startedByUs();
    running = null;
    control.lose();
    last(children).end({ code: null, signal: 'SIGKILL' });
    await settle();
    expect(children).toHaveLength(1);
    clock.advance(1_000);
    await settle();
    expect(children).toHaveLength(2);
    expect(last(views).kind).toBe('starting');
  });

  it('leaves one alone that was stopped in order', async () => {
    const control = await startedByUs();
    running = null;
    control.lose();
    last(children).end({ code: 0, signal: null });
    await settle();
    clock.advance(60_000);
    await settle();
    expect(children).toHaveLength(1);
    expect(last(views)).toEqual({ kind: 'stopped', sentence: 'The node has stopped' });
  });

  it('starts none beside one that runs again by other means', async () => {
    const control = await startedByUs();
    control.lose();
    running = fileAt(3);
    last(children).end({ code: 1, signal: null });
    await settle();
    clock.advance(60_000);
    await settle();
    expect(children).toHaveLength(1);
  });

  it('shows the reason of an agent that never came up, and does not try again by itself', async () => {
    void link.run();
    await settle();
    last(children).words = 'Port 8080 is taken by nginx (pid 12).';
    last(children).end({ code: 1, signal: null });
    await settle();
    expect(last(views)).toEqual({ kind: 'stopped', sentence: 'Port 8080 is taken by nginx (pid 12).' });
    clock.advance(60_000);
    await settle();
    expect(children).toHaveLength(1);
  });

  it('says what is missing when it cannot start one, and can be told to try again', async () => {
    startError = new AgentStartError('agent.js is missing. Install Ranch Hand again.');
    void link.run();
    await settle();
    expect(last(views)).toEqual({
      kind: 'stopped',
      sentence: 'The node did not start: agent.js is missing. Install Ranch Hand again.',
    });
    startError = null;
    await Promise.all([link.startNode(), link.startNode()]);
    expect(children).toHaveLength(1);
  });

  it('passes commands and sign-ins on, and refuses them before there is an agent', async () => {
    await expect(link.command('agent.shutdown', {})).rejects.toThrow('Start the node first');
    const control = await startedByUs();
    await link.command('engines.stop', { id: 'embedded' });
    expect(control.commands).toEqual([{ name: 'engines.stop', body: { id: 'embedded' } }]);
    expect(await link.signIn()).toBe('http://127.0.0.1:1/sign-in?ticket=x');
  });

  it('ends without a word to the agent', async () => {
    const control = await startedByUs();
    const told = views.length;
    link.end();
    control.lose();
    last(children).end({ code: 1, signal: null });
    await settle();
    clock.advance(60_000);
    await settle();
    expect(control.commands).toEqual([]);
    expect(children).toHaveLength(1);
    expect(views).toHaveLength(told);
  });

  it('survives a data folder that cannot be read', async () => {
    const broken = new NodeLink({
      find: () => Promise.reject(new Error('EACCES')),
      start: () => Promise.reject(new AgentStartError('no')),
      connect: (address) => new FakeControl(address),
      timer: clock,
      onView: (view) => views.push(view),
      onAttached: () => undefined,
    });
    const over = broken.run();
    await settle();
    expect(last(views).kind).toBe('stopped');
    broken.end();
    await over;
  });
});
