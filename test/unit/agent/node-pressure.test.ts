import { expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { NodePressure } from '../../../electron/agent/node-pressure.ts';
import type { SystemSample } from '../../../electron/agent/telemetry/sampler.ts';

const sample: SystemSample = {
  at: 0,
  cpuPercent: 10,
  perCore: [10],
  loadAverage: null,
  totalBytes: 100,
  usedBytes: 60,
  availableBytes: 40,
  engineBytesByPid: new Map(),
  agentBytes: 1,
  pressure: { cpu: 7, memory: 3, io: 0 },
};

function pressureOf(files: Record<string, string>): { pressure: NodePressure; clock: ManualClock; reads: string[] } {
  const clock = new ManualClock();
  const reads: string[] = [];
  const read = (path: string): string | null => {
    reads.push(path);
    return files[path] ?? null;
  };
  return { pressure: new NodePressure({ clock, sample: () => sample, read }), clock, reads };
}

it('tells nothing before the first sample', () => {
  const clock = new ManualClock();
  expect(new NodePressure({ clock, sample: () => null, read: () => null }).figures()).toBeNull();
});

it('joins the sample with what the system tells of memory, heat and power', () => {
  const { pressure } = pressureOf({
    '/proc/pressure/memory': 'some avg10=3.00 avg60=1.00 total=1\nfull avg10=1.50 avg60=0.10 total=1\n',
    '/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq': '3000000\n',
    '/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq': '4000000\n',
    '/sys/class/thermal/cooling_device0/type': 'Fan\n',
    '/sys/class/thermal/cooling_device0/cur_state': '10\n',
    '/sys/class/thermal/cooling_device0/max_state': '10\n',
    '/sys/class/thermal/cooling_device1/type': 'Processor\n',
    '/sys/class/thermal/cooling_device1/cur_state': '4\n',
    '/sys/class/thermal/cooling_device1/max_state': '10\n',
  });
  expect(pressure.figures()).toEqual({
    memorySomePercent: 3,
    memoryFullPercent: 1.5,
    cpuSomePercent: 7,
    availableBytes: 40,
    totalBytes: 100,
    throttled: 0.4,
  });
});

it('knows of no throttling where the system tells of none, and reads files only now and then', () => {
  const { pressure, clock, reads } = pressureOf({});
  expect(pressure.figures()?.throttled).toBeNull();
  const before = reads.length;
  pressure.figures();
  expect(reads).toHaveLength(before);
  clock.advance(5_000);
  pressure.figures();
  expect(reads.length).toBeGreaterThan(before);
});
