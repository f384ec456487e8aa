/**
 * One arm of the gateway benches, a process of its own that is bundled as the product is: `gateway` is the product with
 * everything on (keys, admission, sessions, prediction, decisions written to disk, metrics, figures of the system, the
 * log); `pipe` the least that node:http can do for the same job; `llms` a widely used translating proxy, from a folder.
 * Tells its port over IPC, and its CPU time and memory whenever asked.
 */
import { readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ArmFigures, ArmOrder, ArmReady } from './gateway-arm-orders.ts';

function startPipe({ upstreamPort }: ArmOrder): Promise<ArmReady> {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: Infinity });
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const upstream = request({ host: '127.0.0.1', port: upstreamPort, agent, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ port, key: null });
    });
  });
}

/** What the other proxy's server is asked for. */
interface OtherServer {
  start(): Promise<void>;
  readonly app: { readonly server: { address(): AddressInfo | null } };
}
type OtherServerClass = new (options: object) => OtherServer;

async function startOther({ upstreamPort, folder }: ArmOrder): Promise<ArmReady> {
  const load = createRequire(join(folder ?? '', 'package.json'));
  const loaded = load('@musistudio/llms') as OtherServerClass | { default: OtherServerClass };
  const Server = 'default' in loaded ? loaded.default : loaded;
  const provider = {
    name: 'fake',
    api_base_url: `http://127.0.0.1:${upstreamPort}/v1/chat/completions`,
    api_key: 'key',
    models: ['fake-model'],
    transformer: { use: [] },
  };
  const server = new Server({
    logger: false,
    // It takes 0 for "not said", so a free port has to be found for it.
    initialConfig: { HOST: '127.0.0.1', PORT: String(await freePort()), providers: [provider] },
  });
  await server.start();
  return { port: server.app.server.address()?.port ?? 0, key: null };
}

function freePort(): Promise<number> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function figures(): ArmFigures {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss(), peakBytes: peakBytes() };
}

function peakBytes(): number | null {
  try {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null;
  }
}

async function start(order: ArmOrder): Promise<ArmReady> {
  if (order.kind === 'pipe') return startPipe(order);
  if (order.kind === 'llms') return startOther(order);
  // Loaded by its own arm alone: the others' memory is measured too.
  const { startProduct } = await import('./gateway-product.ts');
  return startProduct(order);
}

const order = JSON.parse(process.argv[2] ?? '') as ArmOrder;
process.on('message', () => process.send?.(figures()));
process.on('disconnect', () => process.exit(0));
process.send?.(await start(order));
