import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { PressureProbe, type SystemFiles } from '../../../../electron/agent/gateway/load/pressure-probe.ts';

const full = {
  '/proc/pressure/memory':
    'some avg10=12.50 avg60=3.00 avg300=1.00 total=99\nfull avg10=7.25 avg60=1.00 avg300=0.50 total=42\n',
  '/proc/pressure/cpu': 'some avg10=64.00 avg60=3.00 avg300=1.00 total=99\n',
  '/proc/meminfo': 'MemTotal:       16000000 kB\nMemFree:  100 kB\nMemAvailable:    4000000 kB\n',
  '/sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq': '1800000\n',
  '/sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq': '3600000\n',
  '/sys/devices/system/cpu/cpufreq/policy1/scaling_max_freq': '3600000\n',
  '/sys/devices/system/cpu/cpufreq/policy1/cpuinfo_max_freq': '3600000\n',
  '/sys/class/thermal/cooling_device0/type': 'Fan\n',
  '/sys/class/thermal/cooling_device0/cur_state': '1\n',
  '/sys/class/thermal/cooling_device0/max_state': '1\n',
  '/sys/class/thermal/cooling_device1/type': 'Processor\n',
  '/sys/class/thermal/cooling_device1/cur_state': '1\n',
  '/sys/class/thermal/cooling_device1/max_state': '10\n',
};

function files(texts: Readonly<Record<string, string>>, reads: string[] = []): SystemFiles {
  return {
    read: (path) => {
      reads.push(path);
      const text = texts[path];
      return text === undefined ? Promise.reject(new Error('no such file')) : Promise.resolve(text);
    },
    list: (path) => {
      const inside = Object.keys(texts).filter((each) => each.startsWith(`${path}/`));
      if (inside.length === 0) return Promise.reject(new Error('no such folder'));
      return Promise.resolve([...new Set(inside.map((each) => each.slice(path.length + 1).split('/')[0] ?? ''))]);
    },
  };
}

describe('PressureProbe', () => {
  it('reads pressure, memory and what slows the processor down', async () => {
    const probe = new PressureProbe({ maxAgeMs: 2_000 }, { files: files(full), clock: new ManualClock() });
    await probe.refresh();
    expect(probe.current()).toEqual({
      memorySomePercent: 12.5,
      memoryFullPercent: 7.25,
      cpuSomePercent: 64,
      availableBytes: 4_096_000_000,
      totalBytes: 16_384_000_000,
      throttled: 0.5,
    });
  });

  it('says nothing where the system does not', async () => {
    const probe = new PressureProbe({ maxAgeMs: 2_000 }, { files: files({}), clock: new ManualClock() });
    expect(probe.current()).toBeNull();
    await probe.refresh();
    expect(probe.current()).toBeNull();
  });

  it('leaves out what it cannot read or understand', async () => {
    const texts = { '/proc/pressure/memory': 'some avg10=oops', '/proc/meminfo': 'MemTotal: 8 kB' };
    const probe = new PressureProbe({ maxAgeMs: 2_000 }, { files: files(texts), clock: new ManualClock() });
    await probe.refresh();
    expect(probe.current()).toEqual({
      memorySomePercent: null,
      memoryFullPercent: null,
      cpuSomePercent: null,
      availableBytes: null,
      totalBytes: 8_192,
      throttled: null,
    });
  });

  it('reads again only when the figures are old, however often it is asked', async () => {
    const reads: string[] = [];
    const clock = new ManualClock();
    const probe = new PressureProbe({ maxAgeMs: 2_000 }, { files: files(full, reads), clock });
    for (let index = 0; index < 10; index += 1) probe.current();
    await probe.refresh();
    const once = reads.length;
    clock.advance(1_999);
    probe.current();
    expect(reads.length).toBe(once);
    clock.advance(1);
    probe.current();
    await probe.refresh();
    expect(reads.length).toBe(2 * once);
  });
});
