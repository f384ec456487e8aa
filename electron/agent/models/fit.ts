import type { EngineKind, MeasuredSpeed, ModelFit } from '../../contract/snapshot.ts';
import { assertNever } from '../base/errors.ts';
import { memoryByContext, type KvType, type MemoryTerms } from './fit-memory.ts';
import { decodeSpeed, prefillSpeed } from './fit-speed.ts';
import type { ModelShape } from './model-shape.ts';
import { gigabyte, gigabytes } from './sizes.ts';

/** The model whose fit is asked for. */
export interface FitSubject {
  /** A shape without layers means that the file does not tell enough: only its size is known. */
  readonly shape: ModelShape;
  /** Speeds measured here; they replace the ones that are reckoned. */
  readonly measured: MeasuredSpeed | null;
  /**
   * What it takes already, where it is loaded: that memory need not be found again. Without what the system counts as
   * available all the same: see {@link LoadedModel.mappedBytes}.
   */
  readonly loadedBytes?: number;
}

/** A model that is loaded beside the subject. */
export interface LoadedModel {
  readonly id: string;
  /** What unloading it gives back. */
  readonly memoryBytes: number;
  /**
   * Of these, what the system counts as available all the same: on Linux the pages of a mapped file are page cache, so
   * `MemAvailable` has the weights of a model that is in use. Left out: none.
   */
  readonly mappedBytes?: number;
  readonly pinned: boolean;
}

/** The memory and speed of a machine, and what is in use of it. */
export interface FitMachine {
  readonly totalBytes: number;
  /** As the system tells it. */
  readonly availableBytes: number;
  /** Bytes per second that all threads together read from memory; null where that is not known. */
  readonly bandwidthBytesPerS: number | null;
  /** Multiplications and additions per second while reading a prompt; null where that is not known. */
  readonly computeOpsPerS: number | null;
  /** Kept free of models, `models.headroomGb`. */
  readonly headroomBytes: number;
  /** Without the subject. Those to unload first come first: the least recently used. */
  readonly loaded: readonly LoadedModel[];
}

export interface FitOptions {
  /** Tokens of each slot. `auto`: as much as fits, up to {@link automaticContext}. */
  readonly contextLength: number | 'auto';
  readonly parallel: number | 'auto';
  readonly kvType: KvType;
  readonly engineKind: EngineKind;
}

/** The most context that `auto` takes: the embedded engine's own rule, and what agents want of the others. */
export function automaticContext(engineKind: EngineKind): number {
  switch (engineKind) {
    case 'embedded':
      return 8_192;
    case 'bitnet':
      return 4_096;
    case 'ollama':
    case 'llama-server':
      return 32_768;
    default:
      return assertNever(engineKind);
  }
}

const step = 256;
/** `auto` would rather unload another model than give less than this. */
const comfortableContext = 8_192;
const leastContext = 2_048;
/** Where a model does not tell what it was trained for. */
const longestContext = 1_048_576;

/** Whether a model fits into a machine, what it takes and how fast it will be. Pure. */
export function estimateFit(subject: FitSubject, machine: FitMachine, options: FitOptions): ModelFit {
  const { shape } = subject;
  const parallel = options.parallel === 'auto' ? 1 : options.parallel;
  const { kvType, engineKind } = options;
  const room = roomOf(subject, machine);
  const termsAt = memoryByContext(shape, { parallel, kvType, engineKind });
  const needAt = (contextLength: number): number => sum(termsAt(contextLength)) + machine.headroomBytes;
  const trained = shape.contextLength ?? longestContext;
  const contextLength =
    options.contextLength === 'auto'
      ? chooseContext(Math.min(trained, automaticContext(engineKind)), room, needAt)
      : options.contextLength;
  const terms = termsAt(contextLength);
  const neededBytes = sum(terms) + machine.headroomBytes;
  const plan = planOf({ neededBytes, headroomBytes: machine.headroomBytes, room, machine });
  const verdict = shape.layers.length === 0 && plan.verdict !== 'too-big' ? 'unknown' : plan.verdict;
  const largestContextLength =
    shape.layers.length === 0 ? null : largestWithin(trained, room.freeBytes + room.unloadableBytes, needAt);
  const measured = subject.measured;
  const tokensPerSecond = measured?.tokensPerSecond ?? null;
  return {
    verdict,
    sentence: sentenceOf({ verdict, neededBytes, contextLength, largestContextLength, room, machine, plan }),
    ...terms,
    headroomBytes: machine.headroomBytes,
    neededBytes,
    freeBytes: room.freeBytes,
    contextLength,
    parallel,
    kvType,
    largestContextLength,
    tokensPerSecond: tokensPerSecond ?? decodeSpeed(shape, machine.bandwidthBytesPerS, { contextLength, kvType }),
    prefillTokensPerSecond: measured?.prefillTokensPerSecond ?? prefillSpeed(shape, machine.computeOpsPerS),
    measured: tokensPerSecond !== null,
    unload: plan.unload.map(({ id }) => id),
  };
}

/**
 * A machine that is given by its figures, with nothing loaded: for "would it fit there?".
 *
 * @param given.bandwidthBytesPerS As measured by reading, not the sum on the box: which is 70–77 % of that on desktop boxes.
 */
export function machineOf(given: {
  readonly ramBytes: number;
  readonly bandwidthBytesPerS: number;
  readonly headroomBytes?: number;
}): FitMachine {
  return {
    totalBytes: given.ramBytes,
    // What a system and its desktop use before any model: 2 GB, or an eighth of a small machine.
    availableBytes: given.ramBytes - Math.min(2 * gigabyte, given.ramBytes / 8),
    bandwidthBytesPerS: given.bandwidthBytesPerS,
    computeOpsPerS: computeOpsFrom(given.bandwidthBytesPerS, null),
    headroomBytes: given.headroomBytes ?? gigabyte,
    loaded: [],
  };
}

/** See {@link computeOpsFrom}: operations per byte, 2.4 × 10¹² per second beside 62 × 10⁹ bytes per second. */
const opsPerByte = 38;
/** What one core does of the same, from 7–8B models on boxes of 8 cores. */
const opsPerCore = 300e9;

/**
 * Operations per second to expect while a prompt is read, where nothing has been measured: desktop processors have
 * arithmetic and bandwidth in a steady proportion, 120–190 tokens/s for 7–8B models on a box that reads 62 GB/s.
 * `cores` caps it for machines with few of them.
 */
export function computeOpsFrom(bandwidthBytesPerS: number, cores: number | null): number {
  const byBandwidth = bandwidthBytesPerS * opsPerByte;
  return cores === null ? byBandwidth : Math.min(byBandwidth, cores * opsPerCore);
}

interface Room {
  /** What models may use now. */
  readonly freeBytes: number;
  /** What unloading every model that is not pinned would add. */
  readonly unloadableBytes: number;
}

function roomOf(subject: FitSubject, machine: FitMachine): Room {
  const mapped = machine.loaded.reduce((bytes, model) => bytes + (model.mappedBytes ?? 0), 0);
  const freeBytes = Math.max(0, machine.availableBytes - mapped) + (subject.loadedBytes ?? 0);
  const unloadableBytes = machine.loaded.reduce((bytes, model) => bytes + (model.pinned ? 0 : model.memoryBytes), 0);
  return { freeBytes: Math.min(freeBytes, machine.totalBytes), unloadableBytes };
}

/** The context for `auto`: what fits beside the loaded models, if that is enough to work with; else with them gone. */
function chooseContext(most: number, { freeBytes, unloadableBytes }: Room, needAt: (context: number) => number) {
  const now = largestWithin(most, freeBytes, needAt);
  if (now !== null && now >= Math.min(most, comfortableContext)) return now;
  const later = largestWithin(most, freeBytes + unloadableBytes, needAt);
  return Math.max(later ?? 0, Math.min(most, leastContext));
}

/** The longest context up to `most` whose need is within a budget, in steps of 256; null when not even the least is. */
function largestWithin(most: number, budgetBytes: number, needAt: (context: number) => number): number | null {
  if (needAt(most) <= budgetBytes) return most;
  let fits = 0;
  let beyond = Math.ceil(most / step);
  while (beyond - fits > 1) {
    const middle = Math.floor((fits + beyond) / 2);
    if (needAt(middle * step) <= budgetBytes) fits = middle;
    else beyond = middle;
  }
  return fits === 0 ? null : fits * step;
}

interface Plan {
  readonly verdict: Exclude<ModelFit['verdict'], 'unknown'>;
  readonly unload: readonly LoadedModel[];
}

function planOf(facts: { neededBytes: number; headroomBytes: number; room: Room; machine: FitMachine }): Plan {
  const { neededBytes, headroomBytes, room, machine } = facts;
  if (neededBytes <= room.freeBytes) return { verdict: 'fits', unload: [] };
  if (neededBytes <= room.freeBytes + room.unloadableBytes) {
    return { verdict: 'after-unload', unload: toUnload(neededBytes - room.freeBytes, machine.loaded) };
  }
  if (neededBytes - headroomBytes <= room.freeBytes) return { verdict: 'tight', unload: [] };
  return { verdict: 'too-big', unload: [] };
}

/** Enough of the models that are not pinned, from the front, and none of them in vain. */
function toUnload(missingBytes: number, loaded: readonly LoadedModel[]): LoadedModel[] {
  const taken: LoadedModel[] = [];
  let left = missingBytes;
  for (const model of loaded) {
    if (left <= 0) break;
    if (model.pinned || model.memoryBytes <= 0) continue;
    taken.push(model);
    left -= model.memoryBytes;
  }
  let spareBytes = -left;
  return taken.filter((model) => {
    if (model.memoryBytes > spareBytes) return true;
    spareBytes -= model.memoryBytes;
    return false;
  });
}

function sentenceOf(facts: {
  verdict: ModelFit['verdict'];
  neededBytes: number;
  contextLength: number;
  largestContextLength: number | null;
  room: Room;
  machine: FitMachine;
  plan: Plan;
}): string {
  const { verdict, contextLength, largestContextLength, machine, plan } = facts;
  const needed = gigabytes(facts.neededBytes);
  const free = gigabytes(facts.room.freeBytes);
  switch (verdict) {
    case 'fits':
      return `Needs ${needed}, ${free} are free.`;
    case 'tight':
      return `Needs ${needed}, ${free} are free: it fits only into the ${gigabytes(machine.headroomBytes)} kept free.`;
    case 'after-unload':
      return `Needs ${needed}, ${free} are free: ${plan.unload.map(({ id }) => id).join(', ')} must be unloaded first.`;
    case 'unknown':
      return `Needs more than ${needed}, ${free} are free. The file does not tell how much its context takes.`;
    case 'too-big':
      return largestContextLength === null || largestContextLength >= contextLength
        ? `Needs ${needed}, ${free} are free. Take a smaller quantization or a smaller model.`
        : `Needs ${needed} with a context of ${contextLength}, ${free} are free. ` +
            `A context of ${largestContextLength} fits.`;
    default:
      return assertNever(verdict);
  }
}

const sum = ({ weightsBytes, kvBytes, computeBytes }: MemoryTerms): number => weightsBytes + kvBytes + computeBytes;
