import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Trace } from '../../contract/trace.ts';
import { NodeMetrics, type MetricsPicture } from './prometheus-node.ts';
import { TrafficMetrics } from './prometheus-traffic.ts';

export interface MetricsDeps {
  /** The node as it is now; asked only when somebody reads the metrics. */
  readonly picture: () => MetricsPicture;
}

/**
 * The node's figures for Prometheus. Requests are counted as they end; all else is read when it is asked for, so that
 * nothing is done while nobody scrapes. The library's own process metrics are left out: they wake the agent a hundred
 * times a second to look at its event loop.
 */
export class Metrics {
  readonly #deps: MetricsDeps;
  readonly #registry = new Registry();
  readonly #traffic: TrafficMetrics;
  readonly #node: NodeMetrics;
  readonly #cpu: Counter;
  readonly #process: Readonly<Record<'resident' | 'heap' | 'start' | 'descriptors' | 'loop', Gauge>>;
  #loop = performance.eventLoopUtilization();

  constructor(deps: MetricsDeps) {
    this.#deps = deps;
    this.#traffic = new TrafficMetrics(this.#registry);
    this.#node = new NodeMetrics(this.#registry);
    const registers = [this.#registry];
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
    this.#cpu = new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the agent, without its engines.',
      registers,
    });
    this.#process = {
      resident: gauge('process_resident_memory_bytes', 'Resident memory of the agent, without its engines.'),
      heap: gauge('nodejs_heap_size_used_bytes', 'JavaScript heap of the agent in use.'),
      start: gauge('process_start_time_seconds', 'When the agent started, seconds since the epoch.'),
      descriptors: gauge('process_open_fds', 'Open file descriptors of the agent (Linux).'),
      loop: gauge('nodejs_eventloop_utilization_ratio', 'Share of the time since the last look in which it was busy.'),
    };
    this.#process.start.set(performance.timeOrigin / 1000);
  }

  /** Counts one request that is over. */
  record(trace: Trace): void {
    this.#traffic.record(trace);
  }

  /** Value of the Content-Type header. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All figures as they are now, in Prometheus' text form. */
  text(): Promise<string> {
    this.#node.update(this.#deps.picture());
    this.#ownProcess();
    return this.#registry.metrics();
  }

  #ownProcess(): void {
    const { user, system } = process.cpuUsage();
    this.#cpu.reset();
    this.#cpu.inc((user + system) / 1e6);
    const { rss, heapUsed } = process.memoryUsage();
    this.#process.resident.set(rss);
    this.#process.heap.set(heapUsed);
    const loop = performance.eventLoopUtilization();
    this.#process.loop.set(performance.eventLoopUtilization(loop, this.#loop).utilization);
    this.#loop = loop;
    const open = openDescriptors();
    if (open !== null) this.#process.descriptors.set(open);
  }
}

function openDescriptors(): number | null {
  if (process.platform !== 'linux') return null;
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
