import { join } from 'node:path';
import type { EngineSnapshot, ModelSnapshot } from '../contract/snapshot.ts';
import { version } from '../contract/version.ts';
import type { Clock } from './base/clock.ts';
import type { StopStack } from './base/lifecycle.ts';
import type { CloudServices } from './cloud-services.ts';
import type { EngineServices } from './engine-services.ts';
import type { GatewayServices } from './gateway-services.ts';
import type { ModelServices } from './model-services.ts';
import type { NodeServices } from './node-services.ts';
import { noticesFrom } from './notices.ts';
import { Availability } from './telemetry/availability.ts';
import { History } from './telemetry/history.ts';
import { Publisher, publisherDefaults } from './telemetry/publisher.ts';
import { Sampler } from './telemetry/sampler.ts';
import { SnapshotAssembler } from './telemetry/snapshot.ts';
import { plainFacts, readStaticFacts } from './telemetry/static-facts.ts';
import { systemProbe } from './telemetry/system-probe.ts';

export interface TelemetrySite {
  readonly dataDir: string;
  readonly distDir: string;
}

export interface TelemetryServicesDeps {
  readonly node: NodeServices;
  readonly inference: Pick<EngineServices, 'engines' | 'figures' | 'memory'> & {
    readonly door: GatewayServices;
    readonly cloud: CloudServices;
    readonly services: ModelServices;
  };
  readonly clock: Clock;
  readonly stack: StopStack;
}

export interface TelemetryServices {
  /** Tells clients of the node's picture. */
  readonly publisher: Publisher;
  readonly availability: Availability;
}

/** How often the system is read, and for how long the plots remember. */
const sampling = { intervalMs: 1_000, capacity: 300 };
const staticFactsLimitMs = 15_000;

/** What is measured, and the one picture of the node that it goes into. */
export async function openTelemetry(
  { dataDir, distDir }: TelemetrySite,
  { node, inference, clock, stack }: TelemetryServicesDeps,
): Promise<TelemetryServices> {
  const { engines, memory, services, door, cloud } = inference;
  const { gateway } = door;
  const sampler = new Sampler(sampling, {
    clock,
    probe: systemProbe(process.platform, () => memory.bytes()),
    enginePids: () => engines.list().flatMap(pidsOf),
  });
  const availability = new Availability(
    { file: join(dataDir, 'availability.json') },
    { clock, logger: node.logger.child({ room: 'telemetry' }) },
  );
  await availability.start();
  stack.push('availability', () => availability.stop());
  sampler.subscribe(() => {
    availability.observe({ engines: engines.list(), nodeReady: engines.isReady() });
  });

  const facts = { current: plainFacts() };
  const gatewaySection = () => ({ url: door.gatewayUrl, ...gateway.stats() });
  const assembler = openAssembler({ node, inference, gatewaySection, sampler, availability, facts });
  const history = new History(sampling);
  const publisher = new Publisher(publisherDefaults, { clock, assembler, history, sampler, gateway: gatewaySection });
  door.showNode(() => assembler.assemble());
  for (const changed of [engines.changed, gateway.changed, ...services.changes, ...door.changes, ...cloud.changes])
    changed.subscribe(() => publisher.touch());
  node.config.changed.subscribe(() => publisher.touch());

  await publisher.start();
  stack.push('publisher', () => publisher.stop());
  await sampler.start();
  stack.push('sampler', () => sampler.stop());
  const childFile = join(distDir, 'static-facts.js');
  const reading = new AbortController();
  stack.push('static facts', () => reading.abort());
  void readStaticFacts(
    { childFile, timeoutMs: staticFactsLimitMs, signal: reading.signal },
    { logger: node.logger },
  ).then((read) => {
    facts.current = read;
    publisher.touch();
  });
  return { publisher, availability };
}

/** What the picture is put together from; everything is asked anew each time. */
function openAssembler({
  node: { config, name, record, startedAt },
  inference: { engines, figures, services, door, cloud },
  gatewaySection,
  sampler,
  availability,
  facts,
}: Pick<TelemetryServicesDeps, 'node' | 'inference'> & {
  readonly gatewaySection: () => { readonly url: string } & ReturnType<GatewayServices['gateway']['stats']>;
  readonly sampler: Sampler;
  readonly availability: Availability;
  readonly facts: { readonly current: ReturnType<typeof plainFacts> };
}): SnapshotAssembler {
  const { gateway } = door;
  const models = (): ModelSnapshot[] => {
    const speeds = gateway.modelSpeeds();
    return figures.decorated().map((row) => ({ ...row, tokensPerSecond: speeds.get(row.id) ?? row.tokensPerSecond }));
  };
  return new SnapshotAssembler(
    { id: record.id, name, version, platform: process.platform, startedAt },
    {
      engines: () => engines.list(),
      models,
      pulls: () => services.pulls.list(),
      switching: () => engines.switching(),
      installs: () => services.installer.list(),
      gateway: () => ({ snapshot: gatewaySection(), activity: gateway.activity() }),
      notices: () =>
        noticesFrom({
          startedAt,
          pulls: services.pulls.list(),
          switching: engines.switching(),
          disk: services.disk(),
          serving: [...services.notices(), ...door.notices(), ...cloud.notices()],
          settingsWarnings: config.warnings,
          engines: engines.list(),
          models: models(),
        }),
      cloud: () => cloud.snapshot(),
      sample: () => sampler.latest(),
      staticFacts: () => facts.current,
      availability: () => availability.figures(),
      engineAvailability: (id) => availability.figuresOf(id),
    },
  );
}

/** The processes of an engine: one for each model, where it works so. */
function pidsOf({ pid, processes }: EngineSnapshot): number[] {
  const pids = processes.map((process) => process.pid);
  return pid === null || pids.includes(pid) ? pids : [pid, ...pids];
}
