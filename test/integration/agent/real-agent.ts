import { once } from 'node:events';
import { ControlClient, type WatchEvent } from '../../../electron/client/control-client.ts';
import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import type { AgentProcess } from '../../fixtures/agent-process.ts';

/** A client of the agent's control API. */
export function clientOf(agent: AgentProcess): ControlClient {
  return new ControlClient({ url: agent.file.controlUrl, token: agent.file.controlToken });
}

/** Waits for the first snapshot that `accept` likes, told by the event stream. */
export async function snapshotWhere(
  agent: AgentProcess,
  accept: (snapshot: NodeSnapshot) => boolean,
  timeoutMs = 45_000,
): Promise<NodeSnapshot> {
  const stop = new AbortController();
  const found = Promise.withResolvers<NodeSnapshot>();
  let last: NodeSnapshot | undefined;
  const listener = (event: WatchEvent): void => {
    if (event.kind !== 'snapshot') return;
    last = event.snapshot;
    if (accept(event.snapshot)) found.resolve(event.snapshot);
  };
  const timer = setTimeout(() => {
    const seen = { engines: last?.engines, node: last?.node, activity: last?.activity.slice(0, 2) };
    found.reject(new Error(`no such snapshot in time; the last one: ${JSON.stringify(seen)}`));
  }, timeoutMs);
  const watching = clientOf(agent).watch(listener, stop.signal);
  watching.catch(() => undefined);
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
    stop.abort();
    await watching.catch(() => undefined);
  }
}

/** A client, once an engine is ready. */
export async function readyClient(agent: AgentProcess): Promise<ControlClient> {
  await snapshotWhere(agent, (snapshot) => snapshot.engines.some((engine) => engine.state === 'ready'));
  return clientOf(agent);
}

export function enginePids(snapshot: NodeSnapshot): number[] {
  return snapshot.engines.flatMap((engine) => (engine.pid === null ? [] : [engine.pid]));
}

/** One chat completion; `model` is ranch/auto unless the body names one. */
export function chat(
  agent: AgentProcess,
  body: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return post(agent, '/v1/chat/completions', body, headers, signal);
}

/** One text completion, which goes on until its limit where a chat might end its turn. */
export function complete(
  agent: AgentProcess,
  body: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Response> {
  return post(agent, '/v1/completions', body, {}, signal);
}

function post(
  agent: AgentProcess,
  path: string,
  body: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${agent.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'ranch/auto', ...body }),
    ...(signal ? { signal } : {}),
  });
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string };
    readonly message?: { readonly content?: string };
  }[];
}

/** The text of streamed events `data: {…}`. */
export function textOf(events: readonly string[]): string {
  return events
    .map((event) => event.slice('data: '.length))
    .filter((data) => data !== '[DONE]')
    .map((data) => (JSON.parse(data) as Chunk).choices?.[0]?.delta?.content ?? '')
    .join('');
}

/** Waits until `check` holds; polls, because what it looks at (a file of another process) has no event. */
export async function until(check: () => Promise<boolean> | boolean, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadline)
      throw new Error(`it did not come true within ${timeoutMs} ms: ${check.toString()}`);
    const pause = AbortSignal.timeout(20);
    await once(pause, 'abort');
  }
}
