import type { FitRow, QueryAnswer, querySchemas } from '../../contract/control.ts';
import type { EngineKind, MeasuredSpeed } from '../../contract/snapshot.ts';
import type * as z from 'zod';
import { computeOpsFrom, estimateFit, machineOf, type FitMachine } from './fit.ts';
import { knownModels } from './known-models.ts';
import { untoldShape, type ModelShape } from './model-shape.ts';
import { gigabyte } from './sizes.ts';

/** A model of this node, as the fit table takes it. */
export interface InstalledModel {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly quantization: string | null;
  readonly sizeBytes: number;
  readonly shape: ModelShape | null;
  readonly measured: MeasuredSpeed | null;
  /** What it takes now of what is not available any more; null while it is not loaded. */
  readonly loadedBytes: number | null;
  /** The engine that would load it. */
  readonly engineKind: EngineKind;
}

/** This machine: what the table is for unless the query gives another one. */
export interface TableFacts {
  readonly installed: readonly InstalledModel[];
  /** `loaded` holds every loaded model; a row's own one is left out of its reckoning. */
  readonly machine: FitMachine;
  /** Where {@link FitMachine.bandwidthBytesPerS} comes from. */
  readonly bandwidthOrigin: 'measured' | 'assumed';
}

type FitQuery = z.infer<typeof querySchemas.fit>;

/** Bandwidth of a machine that nothing is known of: dual-channel DDR4-3200, of which reading reaches 38 GB/s. */
export const assumedBandwidthBytesPerS = 38e9;

/** What the query `fit` answers: installed models first, then well-known ones. */
export function fitAnswer(query: FitQuery, facts: TableFacts): QueryAnswer<'fit'> {
  const { ramGb, bandwidthGbPerS, model } = query;
  const given = bandwidthGbPerS === undefined ? null : bandwidthGbPerS * 1e9;
  const bandwidthBytesPerS = given ?? facts.machine.bandwidthBytesPerS ?? assumedBandwidthBytesPerS;
  const elsewhere = ramGb !== undefined || given !== null;
  const machine = machineFor({ ramGb, given, bandwidthBytesPerS }, facts.machine);
  const wanted = model?.toLowerCase();
  const matches = (...names: (string | null)[]): boolean =>
    wanted === undefined || names.some((name) => name?.toLowerCase() === wanted);
  const rows = facts.installed
    .filter(({ id, name, group }) => matches(id, name, group))
    .map((installed) => installedRow(installed, { query, machine, elsewhere }));
  const known = knownModels()
    .filter(({ id, name }) => matches(id, name) && !facts.installed.some((installed) => installed.id === id))
    .map((each): FitRow => {
      const { id, name, quantization, shape, engineKind } = each;
      const fit = estimateFit({ shape, measured: null }, machine, { ...optionsOf(query), engineKind });
      return { id, name, quantization, installed: false, sizeBytes: shape.sizeBytes, fit };
    });
  return {
    ramBytes: machine.totalBytes,
    bandwidthBytesPerS,
    bandwidthOrigin: given !== null ? 'given' : facts.bandwidthOrigin,
    rows: [...rows, ...known],
  };
}

function machineFor(
  asked: { ramGb: number | undefined; given: number | null; bandwidthBytesPerS: number },
  here: FitMachine,
): FitMachine {
  const { ramGb, given, bandwidthBytesPerS } = asked;
  if (ramGb !== undefined) {
    return machineOf({ ramBytes: ramGb * gigabyte, bandwidthBytesPerS, headroomBytes: here.headroomBytes });
  }
  if (given === null) return { ...here, bandwidthBytesPerS };
  return { ...here, bandwidthBytesPerS, computeOpsPerS: computeOpsFrom(given, null) };
}

function installedRow(
  installed: InstalledModel,
  { query, machine, elsewhere }: { query: FitQuery; machine: FitMachine; elsewhere: boolean },
): FitRow {
  const { id, name, quantization, sizeBytes, engineKind, loadedBytes } = installed;
  const shape = installed.shape ?? untoldShape({ sizeBytes });
  // What was measured here says nothing of another machine, and nothing is loaded there.
  const measured = elsewhere ? null : installed.measured;
  const loaded = loadedBytes === null || query.ramGb !== undefined ? {} : { loadedBytes };
  const beside = { ...machine, loaded: machine.loaded.filter((model) => model.id !== id) };
  const fit = estimateFit({ shape, measured, ...loaded }, beside, { ...optionsOf(query), engineKind });
  return { id, name, quantization, installed: true, sizeBytes, fit };
}

function optionsOf(query: FitQuery) {
  return {
    contextLength: query.contextLength ?? ('auto' as const),
    parallel: query.parallel ?? ('auto' as const),
    kvType: query.kvType ?? ('f16' as const),
  };
}
