/**
 * The arm of the sampler bench: a gateway in a process of its own, whose telemetry is switched on and off over IPC,
 * with one reader of the event stream as a tray would be. Tells its port, and each switch once it is done.
 */
import { systemClock } from '../../electron/agent/base/clock.ts';
import { silentLogger } from '../../electron/agent/base/logger.ts';
import { Gateway } from '../../electron/agent/gateway/gateway.ts';
import { OpenAiUpstream } from '../../electron/agent/inference/openai-upstream.ts';
import { startTelemetry, type RunningTelemetry } from '../integration/telemetry/running-telemetry.ts';
import { engine } from '../unit/telemetry/node-parts.ts';

export interface ArmSwitch {
  readonly telemetry: boolean;
}

const upstream = new OpenAiUpstream(
  { host: '127.0.0.1', port: Number(process.argv[2]), name: 'The engine', apiKey: 'key' },
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
      slots: 4_096,
    }),
  },
);
const gateway = new Gateway(
  { host: '127.0.0.1', port: 0, nodeId: 'bench', drainMs: 0 },
  { upstreams: () => [upstream], clock: systemClock, logger: silentLogger },
);
const { port, url } = await gateway.listen();

let running: RunningTelemetry | null = null;
let publishedBytes = 0;

async function switchTo({ telemetry }: ArmSwitch): Promise<void> {
  await running?.stop();
  running = null;
  if (telemetry) {
    running = await startTelemetry({
      clock: systemClock,
      engines: () => [{ ...engine, pid: process.ppid }],
      gateway: () => ({ url, ...gateway.stats() }),
      notices: () => [],
    });
    gateway.changed.subscribe(() => running?.publisher.touch());
    running.publisher.subscribe(({ text }) => (publishedBytes += text.length));
  }
  process.send?.({ publishedBytes });
}

process.on('message', (message: ArmSwitch) => void switchTo(message));
process.on('disconnect', () => process.exit(0));
process.send?.({ port });
