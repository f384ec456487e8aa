/**
 * How long a node that has no place left takes to send a request on: from the moment the caller writes it until the
 * provider, another process, has the request's head. That is more than the bar asks for (from the decision to the first
 * byte sent), so what holds here holds there.
 *
 *   node test/bench/overflow.ts [--requests 1500] [--per-second 50]
 *
 * Exit codes: 0 the bar holds, 1 it was missed, 2 no verdict (a request went elsewhere or was lost).
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createServer, request as send } from 'node:http';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../../electron/agent/base/clock.ts';
import { silentLogger } from '../../electron/agent/base/logger.ts';
import { Gateway } from '../../electron/agent/gateway/gateway.ts';
import { OpenAiUpstream } from '../../electron/agent/inference/openai-upstream.ts';
import type { Spending } from '../../electron/agent/inference/spending.ts';
import type { Upstream, UpstreamDescription } from '../../electron/agent/inference/upstream.ts';

const barMs = 20;
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1500' },
    'per-second': { type: 'string', default: '50' },
    provider: { type: 'boolean', default: false },
  },
});

/** Tells when each request's head came, by the clock that all processes of a machine share. */
function serveAsProvider(): void {
  const usage = { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 };
  const message = { role: 'assistant', content: 'Hello' };
  const answer = JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage });
  const server = createServer((request, response) => {
    const atNs = process.hrtime.bigint();
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      process.send?.({ number: Number(/request (\d+)/.exec(body)?.[1]), atNs: String(atNs) });
      response.setHeader('Content-Type', 'application/json');
      response.end(answer);
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.({ port: typeof address === 'object' ? address?.port : null });
  });
  process.once('disconnect', () => process.exit());
}

async function measure(count: number, perSecond: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['--provider']);
  const port = await portOf(child);
  const gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'bench', drainMs: 100 },
    {
      upstreams: () => [engine, cloud],
      spending,
      equivalents: { of: (name) => (name === 'ranch/auto' ? ['vendor/big'] : []) },
      knownSpeeds: () => ({ prefillTokensPerSecond: 50, tokensPerSecond: 5 }),
      clock: systemClock,
      logger: silentLogger,
    },
  );
  const cloud = providerAt(port);
  const { port: gatewayPort } = await gateway.listen();
  const held = [0, 1, 2].map((number) => ask(gatewayPort, 'local', number).catch(() => null));
  while (gateway.stats().queued < 2) await new Promise((resolve) => setTimeout(resolve, 5));

  const arrivals = new Map<number, bigint>();
  child.on('message', (told: { number: number; atNs: string }) => arrivals.set(told.number, BigInt(told.atNs)));
  const sent = new Map<number, bigint>();
  const reasons: (string | undefined)[] = [];
  const asked: Promise<unknown>[] = [];
  for (let number = 0; number < count; number += 1) {
    sent.set(number, process.hrtime.bigint());
    asked.push(ask(gatewayPort, 'ranch/auto', number).then((reason) => reasons.push(reason)));
    await new Promise((resolve) => setTimeout(resolve, 1_000 / perSecond));
  }
  await Promise.all(asked);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // The first ones pay for code that is compiled and connections that are made.
  const times = [...sent]
    .filter(([number]) => number >= 50)
    .map(([number, at]) => Number((arrivals.get(number) ?? 0n) - at) / 1e6)
    .toSorted((a, b) => a - b);
  const lost = times.filter((ms) => ms < 0).length;
  const elsewhere = reasons.filter((reason) => reason !== 'cloud-saturated').length;
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  console.log(`${times.length} requests at ${perSecond} a second, the engine's only place taken`);
  console.log(`to the provider's first byte: p50 ${ms(at(0.5))}, p99 ${ms(at(0.99))}, most ${ms(at(1))}`);
  const verdict = lost + elsewhere > 0 ? 2 : at(0.99) <= barMs ? 0 : 1;
  console.log(
    verdict === 2
      ? `no verdict: ${lost} lost, ${elsewhere} answered elsewhere`
      : `bar: p99 at most ${barMs} ms: ${verdict === 0 ? 'holds' : 'missed'}`,
  );
  await gateway.close();
  await Promise.all(held);
  child.disconnect();
  process.exitCode = verdict;
}

async function portOf(child: ChildProcess): Promise<number> {
  const [told] = (await once(child, 'message')) as [{ port: number }];
  return told.port;
}

/** The answer's reason; the connection is kept for the next. */
function ask(port: number, model: string, number: number): Promise<string | undefined> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: `request ${number}` }], max_tokens: 16 });
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const request = send({ host: '127.0.0.1', port, method: 'POST', path: '/v1/chat/completions', headers });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.headers['x-ranch-reason']?.toString()));
      response.on('error', reject);
    });
    request.end(body);
  });
}

const described: UpstreamDescription = {
  id: 'engine',
  route: 'local',
  dialects: ['openai'],
  operations: ['chat'],
  ready: true,
  sentence: 'Ready.',
  models: [{ id: 'local', contextLength: 8_192, capabilities: ['chat'], sizeBytes: 1e9, loaded: true, createdAtS: 0 }],
  defaultModel: 'local',
  slots: 1,
};

/** Takes one request and never answers it. */
const engine: Upstream = {
  describe: () => described,
  generate: (_request, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    }),
};

function providerAt(port: number): Upstream {
  const big = {
    id: 'big',
    contextLength: 200_000,
    maxOutputTokens: 8_192,
    capabilities: ['chat' as const],
    sizeBytes: 0,
    loaded: true,
    createdAtS: 0,
    price: { inputUsd: 3, outputUsd: 15, cachedInputUsd: 0.3 },
  };
  return new OpenAiUpstream(
    { host: '127.0.0.1', port, name: 'The provider', apiKey: 'key' },
    {
      clock: systemClock,
      describe: () => ({ ...described, id: 'vendor', route: 'cloud', models: [big], defaultModel: null, slots: 64 }),
    },
  );
}

/** Money without a ledger: the gateway's own part is measured here, and the ledger's in a bench of its own. */
const spending: Spending = {
  offload: () => 'auto',
  judge: () => ({ allowed: true }),
  reserve: () =>
    Promise.resolve({
      reservation: { settle: () => 0, estimate: () => 0, forfeit: () => 0, release: () => undefined },
    }),
};

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

if (values.provider) serveAsProvider();
else await measure(Number(values.requests), Number(values['per-second']));
