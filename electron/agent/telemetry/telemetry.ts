import type { Clock } from '../base/clock.ts';
import { StopStack, type Startable } from '../base/lifecycle.ts';
import type { Logger } from '../base/logger.ts';
import type { EngineSnapshot } from '../../contract/snapshot.ts';
import { Availability } from './availability.ts';
import { History, type HistoryOptions } from './history.ts';
import { Publisher, publisherDefaults } from './publisher.ts';
import { Sampler } from './sampler.ts';
import { SnapshotAssembler, type NodeFacts, type SnapshotSources } from './snapshot.ts';
import { plainFacts, readStaticFacts, type StaticFacts } from './static-facts.ts';
import { systemProbe, type SystemProbe } from './system-probe.ts';

export interface TelemetryOptions {
  readonly node: NodeFacts;
  /** The built `static-facts-child.ts`. */
  readonly staticFactsFile: string;
  /** Default: one point a second for five minutes. */
  readonly history?: HistoryOptions;
}

export interface TelemetryDeps extends Pick<
  SnapshotSources,
  'engines' | 'models' | 'gateway' | 'notices' | 'cloud' | 'mesh'
> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the one for this platform. */
  readonly probe?: SystemProbe;
}

const staticFactsTimeoutMs = 15_000;

/** The journey of a metric sample: probe → sampler → history and snapshot → one publication. */
export class Telemetry implements Startable {
  readonly publisher: Publisher;
  readonly sampler: Sampler;
  readonly #options: TelemetryOptions;
  readonly #deps: TelemetryDeps;
  readonly #availability = new Availability();
  readonly #started = new StopStack();
  #staticFacts: StaticFacts = plainFacts();

  constructor(options: TelemetryOptions, deps: TelemetryDeps) {
    const { clock, probe = systemProbe(process.platform) } = deps;
    const history = new History(options.history ?? { intervalMs: 1_000, capacity: 300 });
    this.#options = options;
    this.#deps = deps;
    this.sampler = new Sampler(
      { intervalMs: options.history?.intervalMs ?? 1_000 },
      { clock, probe, enginePids: () => deps.engines().flatMap(({ pid }) => (pid === null ? [] : [pid])) },
    );
    const assembler = new SnapshotAssembler(options.node, {
      ...deps,
      sample: () => this.sampler.latest(),
      staticFacts: () => this.#staticFacts,
      availability: () => this.#availability.figures(),
    });
    this.publisher = new Publisher(publisherDefaults, {
      clock,
      assembler,
      history,
      sampler: this.sampler,
      gateway: () => deps.gateway().snapshot,
    });
  }

  async start(): Promise<void> {
    const unsubscribe = this.sampler.subscribe(() => {
      this.#availability.observe(this.#deps.engines().some(isReady), this.#deps.clock.monotonic());
    });
    this.#started.push('availability', unsubscribe);
    await this.publisher.start();
    this.#started.push('publisher', () => this.publisher.stop());
    await this.sampler.start();
    this.#started.push('sampler', () => this.sampler.stop());
    // Nobody waits for this: it takes seconds on some machines, and nothing but two lines of the panel needs it.
    void this.#readStaticFacts();
  }

  stop(): Promise<void> {
    return this.#started.stop((name, error) => {
      this.#deps.logger.error({ part: name, err: error }, 'a part of telemetry could not be stopped');
    });
  }

  /** Something in the picture changed: every surface hears of it within moments. */
  touch(): void {
    this.publisher.touch();
  }

  async #readStaticFacts(): Promise<void> {
    const options = { childFile: this.#options.staticFactsFile, timeoutMs: staticFactsTimeoutMs };
    this.#staticFacts = await readStaticFacts(options, { logger: this.#deps.logger });
    this.touch();
  }
}

function isReady(engine: EngineSnapshot): boolean {
  return engine.state === 'ready' || engine.state === 'adopted';
}
