import type { Clock } from '../../../electron/agent/base/clock.ts';
import { History } from '../../../electron/agent/telemetry/history.ts';
import { Publisher, publisherDefaults } from '../../../electron/agent/telemetry/publisher.ts';
import { Sampler } from '../../../electron/agent/telemetry/sampler.ts';
import { SnapshotAssembler } from '../../../electron/agent/telemetry/snapshot.ts';
import { plainFacts } from '../../../electron/agent/telemetry/static-facts.ts';
import { systemProbe } from '../../../electron/agent/telemetry/system-probe.ts';
import type { EngineSnapshot, NodeSnapshot, Notice } from '../../../electron/contract/snapshot.ts';

export interface RunningTelemetry {
  readonly sampler: Sampler;
  readonly publisher: Publisher;
  stop(): Promise<void>;
}

export interface TelemetryRooms {
  readonly clock: Clock;
  readonly engines: () => readonly EngineSnapshot[];
  readonly gateway: () => NodeSnapshot['gateway'];
  readonly notices: () => readonly Notice[];
}

/** Telemetry of this very machine, put together as the agent does, over rooms of a test's own. */
export async function startTelemetry({ clock, engines, gateway, notices }: TelemetryRooms): Promise<RunningTelemetry> {
  const enginePids = (): number[] => engines().flatMap(({ pid }) => (pid === null ? [] : [pid]));
  const sampler = new Sampler({ intervalMs: 1_000 }, { clock, probe: systemProbe(process.platform), enginePids });
  const facts = plainFacts();
  const assembler = new SnapshotAssembler(
    { id: 'node-1', name: 'logos-prime', version: '0.1.0', platform: 'linux', startedAt: '2026-01-01T00:00:00.000Z' },
    {
      engines,
      models: () => [],
      pulls: () => [],
      switching: () => null,
      installs: () => [],
      gateway: () => ({ snapshot: gateway(), activity: [] }),
      notices,
      sample: () => sampler.latest(),
      staticFacts: () => facts,
      availability: () => ({ day: null, week: null, month: null }),
    },
  );
  const history = new History({ intervalMs: 1_000, capacity: 300 });
  const publisher = new Publisher(publisherDefaults, { clock, assembler, history, sampler, gateway });
  await publisher.start();
  await sampler.start();
  return {
    sampler,
    publisher,
    async stop() {
      await sampler.stop();
      await publisher.stop();
    },
  };
}
