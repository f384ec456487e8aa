import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Measurements, type Measurement, type ModelKey } from '../../../electron/agent/models/measurements.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

const horse: ModelKey = { digest: null, id: 'horse-q4_k_m', sizeBytes: 100 };
const of = (change: Partial<Measurement> = {}): Measurement => ({
  model: horse,
  quantization: 'Q4_K_M',
  engineId: 'llama-server',
  contextLength: 4_096,
  tokensPerSecond: 10,
  prefillTokensPerSecond: 100,
  ...change,
});

function rig(file = join(tempFolder(), 'measurements.db')) {
  const clock = new ManualClock();
  const measurements = new Measurements({ file }, { clock, logger: silentLogger });
  onTestFinished(() => measurements.close());
  return { file, clock, measurements };
}

describe('Measurements', () => {
  it('tells the median, which one slow answer does not move, and how many there were', () => {
    const { measurements } = rig();
    expect(measurements.speedOf(horse)).toBeNull();
    for (const tokensPerSecond of [10, 11, 0.1, 12]) measurements.record(of({ tokensPerSecond }));
    expect(measurements.speedOf(horse)).toEqual({
      tokensPerSecond: 10.5,
      prefillTokensPerSecond: 100,
      count: 4,
      engineId: 'llama-server',
      contextLength: 4_096,
    });
  });

  it('forgets what is older than the last 32', () => {
    const { measurements } = rig();
    for (let index = 0; index < 40; index += 1) measurements.record(of({ tokensPerSecond: 5 }));
    for (let index = 0; index < 32; index += 1) measurements.record(of({ tokensPerSecond: 20 }));
    expect(measurements.speedOf(horse)).toMatchObject({ tokensPerSecond: 20, count: 72 });
  });

  it('keeps engines and contexts apart, and prefers what was asked for', () => {
    const { measurements } = rig();
    measurements.record(of({ tokensPerSecond: 30 }));
    measurements.record(of({ tokensPerSecond: 20, contextLength: 30_000 }));
    measurements.record(
      of({ tokensPerSecond: 10, engineId: 'ollama', contextLength: null, prefillTokensPerSecond: null }),
    );
    expect(measurements.speedOf(horse, { engineId: 'llama-server', contextLength: 32_768 })?.tokensPerSecond).toBe(20);
    expect(measurements.speedOf(horse, { engineId: 'llama-server', contextLength: 3_000 })?.tokensPerSecond).toBe(30);
    expect(measurements.speedOf(horse, { engineId: 'ollama' })).toMatchObject({
      tokensPerSecond: 10,
      prefillTokensPerSecond: null,
      contextLength: null,
    });
    expect(measurements.speedOf(horse)?.engineId).toBe('ollama');
  });

  it('takes a digest for the model whatever it is called, and no nonsense', () => {
    const { measurements } = rig();
    measurements.record(of({ model: { ...horse, digest: 'sha256:a' }, tokensPerSecond: 7 }));
    expect(measurements.speedOf({ digest: 'sha256:a', id: 'other', sizeBytes: 1 })?.tokensPerSecond).toBe(7);
    for (const tokensPerSecond of [0, -1, NaN, Infinity, 1e12]) {
      measurements.record(of({ tokensPerSecond, prefillTokensPerSecond: null }));
    }
    expect(measurements.speedOf(horse)).toBeNull();
    expect(measurements.lastUsed(horse)).not.toBeNull();
  });

  it('writes together a second later, and has it all after a restart', () => {
    const first = rig();
    first.measurements.record(of());
    first.measurements.record(of({ tokensPerSecond: 14 }));
    expect(first.clock.waiting).toBe(1);
    expect(rig(first.file).measurements.speedOf(horse)).toBeNull();
    first.clock.advance(1_000);
    expect(first.clock.waiting).toBe(0);
    const second = rig(first.file);
    expect(second.measurements.speedOf(horse)).toMatchObject({ tokensPerSecond: 12, count: 2 });
    expect(second.measurements.lastUsed(horse)).toBe(Date.UTC(2026, 0, 1));
  });

  it('writes what is left when it is closed', () => {
    const first = rig();
    first.measurements.record(of());
    first.measurements.close();
    expect(rig(first.file).measurements.speedOf(horse)?.count).toBe(1);
  });

  it('remembers a bounded number of models', () => {
    const { file, measurements } = rig();
    for (let index = 0; index < 2_010; index += 1)
      measurements.record(of({ model: { ...horse, id: `model-${index}` } }));
    expect(measurements.speedOf({ ...horse, id: 'model-5' })).toBeNull();
    expect(measurements.speedOf({ ...horse, id: 'model-10' })).not.toBeNull();
    measurements.close();
    const again = rig(file).measurements;
    expect(again.speedOf({ ...horse, id: 'model-9' })).toBeNull();
    expect(again.speedOf({ ...horse, id: 'model-2009' })).not.toBeNull();
  });

  it('puts a damaged file aside and begins anew', () => {
    const folder = tempFolder();
    const file = join(folder, 'measurements.db');
    writeFileSync(file, 'no database at all '.repeat(500));
    const { measurements } = rig(file);
    measurements.record(of());
    measurements.close();
    expect(readdirSync(folder).some((name) => /^measurements\.db\.corrupt-\d+$/.test(name))).toBe(true);
    expect(rig(file).measurements.speedOf(horse)?.count).toBe(1);
  });

  it('measures on without a place to write to', () => {
    const { measurements, clock } = rig(join(tempFolder(), 'no', 'folder', 'measurements.db'));
    measurements.record(of());
    clock.advance(5_000);
    expect(measurements.speedOf(horse)?.tokensPerSecond).toBe(10);
  });
});
