import path from 'node:path';
import { capabilitiesOf } from './capabilities.ts';
import type { CatalogModel } from './catalog-model.ts';
import type { Examined } from './examine.ts';
import type { ModelFile } from './model-files.ts';
import { groupOf } from './quantization-name.ts';
import type { ModelRecords } from './records.ts';

/** A file and what is known of it. */
export interface Entry {
  readonly file: ModelFile;
  readonly examined: Examined;
  readonly chosen: boolean;
  readonly selfTest: boolean;
}

/** Tells a file from what was at its path before. */
export const fileKey = (file: ModelFile): string => `${file.path}\n${file.sizeBytes}\n${file.changedMs}`;

/** Models in the order of their files, each with an id of its own. */
export function toModels(entries: readonly Entry[], records: Pick<ModelRecords, 'get'> | null): CatalogModel[] {
  const taken = new Set<string>();
  return entries.map((entry) => toModel(entry, taken, records));
}

function toModel(entry: Entry, taken: Set<string>, records: Pick<ModelRecords, 'get'> | null): CatalogModel {
  const { file, chosen, selfTest } = entry;
  const { header, problem } = entry.examined;
  const stem = path.basename(file.path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
  const record = records?.get(file.path) ?? null;
  // A record of another file that was at this path says nothing of this one.
  const known = record !== null && record.sizeBytes === file.firstPartBytes ? record : null;
  return {
    id: uniqueId(stem.toLowerCase(), taken),
    name: header?.name ?? stem,
    path: file.path,
    sizeBytes: file.sizeBytes,
    arrivedMs: file.arrivedMs,
    header,
    group: groupOf(stem),
    // Parts have a digest each; the model as a whole has none.
    digest: file.otherParts.length === 0 ? (known?.digest ?? null) : null,
    origin: known?.origin ?? null,
    capabilities: problem === null && header !== null ? capabilitiesOf(header.use, header.tensorTypes) : [],
    shape: header?.shape ?? null,
    selfTest,
    chosen,
    problem: problem !== null && chosen ? chosenProblem(file.path, problem) : problem,
  };
}

/** The operator has to hear which setting leads to the file, and where to. */
function chosenProblem(file: string, problem: string): string {
  return `models.default names ${file}, which cannot be used: ${problem}`;
}

function uniqueId(stem: string, taken: Set<string>): string {
  let id = stem;
  for (let number = 2; taken.has(id); number += 1) id = `${stem}-${number}`;
  taken.add(id);
  return id;
}
