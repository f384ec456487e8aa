/**
 * The gateway of the bench of loads, a process of its own: `node limits-gateway.ts UPSTREAM_PORT`. Tells its port over
 * IPC, and for each message what it holds and how long its event loop was held up since the message before.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../electron/agent/base/clock.ts';
import { silentLogger } from '../../electron/agent/base/logger.ts';
import { Gateway } from '../../electron/agent/gateway/gateway.ts';
import { OpenAiUpstream } from '../../electron/agent/inference/openai-upstream.ts';
import type { UpstreamDescription } from '../../electron/agent/inference/upstream.ts';

export interface LimitFigures {
  readonly rssBytes: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const description: UpstreamDescription = {
  id: 'fake',
  route: 'local',
  dialects: ['openai'],
  operations: ['chat'],
  ready: true,
  sentence: 'Ready.',
  models: [
    { id: 'fake-model', contextLength: null, capabilities: ['chat'], sizeBytes: 1, loaded: true, createdAtS: 0 },
  ],
  defaultModel: 'fake-model',
  slots: 128,
};
const upstream = new OpenAiUpstream(
  { host: '127.0.0.1', port: Number(process.argv[2]), name: 'The engine', apiKey: 'key' },
  { clock: systemClock, describe: () => description },
);
const gateway = new Gateway(
  { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 100, limits: { bodySilenceMs: 60_000 } },
  { upstreams: () => [upstream], clock: systemClock, logger: silentLogger },
);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const delay = monitorEventLoopDelay({ resolution: 5 });
process.on('message', () => {
  const [delayP99Ms, delayMaxMs] = [delay.percentile(99) / 1e6, delay.max / 1e6];
  collect();
  const figures: LimitFigures = { rssBytes: process.memoryUsage().rss, delayP99Ms, delayMaxMs };
  // What the collection itself took is not to be counted for what comes next.
  setTimeout(() => {
    delay.reset();
    process.send?.(figures);
  }, 100);
});
process.on('disconnect', () => process.exit(0));
const { port } = await gateway.listen();
delay.enable();
process.send?.({ port });
