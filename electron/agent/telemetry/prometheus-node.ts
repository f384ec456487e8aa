import { Counter, Gauge, type Registry } from 'prom-client';
import type { NodeSnapshot } from '../../contract/snapshot.ts';
import { BoundedNames } from './prometheus-names.ts';

/** The sections of the snapshot that figures are taken from. */
export type MetricsPicture = Pick<NodeSnapshot, 'node' | 'system' | 'engines' | 'models' | 'gateway'>;

const levels = ['calm', 'busy', 'saturated'] as const;
/** How a breaker's state is told as a number. */
const breakerStates = { closed: 0, 'half-open': 1, open: 2 } as const;

/** How the node is, read from its snapshot whenever somebody asks. */
export class NodeMetrics {
  readonly #registry: Registry;
  readonly #upstreams = new BoundedNames();
  readonly #models = new BoundedNames();
  readonly #brokenBefore = new Set<string>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #restarts;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#restarts = new Counter({
      name: 'ranch_engine_restarts_total',
      help: 'Times that an engine was started again since the agent started.',
      labelNames: ['engine'] as const,
      registers: [registry],
    });
  }

  update({ node, system, engines, models, gateway }: MetricsPicture): void {
    this.#set('ranch_build_info', 'Always 1; the labels tell the build.', 1, {
      version: node.version,
      platform: node.platform,
      node: process.versions.node,
    });
    this.#gateway(gateway);
    this.#breakers(gateway.breakers);
    this.#engines(engines);
    this.#system(system);
    const speed = this.#fresh('ranch_model_tokens_per_second', 'Decode speed as measured here, by model.', ['model']);
    for (const { id, tokensPerSecond } of models) {
      if (tokensPerSecond !== null) speed.set({ model: this.#models.label(id) }, tokensPerSecond);
    }
  }

  #gateway(gateway: MetricsPicture['gateway']): void {
    this.#set('ranch_gateway_queue_depth', 'Requests that wait for a slot.', gateway.queued);
    this.#set('ranch_gateway_in_flight', 'Requests that are being answered.', gateway.inFlight);
    this.#set('ranch_gateway_slots', 'Requests that the ready upstreams work on side by side.', gateway.slots);
    this.#set('ranch_gateway_saturation_ratio', 'From 0 (free) to 1 (nothing left).', gateway.saturation);
    this.#set('ranch_gateway_tokens_per_second', 'All local answers, over the last 5 s.', gateway.tokensPerSecond);
    this.#set('ranch_gateway_keys', 'Valid keys of callers.', gateway.keysTotal);
    this.#set('ranch_gateway_callers', 'Callers of the last hour, by key and address.', gateway.callers.length);
    for (const level of levels) {
      const help = '1 for the level that holds, 0 for the others.';
      this.#set('ranch_gateway_saturation_level', help, gateway.level === level ? 1 : 0, { level });
    }
  }

  /** One that was open stays in the figures as closed, so that a graph shows its end. */
  #breakers(breakers: MetricsPicture['gateway']['breakers']): void {
    const help = '0 while an upstream is used, 1 while it is tried again, 2 while it is left out.';
    const gauge = this.#fresh('ranch_gateway_breaker_state', help, ['upstream']);
    for (const upstream of this.#brokenBefore) gauge.set({ upstream }, breakerStates.closed);
    for (const { upstream, state } of breakers) {
      const label = this.#upstreams.label(upstream);
      this.#brokenBefore.add(label);
      gauge.set({ upstream: label }, breakerStates[state]);
    }
  }

  #engines(engines: MetricsPicture['engines']): void {
    const up = this.#fresh('ranch_engine_up', '1 while the engine takes requests.', ['engine', 'kind']);
    const slots = this.#fresh('ranch_engine_slots', 'Requests that it works on side by side.', ['engine']);
    const busy = this.#fresh('ranch_engine_slots_busy', 'Those of its slots that work.', ['engine']);
    const memory = this.#fresh('ranch_engine_memory_bytes', 'Resident memory, where it is known.', ['engine']);
    const share = this.#fresh('ranch_engine_availability_ratio', 'Share of the last 24 h with it ready.', ['engine']);
    this.#restarts.reset();
    for (const { id: engine, kind, state, slots: places, memoryBytes, restarts, availability } of engines) {
      up.set({ engine, kind }, state === 'ready' || state === 'adopted' ? 1 : 0);
      slots.set({ engine }, places.total);
      busy.set({ engine }, places.busy);
      if (memoryBytes !== null) memory.set({ engine }, memoryBytes);
      if (availability.day !== null) share.set({ engine }, availability.day);
      this.#restarts.inc({ engine }, restarts);
    }
  }

  #system({ cpuPercent, memory, pressure }: MetricsPicture['system']): void {
    this.#set('ranch_node_cpu_ratio', 'Share of all cores in use, 0 to 1.', cpuPercent / 100);
    this.#set('ranch_node_memory_total_bytes', 'Memory of the machine.', memory.totalBytes);
    this.#set('ranch_node_memory_available_bytes', 'Memory that programs can still have.', memory.availableBytes);
    this.#set('ranch_node_engine_memory_bytes', 'Resident memory of all engines.', memory.engineBytes);
    const help = 'Share of the last 10 s in which some task waited for it (Linux).';
    const waiting = this.#fresh('ranch_node_pressure_ratio', help, ['resource']);
    if (pressure === null) return;
    for (const resource of ['cpu', 'memory', 'io'] as const) waiting.set({ resource }, pressure[resource] / 100);
  }

  #set(name: string, help: string, value: number, labels: Record<string, string> = {}): void {
    this.#gauge(name, help, Object.keys(labels)).set(labels, value);
  }

  /** Without the series of the last time: what is gone must not go on with its last value. */
  #fresh(name: string, help: string, labelNames: string[]): Gauge {
    const gauge = this.#gauge(name, help, labelNames);
    gauge.reset();
    return gauge;
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    const found = this.#gauges.get(name);
    if (found) return found;
    const made = new Gauge({ name, help, labelNames, registers: [this.#registry] });
    this.#gauges.set(name, made);
    return made;
  }
}
