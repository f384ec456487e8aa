import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { assumedBandwidthBytesPerS } from '../../../electron/agent/models/fit-table.ts';
import { MemoryBandwidth, type MemoryBandwidthOptions } from '../../../electron/agent/models/memory-bandwidth.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

function rig(change: Partial<MemoryBandwidthOptions> = {}, answer = '{"bytesPerS":41000000000,"threads":2}') {
  const folder = tempFolder();
  const childFile = join(folder, 'child.mjs');
  // In place of the measuring program: what it prints.
  writeFileSync(
    childFile,
    `import { availableParallelism } from 'node:os';
     process.stdout.write(${JSON.stringify(answer)}.replace('"threads":2', '"threads":' + availableParallelism()));`,
  );
  const options: MemoryBandwidthOptions = {
    file: join(folder, 'bandwidth.json'),
    childFile,
    cpuModel: 'Horse 5000',
    freeBytes: () => 8e9,
    idle: () => true,
    ...change,
  };
  const clock = new ManualClock();
  const open = (other: Partial<MemoryBandwidthOptions> = {}): MemoryBandwidth => {
    const bandwidth = new MemoryBandwidth({ ...options, ...other }, { clock, logger: silentLogger });
    onTestFinished(() => bandwidth.stop());
    return bandwidth;
  };
  return { clock, options, open };
}

describe('MemoryBandwidth', () => {
  it('is assumed until it was measured, then kept for this processor', async () => {
    const { open, options } = rig();
    const bandwidth = open();
    expect(bandwidth.current()).toEqual({ bytesPerS: assumedBandwidthBytesPerS, origin: 'assumed' });
    let announced = 0;
    bandwidth.changed.subscribe(() => (announced += 1));
    await bandwidth.measure();
    expect(bandwidth.current()).toEqual({ bytesPerS: 41e9, origin: 'measured' });
    expect(announced).toBe(1);
    expect(open().current().origin).toBe('measured');
    expect(open({ cpuModel: 'Mule 1' }).current().origin).toBe('assumed');
    expect(readFileSync(options.file, 'utf8')).toContain('"cpuModel":"Horse 5000"');
  });

  it('the real measurement answers with what a machine can read, within seconds', async () => {
    const childFile = join(import.meta.dirname, '../../../electron/agent/models/memory-bandwidth-child.ts');
    const bandwidth = rig().open({ childFile, freeBytes: () => 512 * 2 ** 20 });
    await bandwidth.measure();
    const { bytesPerS, origin } = bandwidth.current();
    expect(origin).toBe('measured');
    expect(bytesPerS).toBeGreaterThan(1e8);
    expect(bytesPerS).toBeLessThan(1e12);
  });

  it('waits until the node is idle, and stops asking once it has measured', async () => {
    let idle = false;
    const { open, clock } = rig({ idle: () => idle });
    const bandwidth = open();
    bandwidth.start();
    clock.advance(300_000);
    expect(bandwidth.current().origin).toBe('assumed');
    idle = true;
    const measured = new Promise<void>((resolve) => bandwidth.changed.subscribe(resolve));
    clock.advance(60_000);
    await measured;
    expect(bandwidth.current().origin).toBe('measured');
    await bandwidth.measure();
    expect(clock.waiting).toBe(0);
  });

  it('gives up after three answers that are none, and leaves the assumption', async () => {
    const { open, clock, options } = rig({}, 'no JSON');
    const bandwidth = open();
    bandwidth.start();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(clock.waiting).toBe(1);
      await bandwidth.measure();
    }
    expect(clock.waiting).toBe(0);
    expect(bandwidth.current().origin).toBe('assumed');
    expect(existsSync(options.file)).toBe(false);
  });

  it('takes no memory where there is hardly any', async () => {
    const { open } = rig({ freeBytes: () => 100e6 });
    const bandwidth = open();
    await bandwidth.measure();
    expect(bandwidth.current().origin).toBe('assumed');
  });
});
