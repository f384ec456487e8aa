import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { Sampler, type SystemSample } from '../../../electron/agent/telemetry/sampler.ts';
import type { SystemProbe } from '../../../electron/agent/telemetry/system-probe.ts';

/** A machine whose CPU does `busy` of every 10 units. */
class FakeMachine implements SystemProbe {
  busy = 0;
  idle = 0;
  broken = false;
  readonly memoryOf = new Map<number, number>();

  work(busy: number): void {
    this.busy += busy;
    this.idle += 10 - busy;
  }

  cpu() {
    if (this.broken) throw new Error('cannot read');
    const times = { busy: this.busy, idle: this.idle };
    return { total: times, cores: [times] };
  }
  memory() {
    return { totalBytes: 1_000, availableBytes: 400 };
  }
  pressure() {
    return null;
  }
  load() {
    return null;
  }
  processMemory(pid: number): number | null {
    return this.memoryOf.get(pid) ?? null;
  }
  ownMemory() {
    return 77;
  }
}

async function started(pids: readonly number[] = []) {
  const clock = new ManualClock();
  const machine = new FakeMachine();
  machine.work(5);
  const sampler = new Sampler({ intervalMs: 1_000 }, { clock, probe: machine, enginePids: () => pids });
  const heard: SystemSample[] = [];
  sampler.subscribe((sample) => heard.push(sample));
  await sampler.start();
  return { clock, machine, sampler, heard };
}

describe('the sampler', () => {
  it('has figures as soon as it is started, and one sample a second after that', async () => {
    const { clock, machine, heard, sampler } = await started();
    expect(heard).toHaveLength(1);
    machine.work(2);
    clock.advance(1_000);
    machine.work(9);
    clock.advance(1_000);
    expect(heard.map(({ cpuPercent }) => cpuPercent)).toEqual([50, 20, 90]);
    expect(sampler.latest()).toMatchObject({ usedBytes: 600, availableBytes: 400, agentBytes: 77 });
    expect(heard[2]?.at).toBe(clock.now());
  });

  it('leaves out a tick that comes right after another, so that a held-up loop makes no noise', async () => {
    const { clock, sampler, heard } = await started();
    clock.advance(1_000);
    clock.advance(100);
    sampler.tick();
    expect(heard).toHaveLength(2);
    expect(sampler.skipped).toBe(1);
  });

  it('keeps the last figures and counts when a probe fails, and measures over the gap afterwards', async () => {
    const { clock, machine, sampler, heard } = await started();
    machine.broken = true;
    machine.work(10);
    clock.advance(1_000);
    expect({ heard: heard.length, skipped: sampler.skipped }).toEqual({ heard: 1, skipped: 1 });
    expect(sampler.latest()?.cpuPercent).toBe(50);
    machine.broken = false;
    machine.work(0);
    clock.advance(1_000);
    expect(sampler.latest()?.cpuPercent).toBe(50);
    expect(heard).toHaveLength(2);
  });

  it('reads the memory of engines that run, and leaves out one that is gone', async () => {
    const pids = [11, 12];
    const { clock, machine, sampler } = await started(pids);
    machine.memoryOf.set(11, 5_000);
    clock.advance(1_000);
    expect([...(sampler.latest()?.engineBytesByPid ?? [])]).toEqual([[11, 5_000]]);
  });

  it('leaves no timer behind when stopped', async () => {
    const { clock, sampler, heard } = await started();
    await sampler.stop();
    clock.advance(10_000);
    expect({ waiting: clock.waiting, heard: heard.length }).toEqual({ waiting: 0, heard: 1 });
  });
});
