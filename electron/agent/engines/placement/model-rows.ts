import type { ModelSnapshot } from '../../../contract/snapshot.ts';
import { modelRow } from '../../models/model-row.ts';
import type { NodeModel, Offer } from './node-models.ts';

/** What the rows say beside what the models themselves do. */
export interface RowFacts {
  /** The default model and the engine it runs on; null while there is none. */
  readonly current: { readonly modelId: string; readonly engineId: string } | null;
  readonly pinned: (model: NodeModel) => boolean;
  /** Why the model could not be loaded the last time; null when it could, or was not tried. */
  readonly failure: (offer: Offer) => string | null;
  /** When a request last ended there, milliseconds since the epoch; null when none has. */
  readonly lastUsedMs: (offer: Offer) => number | null;
}

/** A model as every surface shows it; speeds and fit are added by who knows them. */
export function rowOf(model: NodeModel, facts: RowFacts): ModelSnapshot {
  const { current } = facts;
  const isDefault = current?.modelId === model.id;
  const offer = shownOffer(model, isDefault ? current.engineId : undefined);
  const held = offer?.held ?? null;
  const row = model.file ? modelRow(model.file, isDefault) : libraryRow(model, isDefault);
  const usedMs = Math.max(
    0,
    ...model.offers.map((each) => Math.max(each.held?.lastUsedMs ?? 0, facts.lastUsedMs(each) ?? 0)),
  );
  return {
    ...row,
    engineId: held ? (offer?.engineId ?? null) : null,
    loaded: held?.state === 'loaded',
    state: held?.state ?? 'idle',
    contextLength: held?.contextLength ?? row.contextLength,
    digest: row.digest ?? held?.digest ?? null,
    engines: model.offers.map(({ engineId }) => engineId),
    problem: model.problem ?? failureOf(model, facts),
    lastUsedAt: usedMs > 0 ? new Date(usedMs).toISOString() : null,
    pinned: facts.pinned(model),
  };
}

function libraryRow(model: NodeModel, isDefault: boolean): ModelSnapshot {
  const { id, group, quantization, sizeBytes, capabilities, library } = model;
  return {
    id,
    name: library?.name ?? id,
    engineId: null,
    path: null,
    family: library?.family ?? null,
    parameters: library?.parameters ?? null,
    quantization,
    sizeBytes,
    contextLength: library?.contextLength ?? null,
    capabilities,
    loaded: false,
    isDefault,
    selfTest: false,
    problem: null,
    tokensPerSecond: null,
    state: 'idle',
    group,
    digest: null,
    engines: [],
    origin: null,
    lastUsedAt: null,
    measured: null,
    fit: null,
    pinned: false,
  };
}

/** The place that tells most: where it is the default, else where it is loaded, else where it is on its way. */
function shownOffer(model: NodeModel, defaultEngineId: string | undefined): Offer | undefined {
  const held = model.offers.filter((offer) => offer.held !== null);
  return (
    held.find((offer) => offer.engineId === defaultEngineId) ??
    held.find((offer) => offer.held?.state === 'loaded') ??
    held.find((offer) => offer.held?.state === 'loading') ??
    held[0]
  );
}

/** A model that failed at every engine it could be tried on. */
function failureOf(model: NodeModel, { failure }: RowFacts): string | null {
  const failures = model.offers.map(failure);
  return failures.length > 0 && failures.every((reason) => reason !== null) ? (failures[0] ?? null) : null;
}
