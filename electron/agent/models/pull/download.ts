import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { nameFiles, partsOfSet, pathInside, whatIsAt, type NamedFiles } from './file-names.ts';
import type { HttpClient } from './http-client.ts';
import type { Hub } from './hub.ts';
import { chooseVariant, hubVariants, quantizationIn, type HubFile } from './hub-files.ts';
import { withRetries, type RetryOptions } from './interruption.ts';
import { digestOfFile, PartFile } from './part-file.ts';
import { placeModel, type CompletePart, type RecordsPort } from './placing.ts';
import type { PlannedFile } from './pull-record.ts';
import type { PullWork, RoomCheck } from './pull-work.ts';
import { originOf, type HuggingFaceReference, type Reference } from './reference.ts';
import { refusalOf } from './refusals.ts';
import { transfer } from './transfer.ts';

export interface DownloadOptions {
  readonly modelsDir: string;
  readonly stagingDir: string;
  readonly retries: RetryOptions;
}

export interface DownloadDeps {
  readonly http: HttpClient;
  readonly hub: Hub;
  readonly records: RecordsPort;
  readonly clock: Clock;
  readonly random: () => number;
  readonly room: RoomCheck;
  /** Whether a pull that is under way will make a file of this name out of something else than this address. */
  readonly isPromised: (name: string, url: string) => boolean;
  /** Runs work on files of these names when no other work on them runs. */
  readonly alone: <T>(names: readonly string[], work: PullWork, task: () => Promise<T>) => Promise<T>;
}

/** Where a model's files are to be had. */
interface Source {
  readonly files: readonly { path: string; url: string; sizeBytes: number | null; digest: string | null }[];
  readonly origin: string;
  readonly owner: string;
  readonly title: string;
  readonly name: string;
}

type RemoteReference = Extract<Reference, { kind: 'hugging-face' | 'url' }>;

const listTimeoutMs = 30_000;

/** Fetches models from Hugging Face and from other addresses into the models folder. */
export class Download {
  readonly #options: DownloadOptions;
  readonly #deps: DownloadDeps;

  constructor(options: DownloadOptions, deps: DownloadDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Gives the path of the model's (first) file. `sha256`: 64 hex digits that the operator gave. */
  async run(reference: RemoteReference, sha256: string | null, work: PullWork): Promise<string> {
    const source = await this.#persist(work, () => this.#find(reference, work.signal));
    await this.#plan(source, sha256, work);
    const names = work.record().files.map(({ name }) => name);
    return this.#deps.alone(names, work, () => this.#fetchAll(source.origin, work));
  }

  async #find(reference: RemoteReference, signal: AbortSignal): Promise<Source> {
    return reference.kind === 'url' ? sourceAt(reference) : this.#findOnHub(reference, signal);
  }

  async #findOnHub(reference: HuggingFaceReference, signal: AbortSignal): Promise<Source> {
    const { hub } = this.#deps;
    const { repo, revision } = reference;
    const listed = await hub.files(repo, revision, { signal, timeoutMs: listTimeoutMs });
    const files = chosenFiles(reference, listed);
    const [first] = files;
    const quantization = quantizationIn(first?.path ?? '');
    const named =
      reference.file === null ? { ...reference, quantization: quantization ?? reference.quantization } : reference;
    const [owner = '', title = ''] = repo.split('/');
    return {
      files: files.map((file) => ({ ...file, url: hub.fileUrl(repo, revision, file.path) })),
      origin: originOf(named),
      owner,
      title,
      name:
        reference.file === null
          ? `${title}${quantization === null ? '' : ` ${quantization}`}`
          : path.posix.basename(reference.file),
    };
  }

  /** Decides names and digests, and keeps them; a plan that was begun with is gone on with. */
  async #plan(source: Source, sha256: string | null, work: PullWork): Promise<void> {
    const digests = digestsOf(source, sha256);
    const before = work.record().files;
    const isSame =
      before.length === source.files.length && before.every(({ url }, index) => url === source.files[index]?.url);
    const names = isSame ? before.map(({ name }) => name) : await this.#freeNames(source);
    const files: PlannedFile[] = source.files.map(({ url, sizeBytes }, index) => ({
      name: names[index] ?? '',
      url,
      sizeBytes,
      digest: digests[index] ?? null,
      validator: (isSame ? before[index]?.validator : null) ?? null,
    }));
    for (const [index, file] of files.entries()) {
      const old = before[index];
      // The source holds something else than when this began: what has arrived is of no use.
      const changed = old && (old.url !== file.url || (old.digest !== null && old.digest !== file.digest));
      if (changed) await this.#dropPart(index, work, 'The file is another one than when this pull began.');
    }
    work.update({ files, name: source.name });
    const sizes = files.map(({ sizeBytes }) => sizeBytes);
    if (sizes.every((size) => size !== null)) {
      const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
      work.progress.setTotal(totalBytes);
    }
  }

  async #freeNames(source: Source): Promise<string[]> {
    const named = nameFiles(
      source.files.map((file) => file.path),
      source,
    );
    const all = (stem: string): string[] => named.endings.map((ending) => stem + ending);
    for (const stem of stemsOf(named)) {
      const [first = ''] = all(stem);
      const target = pathInside(this.#options.modelsDir, first);
      const isOurs = this.#deps.records.get(target)?.origin === source.origin;
      const isFree =
        (await whatIsAt(target)).kind === 'nothing' && !this.#deps.isPromised(first, source.files[0]?.url ?? '');
      if (isOurs || isFree) return all(stem);
    }
    throw new AppError('conflict', `The models folder has too many models of the name ${named.stem}. Remove some.`);
  }

  async #fetchAll(origin: string, work: PullWork): Promise<string> {
    const { modelsDir } = this.#options;
    const { records, clock } = this.#deps;
    const complete: CompletePart[] = [];
    let beforeBytes = 0;
    for (const index of work.record().files.keys()) {
      const part = (await this.#alreadyHere(index, work)) ?? (await this.#fetch(index, beforeBytes, work));
      complete.push(part);
      beforeBytes += part.sizeBytes;
      work.reach(beforeBytes);
    }
    work.progress.setTotal(beforeBytes);
    work.verifying();
    return placeModel(complete, origin, { modelsDir, records, now: () => clock.now() });
  }

  /** A file that is in the models folder already with the very content that is asked for; its digest is reckoned anew. */
  async #alreadyHere(index: number, work: PullWork): Promise<CompletePart | null> {
    const file = fileAt(index, work);
    const target = pathInside(this.#options.modelsDir, file.name);
    const found = await whatIsAt(target);
    if (found.kind !== 'file' || file.digest === null || found.sizeBytes !== file.sizeBytes) return null;
    work.verifying();
    const digest = await digestOfFile(target, work.signal);
    work.note(null);
    return digest === file.digest ? { part: target, name: file.name, digest, sizeBytes: found.sizeBytes } : null;
  }

  async #fetch(index: number, beforeBytes: number, work: PullWork): Promise<CompletePart> {
    const partPath = this.#partPath(index, work);
    if ((await whatIsAt(partPath)).kind === 'file') work.verifying();
    await using part = await PartFile.open(partPath, work.signal);
    work.note(null);
    let earlierBytes = part.sizeBytes;
    for (;;) {
      const { digest, wanted } = await this.#bring(index, beforeBytes, part, work);
      if (wanted === null || wanted === digest) {
        return { part: partPath, name: fileAt(index, work).name, digest, sizeBytes: part.sizeBytes };
      }
      await part.clear();
      work.progress.beginAgain(beforeBytes);
      if (earlierBytes === 0) {
        await rm(partPath, { force: true });
        throw new AppError(
          'model_unusable',
          `What arrived is not what it should be: its digest is sha256:${digest}, and sha256:${wanted} was expected. It has been removed. Try again, or choose another source.`,
        );
      }
      // A power cut may have spoilt what an earlier run had written; what comes afresh is the source's own word.
      earlierBytes = 0;
      work.note('What had arrived earlier is damaged. It begins anew.');
    }
  }

  /** Brings the rest of a file into its part, with what digest it has and which one it should have, if anyone says. */
  async #bring(
    index: number,
    beforeBytes: number,
    part: PartFile,
    work: PullWork,
  ): Promise<{ digest: string; wanted: string | null }> {
    const file = fileAt(index, work);
    let namedDigest: string | null = null;
    await this.#persist(work, async () => {
      if (part.sizeBytes > 0) work.note(null);
      const transferred = await transfer(file, part, this.#transferDeps(index, beforeBytes, work));
      namedDigest = transferred.namedDigest ?? namedDigest;
    });
    work.verifying();
    await part.sync();
    work.note(null);
    return { digest: part.digest(), wanted: file.digest ?? namedDigest };
  }

  #transferDeps(index: number, beforeBytes: number, work: PullWork): Parameters<typeof transfer>[2] {
    const { http, clock, room } = this.#deps;
    const url = new URL(fileAt(index, work).url);
    const isHub = work.record().source === 'hugging-face';
    return {
      http,
      signal: work.signal,
      validator: {
        get: () => work.record().files[index]?.validator ?? null,
        set: (validator) => {
          const files = work.record().files.map((file, at) => (at === index ? { ...file, validator } : file));
          if (files[index]?.validator !== work.record().files[index]?.validator) work.update({ files });
        },
      },
      onBytes: (bytes) => work.reach(beforeBytes + bytes),
      onRestart: (reason) => {
        work.progress.beginAgain(beforeBytes);
        work.note(`${reason} It begins anew.`);
      },
      onSize: async (sizeBytes, restBytes) => {
        if (work.record().files.length === 1) work.progress.setTotal(sizeBytes);
        await room(work, Math.max(restBytes, (work.progress.totalBytes ?? 0) - (beforeBytes + sizeBytes - restBytes)));
      },
      refusal: (status, headers) =>
        refusalOf(status, headers, {
          host: url.hostname,
          what: path.posix.basename(url.pathname),
          isHub,
          nowMs: clock.now(),
        }),
    };
  }

  #persist<T>(work: PullWork, task: () => Promise<T>): Promise<T> {
    const { clock, random } = this.#deps;
    let arrived = work.progress.receivedBytes;
    let last = work.progress.receivedBytes;
    const arrivedBytes = (): number => {
      // A beginning from zero is no step back: what counts is that something comes.
      const now = work.progress.receivedBytes;
      if (now > last) arrived += now - last;
      last = now;
      return arrived;
    };
    return withRetries(task, this.#options.retries, {
      clock,
      random,
      signal: work.signal,
      arrivedBytes,
      note: (sentence) => {
        work.progress.rest();
        work.note(sentence);
      },
    });
  }

  async #dropPart(index: number, work: PullWork, reason: string): Promise<void> {
    const partPath = this.#partPath(index, work);
    if ((await whatIsAt(partPath)).kind === 'nothing') return;
    await rm(partPath, { force: true });
    work.progress.beginAgain(0);
    work.note(`${reason} It begins anew.`);
  }

  #partPath(index: number, work: PullWork): string {
    return path.join(this.#options.stagingDir, `${work.record().id}-${index}.part`);
  }
}

function sourceAt(reference: Extract<Reference, { kind: 'url' }>): Source {
  const url = new URL(reference.url);
  const paths = partsOfSet(decodeURIComponent(url.pathname));
  const urls = partsOfSet(url.pathname).map((pathname) => `${url.origin}${pathname}${url.search}`);
  const title = path.posix.basename(path.posix.dirname(paths[0] ?? '')) || url.hostname;
  return {
    files: paths.map((each, index) => ({ path: each, url: urls[index] ?? '', sizeBytes: null, digest: null })),
    origin: originOf(reference),
    owner: url.hostname,
    title,
    name: path.posix.basename(paths[0] ?? ''),
  };
}

function chosenFiles(reference: HuggingFaceReference, listed: readonly HubFile[]): readonly HubFile[] {
  const { repo, file } = reference;
  if (file === null) return chooseVariant(repo, hubVariants(listed), reference.quantization).files;
  return partsOfSet(file).map((part) => {
    const found = listed.find((each) => each.path === part);
    if (found) return found;
    throw new AppError('model_not_found', `${repo} on Hugging Face has no file ${part}. Look at its list of files.`);
  });
}

/** The digest that each file has to have. @throws AppError when the given one contradicts the hub's, or fits no file */
function digestsOf(source: Source, given: string | null): (string | null)[] {
  if (given === null) return source.files.map(({ digest }) => digest);
  const [only, ...others] = source.files;
  if (others.length > 0) {
    throw new AppError(
      'invalid_request',
      'The model has several parts, and one digest cannot be that of all. Leave it out.',
    );
  }
  if (only?.digest != null && only.digest !== given) {
    throw new AppError(
      'model_unusable',
      `Hugging Face has another file than the one wanted: its digest is sha256:${only.digest}, and sha256:${given} was given. Check the digest or choose another file.`,
    );
  }
  return [given];
}

function* stemsOf(named: NamedFiles): Generator<string> {
  yield named.stem;
  yield named.ownStem;
  for (let number = 2; number < 100; number += 1) yield `${named.ownStem}-${number}`;
}

function fileAt(index: number, work: PullWork): PlannedFile {
  const file = work.record().files[index];
  if (!file) throw new AppError('internal', 'A pull has lost its plan. Cancel it and pull again.');
  return file;
}
