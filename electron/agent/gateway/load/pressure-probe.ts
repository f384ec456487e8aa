import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import {
  coolingShare,
  parseMeminfoLine,
  parsePressureAverage,
  throttledShare,
  type PressureFigures,
} from './pressure.ts';

/** The files of the system that the probe reads; tests bring their own. */
export interface SystemFiles {
  /** @throws any error when there is no such file */
  read(path: string): Promise<string>;
  /** Names in a folder. @throws any error when there is none */
  list(path: string): Promise<readonly string[]>;
}

export interface PressureProbeOptions {
  /** Figures older than this are read anew, milliseconds. */
  readonly maxAgeMs: number;
}

export interface PressureProbeDeps {
  readonly files?: SystemFiles;
  readonly clock: Clock;
}

const systemFiles: SystemFiles = {
  read: (path) => readFile(path, 'latin1'),
  list: (path) => readdir(path),
};
/** Cores and cooling devices that are looked at: on a large server the first ones tell enough. */
const deviceLimit = 64;
const cpuFolder = '/sys/devices/system/cpu';
const thermalFolder = '/sys/class/thermal';

/**
 * How short of breath a Linux machine is. Reading it never holds anybody up: whoever asks gets what was read last, and
 * when that is old, reading begins anew. Some drivers take milliseconds to tell a temperature's consequences.
 */
export class PressureProbe {
  readonly #options: PressureProbeOptions;
  readonly #files: SystemFiles;
  readonly #clock: Clock;
  #latest: PressureFigures | null = null;
  #readMs: number | null = null;
  #reading: Promise<void> | null = null;

  constructor(options: PressureProbeOptions, { files = systemFiles, clock }: PressureProbeDeps) {
    this.#options = options;
    this.#files = files;
    this.#clock = clock;
  }

  /** As last read; null before the first time, and where the system tells nothing of all this. */
  current(): PressureFigures | null {
    const ageMs = this.#readMs === null ? Number.POSITIVE_INFINITY : this.#clock.monotonic() - this.#readMs;
    if (ageMs >= this.#options.maxAgeMs) void this.refresh();
    return this.#latest;
  }

  /** Reads all of it; several at once share one reading. Never rejects. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #read(): Promise<void> {
    const [memory, cpu, meminfo, throttled] = await Promise.all([
      this.#text('/proc/pressure/memory'),
      this.#text('/proc/pressure/cpu'),
      this.#text('/proc/meminfo'),
      this.#throttled(),
    ]);
    const figures: PressureFigures = {
      memorySomePercent: parsePressureAverage(memory, 'some'),
      memoryFullPercent: parsePressureAverage(memory, 'full'),
      cpuSomePercent: parsePressureAverage(cpu, 'some'),
      availableBytes: parseMeminfoLine(meminfo, 'MemAvailable'),
      totalBytes: parseMeminfoLine(meminfo, 'MemTotal'),
      throttled,
    };
    this.#latest = Object.values(figures).some((figure) => figure !== null) ? figures : null;
    this.#readMs = this.#clock.monotonic();
  }

  /** The most that any limit takes: of a core's clock rate, or by a cooling device that slows the processor down. */
  async #throttled(): Promise<number | null> {
    const shares = await Promise.all([...(await this.#cores()), ...(await this.#coolers())]);
    const told = shares.filter((share) => share !== null);
    return told.length === 0 ? null : Math.max(...told);
  }

  async #cores(): Promise<Promise<number | null>[]> {
    const policies = (await this.#names(`${cpuFolder}/cpufreq`)).filter((name) => /^policy\d+$/.test(name));
    return policies.slice(0, deviceLimit).map(async (name) => {
      const folder = `${cpuFolder}/cpufreq/${name}`;
      const limit = await this.#text(`${folder}/scaling_max_freq`);
      return throttledShare(limit, await this.#text(`${folder}/cpuinfo_max_freq`));
    });
  }

  async #coolers(): Promise<Promise<number | null>[]> {
    const devices = (await this.#names(thermalFolder)).filter((name) => /^cooling_device\d+$/.test(name));
    return devices.slice(0, deviceLimit).map(async (name) => {
      const folder = `${thermalFolder}/${name}`;
      // Fans and the like cool without slowing anything down.
      if (!/processor|cpufreq|powerclamp/i.test(await this.#text(`${folder}/type`))) return null;
      return coolingShare(await this.#text(`${folder}/cur_state`), await this.#text(`${folder}/max_state`));
    });
  }

  /** Empty where there is no such file. */
  async #text(path: string): Promise<string> {
    try {
      return (await this.#files.read(path)).slice(0, 65_536);
    } catch {
      return '';
    }
  }

  async #names(path: string): Promise<readonly string[]> {
    try {
      return await this.#files.list(path);
    } catch {
      return [];
    }
  }
}
