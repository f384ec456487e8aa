import { describe, expect, it } from 'vitest';
import { History, historyPoint } from '../../../electron/agent/telemetry/history.ts';
import { SnapshotAssembler, type SnapshotSources } from '../../../electron/agent/telemetry/snapshot.ts';
import { nodeSnapshotSchema } from '../../../electron/contract/snapshot.ts';
import { engine, gateway, model, request, sample } from './node-parts.ts';

const facts = {
  id: 'n',
  name: 'logos-prime',
  version: '0.1.0',
  platform: 'linux',
  startedAt: '2026-01-01T00:00:00.000Z',
};
const sources: SnapshotSources = {
  engines: () => [engine],
  models: () => [model],
  pulls: () => [],
  switching: () => null,
  installs: () => [],
  gateway: () => ({
    snapshot: gateway,
    activity: Array.from({ length: 80 }, (_, index) => ({ ...request, trace: `${index}` })),
  }),
  notices: () => [],
  sample: () => sample,
  staticFacts: () => ({ cpuModel: 'Ryzen', gpus: [{ name: 'RTX', memoryBytes: 8 }] }),
  availability: () => ({ day: 1, week: null, month: null }),
};

describe('the snapshot', () => {
  it('is what the contract says, with nothing more', () => {
    const history = new History({ intervalMs: 1_000, capacity: 3 }).toSnapshot();
    const snapshot = { ...new SnapshotAssembler(facts, sources).assemble(), history };
    expect(nodeSnapshotSchema.strict().parse(snapshot)).toEqual(snapshot);
    expect(snapshot.system).toMatchObject({
      cpuPercent: 12,
      cpuModel: 'Ryzen',
      memory: { totalBytes: 100, usedBytes: 60, availableBytes: 40, engineBytes: 35, agentBytes: 7 },
    });
  });

  it('shows the newest fifty requests', () => {
    const { activity } = new SnapshotAssembler(facts, sources).assemble();
    expect([activity.length, activity[0]?.trace]).toEqual([50, '0']);
  });

  it('fills in the memory of an engine’s process, but never over what the engine says itself', () => {
    const engines = [engine, { ...engine, memoryBytes: 9 }, { ...engine, pid: 99 }, { ...engine, pid: null }];
    const snapshot = new SnapshotAssembler(facts, { ...sources, engines: () => engines }).assemble();
    expect(snapshot.engines.map(({ memoryBytes }) => memoryBytes)).toEqual([30, 9, null, null]);
  });

  it('can be had before anything was measured', () => {
    const { system } = new SnapshotAssembler(facts, { ...sources, sample: () => null }).assemble();
    expect(system).toMatchObject({ cpuPercent: 0, pressure: null, loadAverage: null });
  });
});

describe('history', () => {
  it('keeps the newest points, oldest first', () => {
    const history = new History({ intervalMs: 1_000, capacity: 2 });
    for (const at of [1, 2, 3]) history.push(historyPoint({ ...sample, at }, gateway));
    expect(history.toSnapshot()).toMatchObject({ intervalMs: 1_000, capacity: 2, points: [{ at: 2 }, { at: 3 }] });
  });

  it('a point has the figures of one moment', () => {
    expect(
      historyPoint(sample, { ...gateway, inFlight: 2, queued: 1, saturation: 0.5, tokensPerSecond: 17.8 }),
    ).toEqual({
      at: 1_000,
      tokensPerSecond: 17.8,
      cpuPercent: 12,
      memoryUsedBytes: 60,
      engineBytes: 35,
      inFlight: 2,
      queued: 1,
      saturation: 0.5,
      memoryPressure: 2,
    });
  });
});
