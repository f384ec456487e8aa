import { randomBytes } from 'node:crypto';
import type { PullSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { CalmAnnouncer } from './calm-announcer.ts';
import { madeName, madeStem } from './making.ts';
import { Progress } from './progress.ts';
import { compareRecords, hasEnded, toSnapshot, type PullJob, type PullRecord, type PullState } from './pull-record.ts';
import { PullRunner, type PullRunnerDeps, type PullRunnerOptions } from './pull-runner.ts';
import { PullStore } from './pull-store.ts';
import { diskFull, isDiskFull, requireRoom, type Arrival, type PullWork, type Room } from './pull-work.ts';
import { displayName, parseDigest, parseReference, referenceKey } from './reference.ts';
import { StagingFolder } from './staging-folder.ts';

export interface PullsOptions extends PullRunnerOptions {
  /** A JSON file of the list's own. */
  readonly stateFile: string;
  /** What stays free on the disk. */
  readonly diskReserveBytes: number;
}

export interface PullsDeps extends PullRunnerDeps {
  readonly logger: Logger;
  /** Room that this user has on the disk of a folder. */
  readonly freeDiskBytes: (folder: string) => Promise<number>;
  /** Makes the model known; gives its id, null when it did not turn up in the list. */
  readonly onArrived: (arrival: Arrival) => Promise<string | null>;
}

/** A model to make from one of this node. */
export interface MakeOrder {
  /** Id of the model it is made from. */
  readonly from: string;
  /** Its (first) file; null for one that Ollama keeps. */
  readonly path: string | null;
  readonly quantization: string;
  readonly use: boolean;
}

interface Pull {
  record: PullRecord;
  progress: Progress;
  /** Aborted with an {@link Interrupted}; null while nothing runs. */
  running: { readonly controller: AbortController; readonly ended: Promise<void> } | null;
}

class Interrupted extends Error {
  readonly by: 'pause' | 'cancel' | 'stop';
  constructor(by: 'pause' | 'cancel' | 'stop') {
    super(`interrupted by ${by}`);
    this.by = by;
  }
}

const mostAtOnce = 2;
const mostUnfinished = 32;
const mostListed = 20;
const mostEnded = 20;
const announceEveryMs = 250;

/** Models on their way here: each one survives cuts, pauses and the agent itself, and becomes visible only when whole. */
export class Pulls {
  /** Announced when {@link list} has changed, at most four times a second for mere progress. */
  readonly changed: Announcer<void>;
  /** A pull has ended well; `model` is the id of what came of it. Whoever cannot use it as wished says so by {@link notUsed}. */
  readonly finished = new Announcer<{ readonly pull: PullSnapshot; readonly model: string | null }>();
  readonly #options: PullsOptions;
  readonly #deps: PullsDeps;
  readonly #store: PullStore;
  readonly #staging: StagingFolder;
  readonly #runner: PullRunner;
  readonly #announcing: CalmAnnouncer;
  readonly #pulls = new Map<string, Pull>();
  #open = false;

  constructor(options: PullsOptions, deps: PullsDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#store = new PullStore({ file: options.stateFile }, { logger: deps.logger });
    this.#staging = new StagingFolder(options.stagingDir);
    this.#announcing = new CalmAnnouncer({ everyMs: announceEveryMs }, { clock: deps.clock });
    this.changed = this.#announcing.changed;
    this.#runner = new PullRunner(options, {
      ...deps,
      room: (work, moreBytes) => this.#room(work, moreBytes),
      isPromised: (name, url) => this.#isPromised(name, url),
    });
  }

  /** Takes up what ran when the agent ended, however it ended, and removes parts that belong to nothing. */
  async startUp(): Promise<void> {
    const records = this.#store.load();
    await this.#staging.make();
    for (const record of records) {
      const wasRunning = record.state.kind === 'running' || record.state.kind === 'verifying';
      const kept: PullRecord = wasRunning ? { ...record, state: { kind: 'queued' } } : record;
      const received = hasEnded(record.state) ? record.receivedBytes : await this.#staging.bytesOf(record.id);
      this.#pulls.set(record.id, { record: kept, progress: new Progress(received, record.totalBytes), running: null });
    }
    await this.#staging.keepOnly(
      records.filter(({ state }) => state.kind !== 'done' && state.kind !== 'cancelled').map(({ id }) => id),
    );
    this.#open = true;
    this.#startNext();
    this.#announcing.now();
  }

  /** Running ones first, then the last that ended, newest first. */
  list(): PullSnapshot[] {
    const nowMs = this.#deps.clock.monotonic();
    return this.#ordered()
      .slice(0, mostListed)
      .map(({ record, progress }) => toSnapshot(record, progress, nowMs));
  }

  /**
   * Begins a pull, or goes on with the one of the same thing. Gives its id.
   *
   * @throws AppError `invalid_request` for a reference or a digest that is none; `conflict`; `shutting_down`
   */
  start(order: { readonly reference: string; readonly sha256?: string | undefined; readonly use: boolean }): string {
    const reference = parseReference(order.reference);
    const sha256 = order.sha256 === undefined ? null : parseDigest(order.sha256);
    if (reference.kind === 'ollama' && sha256 !== null) {
      throw new AppError('invalid_request', 'Ollama checks the digests of its library itself. Leave the digest out.');
    }
    return this.#begin({
      job: { kind: 'fetch', reference: order.reference.trim(), sha256 },
      name: displayName(reference),
      source: reference.kind,
      use: order.use,
    });
  }

  /** Begins to make another quantization. Gives its id among the pulls. @throws AppError `conflict`, `shutting_down` */
  quantize(order: MakeOrder): string {
    const { from, path: file, use } = order;
    const quantization = order.quantization.toUpperCase();
    if (!/^[A-Z0-9_]{1,40}$/.test(quantization)) {
      throw new AppError('invalid_request', 'That is no name of a quantization. Write one such as Q4_K_M.');
    }
    const target = file === null ? madeName(from, quantization) : madeStem(file, quantization);
    return this.#begin({
      job: { kind: 'quantize', from, path: file, quantization, target },
      name: target,
      source: 'quantize',
      use,
    });
  }

  /** Stops it and keeps what has arrived. @throws AppError `not_found`, `conflict` */
  async pause(id: string): Promise<void> {
    const pull = this.#byId(id);
    if (pull.record.source === 'quantize') {
      throw new AppError('conflict', 'Making a quantization cannot be paused. Cancel it, or let it end.');
    }
    if (hasEnded(pull.record.state)) throw alreadyEnded(pull.record);
    if (pull.record.state.kind !== 'paused') await this.#interrupt(pull, 'pause');
  }

  /** Goes on with one that is paused or has failed. @throws AppError `not_found`, `conflict`, `shutting_down` */
  resume(id: string): void {
    const pull = this.#byId(id);
    const { state } = pull.record;
    if (state.kind === 'done' || state.kind === 'cancelled') throw alreadyEnded(pull.record);
    if (state.kind === 'paused' || state.kind === 'failed') this.#enqueue(pull);
  }

  /** Ends it and removes what has arrived. @throws AppError `not_found`, `conflict` */
  async cancel(id: string): Promise<void> {
    const pull = this.#byId(id);
    if (pull.record.state.kind === 'cancelled') return;
    if (pull.record.state.kind === 'done') throw alreadyEnded(pull.record);
    await this.#interrupt(pull, 'cancel');
  }

  /** A model that was pulled to be used cannot be, with the reason in a sentence. */
  notUsed(id: string, reason: string): void {
    const pull = this.#byId(id);
    const { state } = pull.record;
    if (state.kind === 'done') this.#enter(pull, { ...state, notUsed: reason });
  }

  /** Stops all work; {@link startUp} goes on with it in the next life of the agent. */
  async stop(): Promise<void> {
    this.#open = false;
    await Promise.all([...this.#pulls.values()].map((pull) => this.#interrupt(pull, 'stop')));
    this.#announcing.stop();
    this.#runner.close();
    this.#save();
  }

  #begin(order: Pick<PullRecord, 'job' | 'name' | 'source' | 'use'>): string {
    if (!this.#open) throw new AppError('shutting_down', 'The agent is not ready for pulls. Try again in a moment.');
    const same = this.#sameThing(order.job);
    if (same) return this.#join(same, order);
    const unfinished = [...this.#pulls.values()].filter(({ record }) => !hasEnded(record.state)).length;
    if (unfinished >= mostUnfinished) {
      throw new AppError('conflict', `${unfinished} pulls wait already. Let some end, or cancel them.`);
    }
    const record: PullRecord = {
      ...order,
      id: randomBytes(8).toString('hex'),
      state: { kind: 'queued' },
      files: [],
      receivedBytes: 0,
      totalBytes: null,
      startedAt: this.#deps.clock.now(),
    };
    const pull: Pull = { record, progress: new Progress(0, null), running: null };
    this.#pulls.set(record.id, pull);
    this.#enqueue(pull);
    return record.id;
  }

  /** The same thing is under way, paused, or failed with parts that are of use: two pulls of it are one. */
  #join(pull: Pull, order: Pick<PullRecord, 'job' | 'use'>): string {
    const { job, state } = pull.record;
    if (
      job.kind === 'fetch' &&
      order.job.kind === 'fetch' &&
      order.job.sha256 !== null &&
      job.sha256 !== order.job.sha256
    ) {
      if (state.kind !== 'failed') {
        throw new AppError('conflict', 'The same model is being pulled with another digest. Cancel that pull first.');
      }
      pull.record = { ...pull.record, job: order.job };
    }
    pull.record = { ...pull.record, use: pull.record.use || order.use };
    if (state.kind === 'paused' || state.kind === 'failed') this.#enqueue(pull);
    else this.#announcing.now();
    return pull.record.id;
  }

  #sameThing(job: PullJob): Pull | undefined {
    const key = keyOf(job);
    return [...this.#pulls.values()].find(
      ({ record }) => record.state.kind !== 'done' && record.state.kind !== 'cancelled' && keyOf(record.job) === key,
    );
  }

  #enqueue(pull: Pull): void {
    this.#enter(pull, { kind: 'queued' });
    this.#startNext();
  }

  #startNext(): void {
    if (!this.#open) return;
    const all = [...this.#pulls.values()];
    let free = mostAtOnce - all.filter(({ running }) => running !== null).length;
    for (const pull of all) {
      if (free <= 0) return;
      if (pull.running !== null || pull.record.state.kind !== 'queued') continue;
      free -= 1;
      const controller = new AbortController();
      this.#enter(pull, { kind: 'running', note: null });
      pull.running = { controller, ended: this.#run(pull, controller.signal) };
    }
  }

  /** Never rejects: however the work ends, the pull has a state that says so. */
  async #run(pull: Pull, signal: AbortSignal): Promise<void> {
    let model: string | null;
    try {
      const arrival = await this.#runner.run(this.#workOf(pull, signal));
      model = await this.#deps.onArrived(arrival);
      await this.#removeParts(pull.record.id);
      pull.running = null;
      if (pull.progress.totalBytes === null) pull.progress.setTotal(pull.progress.receivedBytes);
      this.#enter(pull, { kind: 'done', endedAt: this.#deps.clock.now(), model, notUsed: null });
    } catch (error) {
      pull.running = null;
      pull.progress.rest();
      if (signal.reason instanceof Interrupted) await this.#rest(pull, signal.reason.by);
      else await this.#fail(pull, error);
      this.#startNext();
      return;
    }
    this.#startNext();
    this.finished.announce({ pull: toSnapshot(pull.record, pull.progress, this.#deps.clock.monotonic()), model });
  }

  #workOf(pull: Pull, signal: AbortSignal): PullWork {
    return {
      record: () => pull.record,
      update: (change) => {
        pull.record = { ...pull.record, ...change };
        this.#save();
      },
      progress: pull.progress,
      signal,
      reach: (bytes) => {
        pull.progress.reach(bytes, this.#deps.clock.monotonic());
        this.#announcing.soon();
      },
      note: (note) => this.#tell(pull, signal, { kind: 'running', note }),
      verifying: () => this.#tell(pull, signal, { kind: 'verifying' }),
    };
  }

  async #fail(pull: Pull, error: unknown): Promise<void> {
    const told = isDiskFull(error) ? await this.#fullDisk(pull).catch(toAppError) : toAppError(error);
    this.#deps.logger.warn({ pull: pull.record.id, source: pull.record.source, err: error }, 'a pull has failed');
    this.#enter(pull, { kind: 'failed', endedAt: this.#deps.clock.now(), message: told.message });
  }

  async #fullDisk({ progress }: Pull): Promise<AppError> {
    return diskFull(await this.#roomFor(Math.max(0, (progress.totalBytes ?? 0) - progress.receivedBytes)));
  }

  async #room(work: PullWork, moreBytes: number): Promise<void> {
    // What other pulls that run will still take is not free for this one.
    const promised = [...this.#pulls.values()]
      .filter(({ running, record }) => running !== null && record.id !== work.record().id && record.source !== 'ollama')
      .reduce((sum, { progress }) => sum + Math.max(0, (progress.totalBytes ?? 0) - progress.receivedBytes), 0);
    requireRoom(await this.#roomFor(moreBytes + promised));
  }

  async #roomFor(neededBytes: number): Promise<Room> {
    const { stagingDir, modelsDir, diskReserveBytes } = this.#options;
    const freeBytes = await this.#deps.freeDiskBytes(stagingDir);
    return { neededBytes, reserveBytes: diskReserveBytes, freeBytes, folder: modelsDir };
  }

  /** Another pull will make a file of this name, out of something else. */
  #isPromised(name: string, url: string): boolean {
    return [...this.#pulls.values()].some(
      ({ record }) => !hasEnded(record.state) && record.files.some((file) => file.name === name && file.url !== url),
    );
  }

  /** Resolves when the work, if any, is over. It may have come to its end meanwhile. */
  async #interrupt(pull: Pull, by: Interrupted['by']): Promise<void> {
    const { running } = pull;
    if (!running) {
      if (by !== 'stop') await this.#rest(pull, by);
      return;
    }
    running.controller.abort(new Interrupted(by));
    await running.ended;
  }

  /** The state of a pull that was interrupted. One that was stopped with the agent waits for its next start. */
  async #rest(pull: Pull, by: Interrupted['by']): Promise<void> {
    if (by === 'cancel') {
      await this.#removeParts(pull.record.id);
      pull.progress.beginAgain(0);
      this.#enter(pull, { kind: 'cancelled', endedAt: this.#deps.clock.now() });
    } else this.#enter(pull, { kind: by === 'pause' ? 'paused' : 'queued' });
  }

  #byId(id: string): Pull {
    const pull = this.#pulls.get(id);
    if (!pull) throw new AppError('not_found', 'There is no such pull. It may have ended long ago.');
    return pull;
  }

  /** A change of state: kept and announced at once. */
  #enter(pull: Pull, state: PullState): void {
    pull.record = { ...pull.record, state };
    this.#forgetOld();
    this.#save();
    this.#announcing.now();
  }

  /** What is going on within a run: announced, not kept. */
  #tell(pull: Pull, signal: AbortSignal, state: PullState): void {
    // A word that comes late must not wake a pull that has ended or is paused.
    if (signal.aborted || hasEnded(pull.record.state)) return;
    const before = JSON.stringify(pull.record.state);
    pull.record = { ...pull.record, state };
    if (before !== JSON.stringify(state)) this.#announcing.now();
  }

  #forgetOld(): void {
    const ended = this.#ordered().filter(({ record }) => hasEnded(record.state));
    for (const { record } of ended.slice(mostEnded)) {
      this.#pulls.delete(record.id);
      void this.#removeParts(record.id);
    }
  }

  /** Parts that cannot be removed are in nobody's way: the next start tries again. */
  async #removeParts(id: string): Promise<void> {
    try {
      await this.#staging.removePartsOf(id);
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'parts of a pull could not be removed');
    }
  }

  #ordered(): Pull[] {
    return [...this.#pulls.values()].sort((a, b) => compareRecords(a.record, b.record));
  }

  #save(): void {
    const kept = [...this.#pulls.values()].map(({ record, progress }) => ({
      ...record,
      receivedBytes: progress.receivedBytes,
      totalBytes: progress.totalBytes,
    }));
    this.#store.save(kept);
  }
}

function keyOf(job: PullJob): string {
  return job.kind === 'fetch' ? referenceKey(parseReference(job.reference)) : `make ${job.from} ${job.quantization}`;
}

function alreadyEnded({ state }: PullRecord): AppError {
  return new AppError('conflict', `The pull has ended already (${state.kind}). Begin a new one.`);
}
