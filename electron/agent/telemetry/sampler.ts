import { Announcer } from '../base/announcer.ts';
import type { Clock } from '../base/clock.ts';
import type { Startable } from '../base/lifecycle.ts';
import { cpuUsage, type CpuReading, type PressureReading } from './probes.ts';
import type { SystemProbe } from './system-probe.ts';

export interface SystemSample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** 0–100 over all cores. */
  readonly cpuPercent: number;
  readonly perCore: readonly number[];
  readonly loadAverage: readonly [number, number, number] | null;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  /** Resident bytes of each engine process that could be read. */
  readonly engineBytesByPid: ReadonlyMap<number, number>;
  readonly agentBytes: number;
  readonly pressure: PressureReading | null;
}

export interface SamplerOptions {
  readonly intervalMs: number;
}

export interface SamplerDeps {
  readonly clock: Clock;
  readonly probe: SystemProbe;
  /** Processes of the engines that run now. */
  readonly enginePids: () => readonly number[];
}

/**
 * Reads the system once an interval. A tick that comes too soon after the last one (the loop was held up and catches
 * up) or whose probes fail is left out and counted: samples never pile up and never carry made-up figures.
 */
export class Sampler implements Startable {
  readonly #options: SamplerOptions;
  readonly #deps: SamplerDeps;
  readonly #samples = new Announcer<SystemSample>();
  #cpu: CpuReading | null = null;
  #latest: SystemSample | null = null;
  #lastTickMs = Number.NEGATIVE_INFINITY;
  #skipped = 0;
  #cancel: (() => void) | null = null;

  constructor(options: SamplerOptions, deps: SamplerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Takes the first sample at once, whose CPU figures are those since boot. */
  start(): Promise<void> {
    this.#cancel ??= this.#deps.clock.every(this.#options.intervalMs, () => {
      this.tick();
    });
    this.tick();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    return Promise.resolve();
  }

  /** Hears every sample from now on. */
  subscribe(listener: (sample: SystemSample) => void): () => void {
    return this.#samples.subscribe(listener);
  }

  /** The latest sample; null before the first. */
  latest(): SystemSample | null {
    return this.#latest;
  }

  /** Ticks that gave no sample. */
  get skipped(): number {
    return this.#skipped;
  }

  /** One tick; public for benches. */
  tick(): void {
    const nowMs = this.#deps.clock.monotonic();
    if (nowMs - this.#lastTickMs < this.#options.intervalMs / 2) {
      this.#skipped += 1;
      return;
    }
    const sample = this.#read();
    if (!sample) {
      this.#skipped += 1;
      return;
    }
    this.#lastTickMs = nowMs;
    this.#latest = sample;
    this.#samples.announce(sample);
  }

  #read(): SystemSample | null {
    const { clock, probe, enginePids } = this.#deps;
    try {
      const cpu = probe.cpu();
      const usage = cpuUsage(this.#cpu, cpu);
      const { totalBytes, availableBytes } = probe.memory();
      const sample = {
        at: clock.now(),
        ...usage,
        loadAverage: probe.load(),
        totalBytes,
        availableBytes,
        usedBytes: Math.max(0, totalBytes - availableBytes),
        engineBytesByPid: memoryOf(enginePids(), probe),
        agentBytes: probe.ownMemory(),
        pressure: probe.pressure(),
      };
      this.#cpu = cpu;
      return sample;
    } catch {
      return null;
    }
  }
}

function memoryOf(pids: readonly number[], probe: SystemProbe): Map<number, number> {
  const bytesByPid = new Map<number, number>();
  for (const pid of pids) {
    const bytes = probe.processMemory(pid);
    if (bytes !== null) bytesByPid.set(pid, bytes);
  }
  return bytesByPid;
}
