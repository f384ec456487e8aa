import { noCloud } from '../../contract/cloud.ts';
import type {
  EngineSnapshot,
  InstallSnapshot,
  ModelSnapshot,
  NodeSnapshot,
  Notice,
  PullSnapshot,
  SwitchSnapshot,
} from '../../contract/snapshot.ts';
import { engineBytes } from './history.ts';
import { judgeNode } from './node-state.ts';
import type { SystemSample } from './sampler.ts';
import type { StaticFacts } from './static-facts.ts';

/** What does not change while the agent runs. */
export interface NodeFacts {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly platform: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

/** Each room's part of the picture, as it stands now. Called at most a few times a second; must not wait. */
export interface SnapshotSources {
  readonly engines: () => readonly EngineSnapshot[];
  readonly models: () => readonly ModelSnapshot[];
  readonly gateway: () => {
    readonly snapshot: NodeSnapshot['gateway'];
    /** Newest first. */
    readonly activity: NodeSnapshot['activity'];
  };
  readonly pulls: () => readonly PullSnapshot[];
  readonly switching: () => SwitchSnapshot | null;
  readonly installs: () => readonly InstallSnapshot[];
  readonly notices: () => readonly Notice[];
  readonly sample: () => SystemSample | null;
  readonly staticFacts: () => StaticFacts;
  readonly availability: () => NodeSnapshot['node']['availability'];
  /** Of one engine, by its id. Left out: what the engine says itself. */
  readonly engineAvailability?: (id: string) => EngineSnapshot['availability'];
  /** Left out: no cloud on this node. */
  readonly cloud?: () => NodeSnapshot['cloud'];
  /** Left out: no mesh on this node. */
  readonly mesh?: () => NodeSnapshot['mesh'];
}

/** All of the snapshot but its history, which is told point by point. */
export type Sections = Omit<NodeSnapshot, 'history'>;

/** Most requests shown, as the contract says. */
const activityLimit = 50;

/** Puts the one picture of the node together from what each room says. */
export class SnapshotAssembler {
  readonly #facts: NodeFacts;
  readonly #sources: SnapshotSources;

  constructor(facts: NodeFacts, sources: SnapshotSources) {
    this.#facts = facts;
    this.#sources = sources;
  }

  /** The picture now. */
  assemble(): Sections {
    const { gateway, notices, models, sample, staticFacts, availability, cloud, mesh } = this.#sources;
    const current = sample();
    const { engineAvailability } = this.#sources;
    const engines = this.#sources.engines().map((engine) => ({
      ...withMemory(engine, current),
      availability: engineAvailability?.(engine.id) ?? engine.availability,
    }));
    const traffic = gateway();
    const parts = {
      engines,
      models: [...models()],
      pulls: [...this.#sources.pulls()],
      switching: this.#sources.switching(),
      installs: [...this.#sources.installs()],
      gateway: traffic.snapshot,
      activity: traffic.activity.slice(0, activityLimit),
      notices: [...notices()],
    };
    return {
      node: { ...this.#facts, ...judgeNode(parts), availability: availability() },
      system: systemSection(current, staticFacts()),
      ...parts,
      cloud: cloud?.() ?? noCloud,
      mesh: mesh?.() ?? { listening: false, reachable: null, peers: [] },
    };
  }
}

/** An engine that does not know its own memory gets what was read of its process. */
function withMemory(engine: EngineSnapshot, sample: SystemSample | null): EngineSnapshot {
  if (engine.memoryBytes !== null || engine.pid === null) return engine;
  return { ...engine, memoryBytes: sample?.engineBytesByPid.get(engine.pid) ?? null };
}

function systemSection(sample: SystemSample | null, facts: StaticFacts): NodeSnapshot['system'] {
  return {
    cpuPercent: sample?.cpuPercent ?? 0,
    perCore: [...(sample?.perCore ?? [])],
    loadAverage: sample?.loadAverage ? [...sample.loadAverage] : null,
    memory: {
      totalBytes: sample?.totalBytes ?? 0,
      usedBytes: sample?.usedBytes ?? 0,
      availableBytes: sample?.availableBytes ?? 0,
      engineBytes: sample ? engineBytes(sample) : 0,
      agentBytes: sample?.agentBytes ?? 0,
    },
    pressure: sample?.pressure ?? null,
    cpuModel: facts.cpuModel,
    gpus: [...facts.gpus],
  };
}
