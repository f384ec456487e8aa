import { Ring } from '../base/ring.ts';
import type { HistoryPoint, NodeSnapshot } from '../../contract/snapshot.ts';
import type { SystemSample } from './sampler.ts';

export interface HistoryOptions {
  readonly intervalMs: number;
  /** Most points kept. */
  readonly capacity: number;
}

/** The short past that plots are drawn from. */
export class History {
  readonly #options: HistoryOptions;
  readonly #points: Ring<HistoryPoint>;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#points = new Ring(options.capacity);
  }

  push(point: HistoryPoint): void {
    this.#points.push(point);
  }

  /** As the snapshot carries it, oldest point first. */
  toSnapshot(): NodeSnapshot['history'] {
    return { ...this.#options, points: this.#points.toArray() };
  }
}

/** One point of the plots from what was measured in the same moment. */
export function historyPoint(sample: SystemSample, gateway: NodeSnapshot['gateway']): HistoryPoint {
  return {
    at: sample.at,
    tokensPerSecond: gateway.tokensPerSecond,
    cpuPercent: sample.cpuPercent,
    memoryUsedBytes: sample.usedBytes,
    engineBytes: engineBytes(sample),
    inFlight: gateway.inFlight,
    queued: gateway.queued,
    saturation: gateway.saturation,
    memoryPressure: sample.pressure?.memory ?? 0,
  };
}

/** Resident bytes of all engines together. */
export function engineBytes(sample: SystemSample): number {
  let sum = 0;
  for (const bytes of sample.engineBytesByPid.values()) sum += bytes;
  return sum;
}
