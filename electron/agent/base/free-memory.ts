import { execFile } from 'node:child_process';
import { freemem } from 'node:os';
import type { Clock } from './clock.ts';

export interface FreeMemoryDeps {
  readonly clock: Clock;
  /** As Node tells it. */
  readonly told?: () => number;
  /** What `vm_stat` prints; null when it cannot be run. */
  readonly vmStat?: () => Promise<string | null>;
}

const everyMs = 3_000;
const limitMs = 2_000;

/**
 * Memory that programs can have. On macOS Node tells only the pages that nobody has touched, which are few on every
 * machine that has run for a while: there `vm_stat` is asked now and then, and pages that are given up on demand count.
 */
export class FreeMemory {
  readonly #isMac: boolean;
  readonly #clock: Clock;
  readonly #told: () => number;
  readonly #vmStat: () => Promise<string | null>;
  #bytes: number | null = null;
  #cancel: (() => void) | null = null;

  /** `platform`: as `process.platform` names it. */
  constructor(options: { readonly platform: NodeJS.Platform }, deps: FreeMemoryDeps) {
    this.#isMac = options.platform === 'darwin';
    this.#clock = deps.clock;
    this.#told = deps.told ?? freemem;
    this.#vmStat = deps.vmStat ?? runVmStat;
  }

  /** Resolves when {@link bytes} can be relied on. */
  async start(): Promise<void> {
    if (!this.#isMac) return;
    this.#cancel ??= this.#clock.every(everyMs, () => void this.#look());
    await this.#look();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  bytes(): number {
    return this.#bytes ?? this.#told();
  }

  async #look(): Promise<void> {
    const text = await this.#vmStat();
    this.#bytes = (text === null ? null : availableIn(text)) ?? this.#bytes;
  }
}

/** Bytes that `vm_stat` tells as free or given up on demand; null for a text that is none of its. */
export function availableIn(text: string): number | null {
  const pageBytes = Number(/page size of (\d{1,8}) bytes/.exec(text)?.[1]);
  const pages = ['free', 'inactive', 'speculative'].map((kind) =>
    Number(new RegExp(`^Pages ${kind}:\\s+(\\d{1,15})\\.`, 'm').exec(text)?.[1]),
  );
  const bytes = pages.reduce((sum, count) => sum + count, 0) * pageBytes;
  return Number.isFinite(bytes) ? bytes : null;
}

function runVmStat(): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('/usr/bin/vm_stat', { timeout: limitMs, env: {} }, (error, stdout) => {
      resolve(error ? null : stdout);
    });
  });
}
