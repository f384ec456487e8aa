import { describe, expect, it } from 'vitest';
import {
  cpuReadingOf,
  cpuUsage,
  parseMeminfo,
  parsePressure,
  parseProcStat,
  parseResidentBytes,
} from '../../../electron/agent/telemetry/probes.ts';

const stat = (total: string, ...cores: string[]): string =>
  [`cpu  ${total}`, ...cores.map((core, index) => `cpu${index} ${core}`), 'intr 1 2 3', 'ctxt 5', ''].join('\n');

describe('/proc/stat', () => {
  it('counts steal, interrupts and nice as work, waiting for disks as idle', () => {
    expect(parseProcStat(stat('1 2 4 100 200 8 16 32 1000 1000', '1 0 0 3 0 0 0 0 0 0'))).toEqual({
      total: { busy: 1 + 2 + 4 + 8 + 16 + 32, idle: 300 },
      cores: [{ busy: 1, idle: 3 }],
    });
  });

  it('reads the short form of old kernels', () => {
    expect(parseProcStat(stat('10 0 10 80'))).toEqual({ total: { busy: 20, idle: 80 }, cores: [] });
  });

  it('is null where there is nothing to read', () => {
    expect(parseProcStat('')).toBeNull();
    expect(parseProcStat('intr 1 2')).toBeNull();
  });
});

describe('CPU usage', () => {
  const reading = (busy: number, idle: number) => ({ total: { busy, idle }, cores: [{ busy, idle }] });

  it('is the share of work between two readings', () => {
    expect(cpuUsage(reading(100, 900), reading(175, 1125))).toEqual({ cpuPercent: 25, perCore: [25] });
  });

  it('is since boot without an earlier reading', () => {
    expect(cpuUsage(null, reading(100, 900))).toEqual({ cpuPercent: 10, perCore: [10] });
  });

  it('is 0, not NaN, when no time went by', () => {
    expect(cpuUsage(reading(5, 5), reading(5, 5))).toEqual({ cpuPercent: 0, perCore: [0] });
  });

  it('stays within 0–100 when idle time runs backwards', () => {
    expect(cpuUsage(reading(100, 900), reading(110, 890)).cpuPercent).toBe(100);
    expect(cpuUsage(reading(100, 900), reading(90, 910)).cpuPercent).toBe(0);
  });

  it('takes a core that came online since as new', () => {
    const next = {
      total: { busy: 2, idle: 2 },
      cores: [
        { busy: 1, idle: 1 },
        { busy: 3, idle: 1 },
      ],
    };
    expect(cpuUsage(reading(0, 0), next).perCore).toEqual([50, 75]);
  });

  it('reads what Node tells where there is no /proc', () => {
    const times = { user: 10, nice: 1, sys: 5, idle: 80, irq: 4 };
    expect(cpuReadingOf([{ times }, { times }])).toEqual({
      total: { busy: 40, idle: 160 },
      cores: [
        { busy: 20, idle: 80 },
        { busy: 20, idle: 80 },
      ],
    });
  });
});

describe('memory and pressure', () => {
  it('reads /proc/meminfo in bytes', () => {
    const text =
      'MemTotal:       98566144 kB\nMemFree:         1000000 kB\nMemAvailable:   42991616 kB\nBuffers: 1 kB\n';
    expect(parseMeminfo(text)).toEqual({ totalBytes: 98_566_144 * 1024, availableBytes: 42_991_616 * 1024 });
  });

  it('is null without MemAvailable', () => {
    expect(parseMeminfo('MemTotal: 5 kB\nMemFree: 5 kB\n')).toBeNull();
  });

  it('reads the resident size of a process, and null of one that has none', () => {
    expect(parseResidentBytes('Name:\tnode\nVmPeak:\t  900 kB\nVmRSS:\t  123456 kB\nThreads:\t7\n')).toBe(
      123_456 * 1024,
    );
    expect(parseResidentBytes('Name:\tnode\nState:\tZ (zombie)\n')).toBeNull();
    expect(parseResidentBytes('')).toBeNull();
  });

  it('reads the ten-second share of pressure', () => {
    const text =
      'some avg10=26.67 avg60=21.91 avg300=8.87 total=62656912\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=0\n';
    expect(parsePressure(text)).toBe(26.67);
    expect(parsePressure('full avg10=1.00')).toBeNull();
    expect(parsePressure('')).toBeNull();
  });
});
