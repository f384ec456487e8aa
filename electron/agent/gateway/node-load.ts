import type { Upstream, UpstreamDescription } from '../inference/upstream.ts';
import type { Admission } from './load/admission.ts';
import type { PressureFigures } from './load/pressure.ts';
import { saturationOf, type Saturation, type SaturationLevel } from './load/saturation.ts';
import type { GatewayPolicy } from './policy.ts';

export interface NodeLoadDeps {
  readonly upstreams: () => readonly Upstream[];
  readonly admission: Pick<Admission, 'loadOf' | 'predictedWaitMs'>;
  readonly pressure: () => PressureFigures | null;
}

/** The upstreams as the gateway sees them, and how full the node is. */
export class NodeLoad {
  readonly #policy: Pick<GatewayPolicy, 'slots' | 'goalMs'>;
  readonly #deps: NodeLoadDeps;
  readonly #overrides: boolean;
  #level: SaturationLevel = 'calm';

  constructor(policy: Pick<GatewayPolicy, 'slots' | 'goalMs'>, deps: NodeLoadDeps) {
    this.#policy = policy;
    this.#deps = deps;
    this.#overrides = Object.keys(policy.slots).length > 0;
  }

  descriptions(): UpstreamDescription[] {
    return this.#deps.upstreams().map((upstream) => this.#seen(upstream.describe()));
  }

  upstream(id: string): Upstream | undefined {
    return this.#deps.upstreams().find((each) => each.describe().id === id);
  }

  describe(id: string): UpstreamDescription | undefined {
    return this.descriptions().find((each) => each.id === id);
  }

  /** Requests that the upstream works on side by side; 0 while it is not ready. */
  slotsOf(id: string): number {
    const upstream = this.describe(id);
    return upstream?.ready === true ? upstream.slots : 0;
  }

  /** The same of all upstreams of this machine. */
  slots(): number {
    return this.descriptions().reduce((sum, each) => sum + (isHere(each) ? each.slots : 0), 0);
  }

  /** Requests that the engines of this machine answer, or will once they are up. */
  inFlight(): number {
    return this.#deps.admission.loadOf(this.#local().map(({ id }) => id)).inFlight;
  }

  /** How full the engines of this machine are, as it is now; the level follows from the one at the last look. */
  saturation(): Saturation {
    const { admission, pressure } = this.#deps;
    const local = this.#local();
    // What a peer or a provider works on fills no slot here; what an engine has taken that is still starting does.
    const { inFlight, queued } = admission.loadOf(local.map(({ id }) => id));
    const here = local.filter(isHere);
    const [first, ...others] = here.map(({ id }) => id);
    const lanes = first === undefined ? null : ([first, ...others] as const);
    const now = saturationOf(
      {
        inFlight,
        queued,
        slots: here.reduce((sum, { slots }) => sum + slots, 0),
        waitMs: lanes === null ? null : admission.predictedWaitMs({ lanes, priority: 'normal', caller: '' }),
        goalMs: this.#policy.goalMs,
        engines: here.flatMap(({ load }) => (load === undefined ? [] : [load])),
        pressure: pressure(),
      },
      this.#level,
    );
    this.#level = now.level;
    return now;
  }

  #local(): UpstreamDescription[] {
    return this.descriptions().filter(({ route }) => route === 'local');
  }

  #seen(upstream: UpstreamDescription): UpstreamDescription {
    const slots = this.#overrides ? this.#policy.slots[upstream.id] : undefined;
    return slots === undefined ? upstream : { ...upstream, slots };
  }
}

function isHere({ route, ready }: UpstreamDescription): boolean {
  return route === 'local' && ready;
}
