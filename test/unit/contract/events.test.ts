import { describe, expect, it } from 'vitest';
import { applyChange, type ChangeEvent } from '../../../electron/contract/events.ts';
import type { HistoryPoint, NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { sections } from '../telemetry/node-parts.ts';

const point = (at: number): HistoryPoint => ({
  at,
  tokensPerSecond: 0,
  cpuPercent: 0,
  memoryUsedBytes: 0,
  engineBytes: 0,
  inFlight: 0,
  queued: 0,
  saturation: 0,
  memoryPressure: 0,
});
const snapshot: NodeSnapshot = {
  ...sections,
  history: { intervalMs: 1_000, capacity: 3, points: [point(1), point(2)] },
};
const change = (set: ChangeEvent['set'], append: HistoryPoint[] = []): ChangeEvent => ({
  type: 'change',
  seq: 2,
  set,
  append,
});

describe('applying a change', () => {
  it('replaces the sections in it and keeps the others as they are', () => {
    const after = applyChange(snapshot, change({ engines: [] }));
    expect(after).toEqual({ ...snapshot, engines: [] });
    expect(after.models).toBe(snapshot.models);
  });

  it('appends points and lets the oldest fall off', () => {
    const after = applyChange(snapshot, change({}, [point(3), point(4)]));
    expect(after.history.points.map(({ at }) => at)).toEqual([2, 3, 4]);
  });

  it('leaves its input untouched', () => {
    const before = structuredClone(snapshot);
    applyChange(snapshot, change({ engines: [] }, [point(3), point(4)]));
    expect(snapshot).toEqual(before);
  });

  it('takes a section that is undefined for one that did not change', () => {
    expect(applyChange(snapshot, change({ engines: undefined }))).toEqual(snapshot);
  });
});
