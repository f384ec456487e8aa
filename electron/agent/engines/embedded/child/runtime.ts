import { availableParallelism } from 'node:os';
import {
  getLlama,
  LlamaLogLevel,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaEmbeddingContext,
  type LlamaModel,
} from 'node-llama-cpp';
import { automaticContextTokens, type ChildSettings } from '../protocol.ts';
import { automaticParallel, automaticThreads } from './automatic.ts';
import { skipMemorySimulation } from './skip-simulation.ts';

/** Everything of the library that is open for one model. */
export interface Runtime {
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly sequences: readonly LlamaContextSequence[];
  readonly threads: number;
  /** Such as "llama.cpp b1234". */
  readonly version: string;
  /** Made on the first call: most nodes never ask for an embedding. */
  embeddingContext(): Promise<LlamaEmbeddingContext>;
  /** llama.cpp's own account of the tokens evaluated since the last call, as its log prints it. */
  timings(): Promise<string[]>;
}

/**
 * Most prompt tokens evaluated at once. Each costs a row of logits (1 MB for a vocabulary of 262,144), and a CPU gains
 * nothing from larger batches.
 */
export const batchTokens = 128;

const smallestContextTokens = 512;

/** Loads the library and the model. `log` gets the library's messages. */
export async function openRuntime(settings: ChildSettings, log: (line: string) => void): Promise<Runtime> {
  const timingLines: string[] = [];
  let collecting = false;
  skipMemorySimulation();
  const llama = await getLlama({
    gpu: false,
    // Never download or compile anything: what the package brought is what runs.
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    maxThreads: 0,
    logLevel: LlamaLogLevel.info,
    logger: (level, message) => {
      if (collecting) timingLines.push(message.trim());
      else if (level !== LlamaLogLevel.info) log(`${level}: ${message.trim()}`);
    },
  });
  const model = await llama.loadModel({ modelPath: settings.modelPath, gpuLayers: 0, useMmap: true });
  const threads =
    settings.threads === 'auto'
      ? automaticThreads({ cores: availableParallelism(), mathCores: llama.cpuMathCores, modelBytes: model.size })
      : settings.threads;
  const sequences = settings.parallel === 'auto' ? automaticParallel(availableParallelism()) : settings.parallel;
  const most = Math.min(automaticContextTokens, model.trainContextSize);
  const contextSize =
    settings.contextSize === 'auto' ? { min: Math.min(smallestContextTokens, most), max: most } : settings.contextSize;
  const context = await model.createContext({
    sequences,
    contextSize,
    threads,
    batchSize: batchTokens,
    // Without it a sliding-window model reads its whole prompt again when a conversation goes on.
    swaFullCache: true,
    performanceTracking: true,
  });
  let embedding: Promise<LlamaEmbeddingContext> | undefined;
  return {
    llama,
    model,
    context,
    sequences: Array.from({ length: sequences }, () => context.getSequence()),
    threads,
    version: `llama.cpp ${llama.llamaCppRelease.release}`,
    embeddingContext: () => {
      embedding ??= model.createEmbeddingContext({ contextSize: context.contextSize, threads, batchSize: batchTokens });
      return embedding;
    },
    async timings() {
      collecting = true;
      try {
        await context.printTimings();
        return timingLines.splice(0);
      } finally {
        collecting = false;
      }
    },
  };
}
