import type { ModelSnapshot } from '../../../contract/snapshot.ts';
import type { ModelDetails } from '../../inference/upstream.ts';
import type { LayerShape, ModelShape } from '../../models/model-shape.ts';
import { groupOf } from '../../models/quantization-name.ts';
import type { LibraryModel } from '../engine.ts';
import { sha256In } from '../model-details.ts';
import type { ShowAnswer, TagRow } from './ollama-wire.ts';

type Capabilities = ModelSnapshot['capabilities'];

/** A name as Ollama lists it: with its tag. */
export function fullName(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last.includes(':') ? name : `${name}:latest`;
}

/** A name as people write it: without `:latest`. */
export function shortName(name: string): string {
  return name.endsWith(':latest') ? name.slice(0, -':latest'.length) : name;
}

/** What Ollama says of a model; `show` is null until it has been asked. */
export function libraryModel(row: TagRow, show: ShowAnswer | null): LibraryModel {
  const info = show?.model_info ?? {};
  const shape = show ? shapeOf(row.size, show) : null;
  const modifiedMs = Date.parse(row.modified_at);
  return {
    name: shortName(row.name),
    family: textOf(info['general.architecture']) ?? emptyToNull(row.details.family),
    parameters: shape?.parameters ?? numberOf(info['general.parameter_count']) ?? countIn(row.details.parameter_size),
    quantization: quantizationOf(row.details.quantization_level),
    sizeBytes: row.size,
    contextLength: shape?.contextLength ?? contextOf(info),
    capabilities: capabilitiesOf(show, row),
    group: groupOfTag(row.name),
    modifiedMs: Number.isNaN(modifiedMs) ? null : modifiedMs,
    shape,
  };
}

/** What lists of models tell beside that. */
export function detailsOfLibrary(row: TagRow, show: ShowAnswer | null): ModelDetails {
  const info = show?.model_info ?? {};
  const architecture = textOf(info['general.architecture']) ?? emptyToNull(row.details.family);
  const own = (key: string): number | null => numberAt(info[`${architecture}.${key}`], 0);
  const { parameters, quantization, contextLength } = libraryModel(row, show);
  return {
    architecture,
    quantization,
    parameterCount: parameters,
    sha256: sha256In(row.digest),
    trainedContextLength: contextLength,
    blockCount: own('block_count'),
    embeddingLength: own('embedding_length'),
    headCount: own('attention.head_count'),
    headCountKv: own('attention.head_count_kv'),
    hasTemplate: templated(show?.template),
    thinks: show?.capabilities ? show.capabilities.includes('thinking') : null,
  };
}

/** What Ollama writes where a file brings no template is the bare prompt. */
function templated(template: string | null | undefined): boolean | null {
  if (template === null || template === undefined) return null;
  return template !== '' && !/^\s*\{\{-?\s*\.Prompt\s*-?\}\}\s*$/.test(template);
}

/**
 * Name without what the tag says of the quantization: `qwen3:8b-q4_K_M` and `qwen3:8b` are of one group. Ollama's plain
 * tags are quantizations too, so a tag without one stays.
 */
export function groupOfTag(name: string): string {
  return groupOf(
    shortName(name)
      .toLowerCase()
      .replace(/:(?=(?:ud[-_])?(?:i?q\d|tq\d|bf16|f16|f32|fp16|mxfp4))/i, '-'),
  );
}

/** The number in "268.10M" or "8.0B"; null when there is none. */
export function countIn(text: string): number | null {
  const match = /^([\d.]+)\s*([KMBT]?)$/i.exec(text.trim());
  if (!match) return null;
  const scale = { '': 1, K: 1e3, M: 1e6, B: 1e9, T: 1e12 }[(match[2] ?? '').toUpperCase()] ?? 1;
  const number = Number(match[1]) * scale;
  return Number.isFinite(number) ? Math.round(number) : null;
}

/** Ollama's own words for what a model can do, in ours. */
export function capabilitiesOf(show: ShowAnswer | null, row: Pick<TagRow, 'details'>): Capabilities {
  const told = show?.capabilities;
  if (!told || told.length === 0) {
    return /bert/i.test(row.details.family) ? ['embedding'] : ['chat', 'completion', 'json'];
  }
  const have: Capabilities = [];
  // Ollama holds any completion to a grammar, so JSON comes with it. Every such model can embed a text on demand only
  // where it says so.
  if (told.includes('completion')) have.push('chat', 'completion', 'json');
  if (told.includes('tools')) have.push('tools');
  if (told.includes('vision')) have.push('vision');
  if (told.includes('embedding')) have.push('embedding');
  return have;
}

/** What memory and speed are reckoned from; null when the answer does not tell enough. */
export function shapeOf(sizeBytes: number, show: ShowAnswer): ModelShape | null {
  const info = show.model_info ?? {};
  const architecture = textOf(info['general.architecture']);
  if (architecture === null) return null;
  const own = (key: string): unknown => info[`${architecture}.${key}`];
  const blocks = numberOf(own('block_count'));
  const embeddingLength = numberOf(own('embedding_length'));
  const parameters = numberOf(info['general.parameter_count']);
  const vocabularySize = vocabularyOf(show, numberOf(own('vocab_size')));
  if (blocks === null || blocks < 1 || blocks > 10_000 || embeddingLength === null || parameters === null) return null;
  const layers = Array.from({ length: blocks }, (_, at) => layerOf(own, at, embeddingLength));
  return {
    architecture,
    sizeBytes,
    parameters,
    activeShare: activeShareOf(show, own, parameters),
    layers: layers.flatMap((layer) => layer ?? []),
    embeddingLength,
    vocabularySize,
    contextLength: contextOf(info),
  };
}

function layerOf(own: (key: string) => unknown, at: number, embeddingLength: number): LayerShape | null {
  const heads = numberAt(own('attention.head_count'), at);
  const kvHeads = numberAt(own('attention.head_count_kv'), at) ?? heads;
  if (kvHeads === null) return null;
  const headLength = heads !== null && heads > 0 ? Math.floor(embeddingLength / heads) : embeddingLength;
  const recurrent = kvHeads === 0;
  const state = recurrent ? numberOf(own('ssm.state_size')) : null;
  const inner = recurrent ? numberOf(own('ssm.inner_size')) : null;
  return {
    kvHeads,
    keyLength: numberOf(own('attention.key_length')) ?? headLength,
    valueLength: numberOf(own('attention.value_length')) ?? headLength,
    window: windowOf(own, at),
    // Kept in F32, whatever the type of keys and values.
    stateBytes: state !== null && inner !== null ? 4 * state * inner : 0,
  };
}

/** Layers that see the whole context stand between those with a window, in a pattern that the file may spell out. */
function windowOf(own: (key: string) => unknown, at: number): number | null {
  const window = numberOf(own('attention.sliding_window'));
  if (window === null || window === 0) return null;
  const pattern = own('attention.sliding_window_pattern');
  if (Array.isArray(pattern)) return pattern[at] === true || pattern[at] === 1 ? window : null;
  // Without a pattern every layer is counted as one that sees everything: memory is then never reckoned too low.
  const every = numberOf(pattern);
  return every !== null && every > 1 && (at + 1) % every !== 0 ? window : null;
}

/** Share of the weights read for a token: experts that are not asked are not read. */
function activeShareOf(show: ShowAnswer, own: (key: string) => unknown, parameters: number): number {
  const experts = numberOf(own('expert_count'));
  const used = numberOf(own('expert_used_count'));
  if (experts === null || used === null || experts < 2 || used >= experts) return 1;
  const weights = (show.tensors ?? [])
    .filter(({ name }) => name.includes('_exps.'))
    .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  // Where the tensors are not listed, nine tenths in experts is what such models have.
  const inExperts = weights > 0 && weights <= parameters ? weights : 0.9 * parameters;
  return 1 - (inExperts / parameters) * (1 - used / experts);
}

function vocabularyOf(show: ShowAnswer, told: number | null): number {
  const embedding = show.tensors?.find(({ name }) => name === 'token_embd.weight');
  return embedding?.shape[1] ?? told ?? 0;
}

function contextOf(info: Readonly<Record<string, unknown>>): number | null {
  const architecture = textOf(info['general.architecture']);
  return architecture === null ? null : numberOf(info[`${architecture}.context_length`]);
}

function quantizationOf(level: string): string | null {
  return level === '' || /^unknown$/i.test(level) ? null : level;
}

function emptyToNull(text: string): string | null {
  return text === '' ? null : text;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** One number for all layers, or one for each. */
function numberAt(value: unknown, at: number): number | null {
  return Array.isArray(value) ? numberOf(value[at]) : numberOf(value);
}
