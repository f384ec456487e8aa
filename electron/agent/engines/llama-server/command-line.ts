import type { CatalogModel } from '../../models/catalog-model.ts';
import { memoryTerms } from '../../models/fit-memory.ts';
import type { LoadOptions } from '../engine.ts';
import { automaticParallel, automaticThreads, type Machine } from '../process-engine/machine.ts';

type OrAuto = number | 'auto';

/** How a model is loaded, with every choice made. */
export interface ResolvedLoad {
  /** Tokens of each slot. */
  readonly contextLength: number;
  readonly parallel: number;
  readonly kvType: 'f16' | 'q8_0' | 'q4_0';
  readonly threads: number;
}

export interface LoadDefaults {
  readonly contextLength: OrAuto;
  readonly parallel: OrAuto;
  readonly threads: OrAuto;
  readonly kvType: 'f16' | 'q8_0' | 'q4_0';
  /** Most that an automatic context has. */
  readonly automaticContext: number;
}

const unknownContext = 4_096;

/** What was asked for, then what the settings say, then what the model and the machine suggest. Pure. */
export function resolveLoad(
  options: LoadOptions,
  defaults: LoadDefaults,
  file: Pick<CatalogModel, 'shape' | 'header'>,
  machine: Machine,
): ResolvedLoad {
  const trained = file.shape?.contextLength ?? file.header?.contextLength ?? unknownContext;
  const chosen = firstNumber(options.contextLength, defaults.contextLength);
  return {
    contextLength: chosen ?? Math.min(trained, defaults.automaticContext),
    parallel: firstNumber(options.parallel, defaults.parallel) ?? automaticParallel(machine),
    kvType: options.kvType ?? defaults.kvType,
    threads: firstNumber(defaults.threads) ?? automaticThreads(machine),
  };
}

function firstNumber(...figures: readonly OrAuto[]): number | null {
  return figures.find((figure) => figure !== 'auto') ?? null;
}

const mebibyte = 2 ** 20;
/** Bounds of the memory for prompts of conversations that have no slot now; the server's own choice is 8 GiB. */
const promptCacheMiB = { least: 128, most: 4_096, untold: 512 };

/** What memory that is left over beside the model is used for. */
export interface SpareMemory {
  /** Keeps whole prompts of a model whose layers look back only so far, so that a conversation can be gone on with. */
  readonly wholeWindow: boolean;
  /** For prompts of conversations that have no slot now. */
  readonly promptCacheMiB: number;
}

/**
 * Prompts that are kept are prompts that need not be read again: half of what the model leaves free may go there, the
 * layers with a window first. Never more than is free, so the model's own fit stays as it was told. Pure.
 *
 * @param freeBytes what programs can have before the model is loaded
 */
export function spareMemory(file: Pick<CatalogModel, 'shape'>, load: ResolvedLoad, freeBytes: number): SpareMemory {
  const { shape } = file;
  if (shape === null || shape.layers.length === 0) return { wholeWindow: false, promptCacheMiB: promptCacheMiB.untold };
  const options = { ...load, engineKind: 'llama-server' } as const;
  const needs = memoryTerms(shape, options);
  const left = freeBytes - needs.weightsBytes - needs.kvBytes - needs.computeBytes;
  const wholeShape = { ...shape, layers: shape.layers.map((layer) => ({ ...layer, window: null })) };
  const wholeBytes = memoryTerms(wholeShape, options).kvBytes - needs.kvBytes;
  const wholeWindow = wholeBytes > 0 && wholeBytes <= left / 2;
  const cacheMiB = Math.floor((left / 2 - (wholeWindow ? wholeBytes : 0)) / mebibyte);
  return {
    wholeWindow,
    promptCacheMiB: Math.min(promptCacheMiB.most, Math.max(promptCacheMiB.least, cacheMiB)),
  };
}

/**
 * How alike a prompt must be to a slot's for the server to take that prompt as the same conversation, gone on. Below it
 * the slot's prompt is put aside before it is overwritten, and one put aside earlier is looked for: two agents with the
 * same long system prompt are different conversations.
 */
const sameConversation = 0.9;
/**
 * Tokens of prompts that a processor reads in one go, which nothing can break off: a caller who leaves frees the slot
 * after that, and answers of others stand still for as long. The server's own choice is 2,048: many seconds of a
 * processor, and nothing to a graphics card. Measured, 128 are read as fast as 256 or 512; with 64 a tenth is lost.
 */
const processorBatch = 128;
/** An input of this many tokens can be turned into a vector in one go. */
const embeddingBatch = 2_048;

export interface CommandLineSite {
  readonly port: number;
  readonly keyFile: string;
  readonly spare: SpareMemory;
  /** It computes on the processor, for certain. */
  readonly processorOnly: boolean;
  /** What `--help` of the program names. */
  readonly knows: (flag: string) => boolean;
}

/**
 * Arguments of llama.cpp's own server. Nothing that opens it to others or to files is among them: loopback, a key of
 * its own, no web page, no RPC. Where layers go is left to it: one built for a graphics card uses it.
 */
export function llamaServerArguments(
  model: { readonly id: string; readonly path: string; readonly embedsOnly: boolean },
  load: ResolvedLoad,
  site: CommandLineSite,
): string[] {
  const ifKnown = (...words: [string, ...string[]]): string[] => (site.knows(words[0]) ? words : []);
  return [
    '--model',
    model.path,
    ...ifKnown('--alias', model.id),
    '--host',
    '127.0.0.1',
    '--port',
    String(site.port),
    ...ifKnown('--api-key-file', site.keyFile),
    '--ctx-size',
    String(load.contextLength * load.parallel),
    '--parallel',
    String(load.parallel),
    '--threads',
    String(load.threads),
    // A quantized cache of values needs flash attention, which the server then chooses by itself.
    ...(load.kvType === 'f16' ? [] : ['--cache-type-k', load.kvType, '--cache-type-v', load.kvType]),
    ...ifKnown('--jinja'),
    ...ifKnown('--metrics'),
    ...ifKnown('--no-webui'),
    ...ifKnown('--cache-ram', String(site.spare.promptCacheMiB)),
    ...(site.spare.wholeWindow ? ifKnown('--swa-full') : []),
    ...ifKnown('--slot-prompt-similarity', String(sameConversation)),
    ...ifKnown('--embeddings'),
    ...(model.embedsOnly
      ? ['--batch-size', String(embeddingBatch), '--ubatch-size', String(embeddingBatch)]
      : [
          // A model that was made to write has no way of its own to sum up a text: the mean of its words is taken.
          ...ifKnown('--pooling', 'mean'),
          ...(site.processorOnly ? ifKnown('--batch-size', String(processorBatch)) : []),
        ]),
  ];
}

/** Whether the list that a program prints of its devices is there and empty. */
export function listsNoDevice(output: string): boolean {
  const [, list] = output.split(/^Available devices:\s*$/m);
  return list !== undefined && !/^\s+\w+:/m.test(list);
}

/** The flags that a program's help names. */
export function flagsOf(help: string): ReadonlySet<string> {
  return new Set(help.match(/(?<![\w-])--?[a-z][\w-]*/g) ?? []);
}
