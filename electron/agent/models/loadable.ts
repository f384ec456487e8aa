import type { CatalogModel } from './catalog-model.ts';
import { bitnetTensorType } from './gguf-types.ts';

/** What of a model decides which engines can load it. */
export type Loadable = Pick<CatalogModel, 'header' | 'problem'>;

/**
 * Tensor types of the BitNet fork that mainline llama.cpp never had. Its TL2 has the number 39, which is MXFP4 in
 * mainline: there the architecture decides. Source: `ggml.h` of the fork that microsoft/BitNet builds, and of llama.cpp.
 */
const bitnetTypes = new Map([
  [bitnetTensorType, 'i2_s'],
  [37, 'i8_s'],
  [38, 'tl1'],
]);
const tl2 = 39;

/** Formats with rows repacked for one kind of processor: taken out of llama.cpp in 2024, and the fork is older. */
const repackedTypes = new Map([
  [31, 'Q4_0_4_4'],
  [32, 'Q4_0_4_8'],
  [33, 'Q4_0_8_8'],
]);

/** Architectures of the BitNet fork, which was cut from llama.cpp in October 2024 (`LLM_ARCH_NAMES` there). */
const bitnetArchitectures = new Set(
  (
    'llama falcon grok gpt2 gptj gptneox mpt baichuan starcoder refact bert nomic-bert jina-bert-v2 bloom stablelm ' +
    'qwen qwen2 qwen2moe phi2 phi3 plamo codeshell orion internlm2 minicpm minicpm3 gemma gemma2 starcoder2 mamba ' +
    'xverse command-r dbrx olmo olmoe openelm arctic deepseek2 chatglm bitnet bitnet-25 bitnet-b1.58 t5 t5encoder ' +
    'jais nemotron exaone rwkv6 granite granitemoe chameleon'
  ).split(' '),
);

const newestBitnetType = 39;

/**
 * Why llama.cpp as everyone has it (llama-server, the embedded engine, Ollama) can never load a model, and which engine
 * can; null when it can, as far as the header tells.
 */
export function refusedByMainline(model: Loadable): string | null {
  const { header, problem } = model;
  if (header === null) return problem ?? 'Its header could not be read.';
  const ternary = bitnetFormat(header);
  if (ternary !== null) {
    return (
      `Its weights are in the format ${ternary}, which only the BitNet engine runs. ` +
      'Install it with: ranch-hand engines install bitnet.'
    );
  }
  for (const type of header.tensorTypes.keys()) {
    const repacked = repackedTypes.get(type);
    if (repacked !== undefined) {
      return `Its weights are in the format ${repacked}, which engines no longer read. Download the model in Q4_0.`;
    }
  }
  return null;
}

/** Why the BitNet engine can never load a model, and which engines can; null when it can, as far as the header tells. */
export function refusedByBitnet(model: Loadable): string | null {
  const { header, problem } = model;
  if (header === null) return problem ?? 'Its header could not be read.';
  if (!bitnetArchitectures.has(header.architecture)) {
    return (
      `The BitNet engine is older than the architecture ${header.architecture}. ` +
      'Use Ollama, llama-server or the embedded engine for this model.'
    );
  }
  if (bitnetFormat(header) !== null) return null;
  const newer = [...header.tensorTypes.keys()].some((type) => type >= newestBitnetType);
  if (!newer) return null;
  return (
    `The BitNet engine is older than the format ${header.quantization ?? 'of its weights'}. ` +
    'Use Ollama, llama-server or the embedded engine for this model.'
  );
}

function bitnetFormat(header: NonNullable<Loadable['header']>): string | null {
  for (const type of header.tensorTypes.keys()) {
    const name = bitnetTypes.get(type);
    if (name !== undefined) return name;
    if (type === tl2 && header.architecture.startsWith('bitnet')) return 'tl2';
  }
  return null;
}
