import type { EngineKind, EngineSnapshot } from '../../contract/snapshot.ts';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { Engine } from './engine.ts';
import type { EngineSettings, ModelFiles } from './engine-factory.ts';
import type { EngineView } from './placement/engine-view.ts';
import { mergeModels } from './placement/node-models.ts';
import type { PlacementView } from './switching/placement-view.ts';

/** Free memory changes without anybody saying so: what is reckoned from it holds this long. */
const freshMs = 3_000;

/** What all parts of the switching look at: the engines and the models, as one picture between two changes. */
export class EngineBoard {
  readonly engines: readonly Engine[];
  readonly #configured: ReadonlySet<EngineKind>;
  readonly #catalog: ModelFiles;
  readonly #clock: Clock;
  /** Engines that the operator stopped. */
  readonly #halted = new Set<string>();
  #view: PlacementView | null = null;
  #stamp = 0;
  #stampedMs = 0;

  constructor(
    options: { readonly engines: readonly Engine[]; readonly configured: ReadonlySet<EngineKind> },
    deps: { readonly catalog: ModelFiles; readonly clock: Clock },
  ) {
    this.engines = options.engines;
    this.#configured = options.configured;
    this.#catalog = deps.catalog;
    this.#clock = deps.clock;
  }

  /** To be called after every change of an engine, the catalogue or the switcher. */
  changed(): void {
    this.#view = null;
    this.#renew();
  }

  /** Another number after every change, and at the latest every three seconds. */
  stamp(): number {
    if (this.#clock.monotonic() - this.#stampedMs >= freshMs) this.#renew();
    return this.#stamp;
  }

  view(): PlacementView {
    if (this.#view) return this.#view;
    const engines = this.engines.map((engine) => this.#look(engine));
    this.#view = { engines, ...mergeModels(this.#catalog.list(), engines) };
    return this.#view;
  }

  /** @throws AppError `not_found` */
  byId(id: string): Engine {
    const engine = this.engines.find((candidate) => candidate.id === id);
    if (!engine) throw new AppError('not_found', `There is no engine ${id}.`);
    return engine;
  }

  /** What the operator wants of an engine: nothing is loaded in one that is to stand still. */
  halt(id: string, halted: boolean): void {
    if (halted) this.#halted.add(id);
    else this.#halted.delete(id);
    this.changed();
  }

  /** Those in use first, those that are not there last. */
  snapshots(inUse: string | null): EngineSnapshot[] {
    const rank = ({ id, state, processes, model }: EngineSnapshot): number => {
      if (id === inUse) return 0;
      if (state === 'absent') return 3;
      return processes.length > 0 || model !== null ? 1 : 2;
    };
    return this.engines.map((engine) => engine.snapshot()).sort((a, b) => rank(a) - rank(b));
  }

  #look(engine: Engine): EngineView {
    const { state, ownership } = engine.snapshot();
    return {
      id: engine.id,
      kind: engine.kind,
      ownership,
      state,
      configured: this.#configured.has(engine.kind),
      halted: this.#halted.has(engine.id),
      models: engine.models(),
      refuses: (file) => engine.refuses(file),
    };
  }

  #renew(): void {
    this.#stamp += 1;
    this.#stampedMs = this.#clock.monotonic();
  }
}

/** Engines whose address or program the settings name. */
export function configuredKinds({ ollama, llamaServer, bitnet }: EngineSettings): ReadonlySet<EngineKind> {
  const named = ({ url, path }: { readonly url: string | null; readonly path: string | null }): boolean =>
    url !== null || path !== null;
  const kinds = new Set<EngineKind>();
  if (named(llamaServer)) kinds.add('llama-server');
  if (named(ollama)) kinds.add('ollama');
  if (named(bitnet)) kinds.add('bitnet');
  return kinds;
}
