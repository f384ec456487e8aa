/**
 * One arm of the gateway benches, a process of its own: `gateway` is the product, `pipe` the least that node:http can do
 * for the same job. Tells its port over IPC, and its CPU time and memory whenever asked.
 */
import { readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { systemClock } from '../../electron/agent/base/clock.ts';
import { silentLogger } from '../../electron/agent/base/logger.ts';
import { Gateway } from '../../electron/agent/gateway/gateway.ts';
import { OpenAiUpstream } from '../../electron/agent/inference/openai-upstream.ts';

export interface ArmFigures {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** Peak resident memory; null where the system does not tell. */
  readonly peakBytes: number | null;
}

const [kind = '', port = ''] = process.argv.slice(2);
const upstreamPort = Number(port);
const slots = 4_096;

async function startGateway(): Promise<number> {
  const upstream = new OpenAiUpstream(
    { host: '127.0.0.1', port: upstreamPort, name: 'The engine', apiKey: 'key' },
    {
      clock: systemClock,
      describe: () => ({
        id: 'fake',
        route: 'local',
        dialects: ['openai'],
        operations: ['chat', 'completion', 'embedding'],
        ready: true,
        sentence: 'Ready.',
        models: [
          { id: 'fake-model', contextLength: 4096, capabilities: ['chat'], sizeBytes: 1, loaded: true, createdAtS: 1 },
        ],
        defaultModel: 'fake-model',
        slots,
      }),
    },
  );
  const gateway = new Gateway(
    { host: '127.0.0.1', port: 0, nodeId: 'bench', drainMs: 0 },
    { upstreams: () => [upstream], clock: systemClock, logger: silentLogger },
  );
  return (await gateway.listen()).port;
}

function startPipe(): Promise<number> {
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
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : 0);
    });
  });
}

function figures(): ArmFigures {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage().rss, peakBytes: peakBytes() };
}

function peakBytes(): number | null {
  try {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null;
  }
}

process.on('message', () => process.send?.(figures()));
process.on('disconnect', () => process.exit(0));
process.send?.({ port: await (kind === 'gateway' ? startGateway() : startPipe()) });
