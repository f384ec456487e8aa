import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { QueryAnswer } from '../../../contract/control.ts';
import type { EngineKind, InstallSnapshot } from '../../../contract/snapshot.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { EngineLogReader } from '../engine.ts';
import { EngineLog } from '../engine-log.ts';
import { installFolder } from '../finding/program-places.ts';
import { RotatedFile } from '../rotated-file.ts';
import { bitnetRecipe } from './bitnet-recipe.ts';
import type { HttpGet } from './fetching.ts';
import type { InstallableKind, InstallStep, Recipe, StepDeps } from './recipe.ts';
import { releaseRecipe } from './release-recipe.ts';
import { runCommand, toolEnvironment } from './running.ts';
import { officialSources, type InstallMachine, type InstallSources } from './sources.ts';
import { findBuildTools } from './tools.ts';

export interface InstallerOptions extends InstallMachine {
  readonly dataDir: string;
  readonly logsDir: string;
  readonly modelsDir: string;
  /** The agent's: where programs are, and the way to the internet. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the projects' own. */
  readonly sources?: InstallSources;
}

export interface InstallerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly http: HttpGet;
}

/** The part of a snapshot that holds throughout a step. */
type Position = Omit<InstallSnapshot, 'state' | 'endedAt' | 'sentence' | 'kind'> & { readonly kind: InstallableKind };

interface Running {
  readonly abort: AbortController;
  readonly over: Promise<void>;
}

const logBytes = 5 * 1024 * 1024;
const logFiles = 2;
const kinds: readonly InstallableKind[] = ['ollama', 'llama-server', 'bitnet'];

/** Installs engines into the data folder, on the operator's consent. */
export class Installer {
  /** Announced after every change of {@link list}. */
  readonly changed = new Announcer<void>();
  /** An engine is there: whoever uses it may look for it now. */
  readonly installed = new Announcer<InstallableKind>();
  readonly #options: InstallerOptions;
  readonly #deps: InstallerDeps;
  readonly #logs = new Map<EngineKind, EngineLog>();
  readonly #snapshots = new Map<EngineKind, InstallSnapshot>();
  readonly #running = new Map<EngineKind, Running>();

  constructor(options: InstallerOptions, deps: InstallerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The official steps for this machine, which are those that {@link install} runs. Changes nothing. */
  async steps(kind: EngineKind): Promise<QueryAnswer<'installSteps'>> {
    const { sentence, steps, problem } = await this.#recipe(installable(kind));
    return {
      kind,
      sentence,
      problem,
      steps: steps.map((step) => ({ sentence: step.sentence, lines: [...step.lines] })),
    };
  }

  /** Those under way, and the last one of each kind that ended. */
  list(): InstallSnapshot[] {
    return [...this.#snapshots.values()];
  }

  /** What the steps wrote; empty for a kind that was not installed since the start. */
  log(kind: EngineKind): EngineLogReader {
    return this.#logOf(installable(kind));
  }

  /**
   * Begins to install; how it goes on and ends is in {@link list}.
   *
   * @throws AppError `invalid_request` for an engine that is part of the program; `conflict` while one is under way
   */
  install(kind: EngineKind): void {
    const wanted = installable(kind);
    if (this.#running.has(kind)) {
      throw new AppError('conflict', `${kind} is being installed already. Wait until that is done, or cancel it.`);
    }
    const abort = new AbortController();
    const startedAt = this.#now();
    this.#show({
      kind,
      state: 'running',
      step: 1,
      steps: 1,
      sentence: 'Looking at this machine.',
      progress: null,
      startedAt,
      endedAt: null,
    });
    const over = this.#run(wanted, startedAt, abort.signal);
    this.#running.set(kind, { abort, over });
  }

  /** Ends an installation and removes what it had fetched; resolves when nothing of it runs any more. */
  async cancel(kind: EngineKind): Promise<void> {
    const running = this.#running.get(kind);
    if (!running) throw new AppError('not_found', `${kind} is not being installed.`);
    running.abort.abort();
    await running.over;
  }

  /** Ends whatever is under way. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort();
    await Promise.all(running.map(({ over }) => over));
  }

  /** Never rejects: the end is in the snapshot, once nothing of the work is left. */
  async #run(kind: InstallableKind, startedAt: string, signal: AbortSignal): Promise<void> {
    const staging = path.join(this.#options.dataDir, 'engines', `.installing-${kind}`);
    let at: Position = { kind, startedAt, step: 1, steps: 1, progress: null };
    let ending: Pick<InstallSnapshot, 'state' | 'sentence'>;
    try {
      const recipe = await this.#recipe(kind);
      if (recipe.problem !== null) throw new AppError('engine_failed', recipe.problem);
      // What a run before left behind is of no use: no half of it is trusted.
      await rm(staging, { recursive: true, force: true });
      await mkdir(staging, { recursive: true, mode: 0o700 });
      for (const [index, step] of recipe.steps.entries()) {
        at = { ...at, step: index + 1, steps: recipe.steps.length };
        await this.#runStep(step, at, staging, signal);
      }
      at = { ...at, progress: 1 };
      ending = { state: 'done', sentence: `${kind} is installed.` };
    } catch (error) {
      ending = this.#failure(kind, error, signal);
    }
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    this.#running.delete(kind);
    this.#show({ ...at, ...ending, endedAt: this.#now() });
    if (ending.state === 'done') this.installed.announce(kind);
  }

  async #runStep(step: InstallStep, at: Position, staging: string, signal: AbortSignal): Promise<void> {
    const { kind } = at;
    const { sentence } = step;
    const log = this.#logOf(kind);
    log.append('stdout', sentence);
    this.#show({ ...at, state: 'running', sentence, endedAt: null });
    if (signal.aborted) throw new AppError('caller_gone', 'The installation was cancelled.');
    await step.run(this.#stepDeps(kind, staging, log, signal, this.#shareOf(at, sentence)));
  }

  #failure(kind: InstallableKind, error: unknown, signal: AbortSignal): Pick<InstallSnapshot, 'state' | 'sentence'> {
    if (signal.aborted) return { state: 'cancelled', sentence: 'Cancelled. Nothing was installed.' };
    const failure = toAppError(error);
    const { message } = failure;
    if (failure.code === 'internal') this.#deps.logger.error({ err: error }, 'an installation failed');
    else this.#deps.logger.warn({ kind, error: message }, 'an installation failed');
    this.#logOf(kind).append('stderr', message);
    return { state: 'failed', sentence: message };
  }

  /** Shows each percent once. */
  #shareOf(at: Position, sentence: string): (share: number | null) => void {
    let shown: number | null = null;
    return (share) => {
      const progress = share === null ? null : Math.floor(share * 100) / 100;
      if (progress === shown) return;
      shown = progress;
      this.#show({ ...at, state: 'running', sentence, progress, endedAt: null });
    };
  }

  #stepDeps(
    kind: InstallableKind,
    staging: string,
    log: EngineLog,
    signal: AbortSignal,
    onShare: (share: number | null) => void,
  ): StepDeps {
    const { dataDir, modelsDir, sources = officialSources } = this.#options;
    const { clock, http } = this.#deps;
    const env = toolEnvironment(this.#options.env, staging);
    return {
      site: {
        staging,
        target: (name) => path.join(installFolder(dataDir, kind), name),
        modelsDir,
        cores: availableParallelism(),
      },
      sources,
      http,
      clock,
      log,
      signal,
      env,
      onShare,
      run: (command, onLine) => runCommand(command, { clock, log, signal, env, ...(onLine && { onLine }) }),
    };
  }

  async #recipe(kind: InstallableKind): Promise<Recipe> {
    const { dataDir, modelsDir, platform, arch, env } = this.#options;
    const machine = { platform, arch };
    const folder = installFolder(dataDir, kind);
    if (kind !== 'bitnet') return releaseRecipe(kind, machine, folder);
    const tools = await findBuildTools(toolEnvironment(env, dataDir), this.#deps);
    return bitnetRecipe(machine, path.join(folder, 'BitNet'), modelsDir, tools);
  }

  #logOf(kind: InstallableKind): EngineLog {
    const before = this.#logs.get(kind);
    if (before) return before;
    const file = path.join(this.#options.logsDir, `install-${kind}.log`);
    const log = new EngineLog({
      clock: this.#deps.clock,
      file: new RotatedFile({ path: file, maxBytes: logBytes, keep: logFiles }),
    });
    this.#logs.set(kind, log);
    return log;
  }

  #show(snapshot: InstallSnapshot): void {
    this.#snapshots.set(snapshot.kind, snapshot);
    this.changed.announce();
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString();
  }
}

function installable(kind: EngineKind): InstallableKind {
  const found = kinds.find((each) => each === kind);
  if (found) return found;
  throw new AppError('invalid_request', `The ${kind} engine is part of Ranch Hand and needs no installation.`);
}
