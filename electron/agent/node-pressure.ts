import type { Clock } from './base/clock.ts';
import { coolingShare, parsePressureAverage, throttledShare, type PressureFigures } from './gateway/load/pressure.ts';
import type { SystemSample } from './telemetry/sampler.ts';

export interface NodePressureDeps {
  readonly clock: Clock;
  /** The latest sample of the system; null before the first one. */
  readonly sample: () => SystemSample | null;
  /** A file of the system as text; null when there is none. */
  readonly read: (path: string) => string | null;
}

/** Heat comes and goes slowly, and each look reads a few files. */
const freshMs = 5_000;
/** Cooling devices that are looked at; most machines have one for each core. */
const mostDevices = 64;
const frequency = '/sys/devices/system/cpu/cpu0/cpufreq';

/** What the system tells of itself at most every few seconds, beside the samples. */
interface SlowFigures {
  readonly atMs: number;
  readonly memoryFullPercent: number | null;
  readonly throttled: number | null;
}

/** How short of breath the machine is, for the gateway's saturation: memory, processor, heat and power. */
export class NodePressure {
  readonly #deps: NodePressureDeps;
  #slow: SlowFigures | null = null;

  constructor(deps: NodePressureDeps) {
    this.#deps = deps;
  }

  /** Null before the first sample. Asked on every request, so files are read only now and then. */
  figures(): PressureFigures | null {
    const sample = this.#deps.sample();
    if (sample === null) return null;
    const { memoryFullPercent, throttled } = this.#slowFigures();
    return {
      memorySomePercent: sample.pressure?.memory ?? null,
      memoryFullPercent,
      cpuSomePercent: sample.pressure?.cpu ?? null,
      availableBytes: sample.availableBytes,
      totalBytes: sample.totalBytes,
      throttled,
    };
  }

  #slowFigures(): SlowFigures {
    const nowMs = this.#deps.clock.monotonic();
    if (this.#slow !== null && nowMs - this.#slow.atMs < freshMs) return this.#slow;
    const { read } = this.#deps;
    const memory = read('/proc/pressure/memory');
    this.#slow = {
      atMs: nowMs,
      memoryFullPercent: memory === null ? null : parsePressureAverage(memory, 'full'),
      throttled: worst([this.#clockLimit(), ...this.#cooling()]),
    };
    return this.#slow;
  }

  #clockLimit(): number | null {
    const { read } = this.#deps;
    const [limit, full] = [read(`${frequency}/scaling_max_freq`), read(`${frequency}/cpuinfo_max_freq`)];
    return limit === null || full === null ? null : throttledShare(limit, full);
  }

  /** Of the devices that cool by slowing a processor down; fans are no loss. */
  *#cooling(): Generator<number | null> {
    const { read } = this.#deps;
    for (let at = 0; at < mostDevices; at += 1) {
      const folder = `/sys/class/thermal/cooling_device${at}`;
      const type = read(`${folder}/type`);
      if (type === null) return;
      if (type.trim() !== 'Processor') continue;
      const [current, most] = [read(`${folder}/cur_state`), read(`${folder}/max_state`)];
      if (current !== null && most !== null) yield coolingShare(current, most);
    }
  }
}

function worst(shares: readonly (number | null)[]): number | null {
  const told = shares.filter((share) => share !== null);
  return told.length === 0 ? null : Math.max(...told);
}
