import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../base/errors.ts';
import { pathInside, safeStem, whatIsAt } from './file-names.ts';
import { libraryListener, type LibraryPuller } from './library.ts';
import { noProgram, type Quantizer } from './llama-quantize.ts';
import { digestOfFile } from './part-file.ts';
import { placeModel, type RecordsPort } from './placing.ts';
import type { PullJob } from './pull-record.ts';
import type { Arrival, PullWork, RoomCheck } from './pull-work.ts';

/** The largest that can be made has 8.5 bits a weight, and the smallest source has 16. */
const largestShare = 8.5 / 16;

/** Makes quantizations from models of this node. */
export class Making {
  readonly #options: { readonly modelsDir: string; readonly stagingDir: string };
  readonly #deps: MakingDeps;

  constructor(options: { readonly modelsDir: string; readonly stagingDir: string }, deps: MakingDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async run(job: Extract<PullJob, { kind: 'quantize' }>, work: PullWork): Promise<Arrival> {
    return job.path === null
      ? this.#inLibrary(job, work)
      : { kind: 'file', path: await this.#ofFile(job.path, job.quantization, job.target, work) };
  }

  async #inLibrary(job: Extract<PullJob, { kind: 'quantize' }>, work: PullWork): Promise<Arrival> {
    const { library } = this.#deps;
    if (!library)
      throw new AppError(
        'engine_not_ready',
        'Ollama keeps that model, and none answers here. Start Ollama, then try again.',
      );
    const { from, target, quantization } = job;
    await library.createQuantized(from, quantization, target, libraryListener(work), work.signal);
    return { kind: 'library', name: target };
  }

  async #ofFile(source: string, quantization: string, target: string, work: PullWork): Promise<string> {
    const { quantizer, room, records, now } = this.#deps;
    if (!quantizer?.available()) throw noProgram();
    const sourceBytes = (await stat(source)).size;
    work.progress.beginAgain(0);
    work.progress.setTotal(sourceBytes);
    await room(work, Math.ceil(sourceBytes * largestShare));
    const part = path.join(this.#options.stagingDir, `${work.record().id}-0.part`);
    try {
      await rm(part, { force: true });
      const onProgress = (share: number): void => work.reach(share * sourceBytes);
      await quantizer.run({ source, target: part, quantization }, onProgress, work.signal);
      work.verifying();
      const digest = await digestOfFile(part, work.signal);
      const name = await this.#freeName(target);
      const { size: sizeBytes } = await stat(part);
      const { modelsDir } = this.#options;
      const placed = await placeModel([{ part, name, digest, sizeBytes }], null, { modelsDir, records, now });
      work.reach(sourceBytes);
      return placed;
    } finally {
      // Half a quantization is of no use to anyone.
      await rm(part, { force: true });
    }
  }

  async #freeName(stem: string): Promise<string> {
    for (let number = 1; number < 100; number += 1) {
      const name = `${stem}${number === 1 ? '' : `-${number}`}.gguf`;
      if ((await whatIsAt(pathInside(this.#options.modelsDir, name))).kind === 'nothing') return name;
    }
    throw new AppError('conflict', `The models folder has too many models of the name ${stem}. Remove some.`);
  }
}

export interface MakingDeps {
  readonly quantizer: Quantizer | null;
  readonly library: LibraryPuller | null;
  readonly records: RecordsPort;
  readonly now: () => number;
  readonly room: RoomCheck;
}

/** Stem of the file that is made from `source`: its F16, BF16 or F32 replaced by the new quantization. */
export function madeStem(source: string, quantization: string): string {
  const stem = path.basename(source).replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, '');
  const base = stem.replace(/[-._](?:bf16|fp?16|fp?32)$/i, '');
  return safeStem(`${base}-${quantization}`);
}

/** Name in Ollama of what is made from `name`: its tag with the new quantization, as the library writes them. */
export function madeName(name: string, quantization: string): string {
  const [model = name, tag = ''] = name.split(':');
  const size = tag.replace(/-?(?:fp16|f16|bf16|f32)$/i, '').replace(/^latest$/, '');
  const written = quantization.replace(/^Q/, 'q');
  return `${model}:${size === '' ? written : `${size}-${written}`}`;
}
