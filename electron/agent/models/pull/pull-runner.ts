import type { Clock } from '../../base/clock.ts';
import { AppError, assertNever } from '../../base/errors.ts';
import { Download } from './download.ts';
import { HttpClient, hubToken } from './http-client.ts';
import { Hub } from './hub.ts';
import { pullRetries, type RetryOptions } from './interruption.ts';
import { libraryListener, type LibraryPuller } from './library.ts';
import type { Quantizer } from './llama-quantize.ts';
import { LocalFile } from './local-file.ts';
import { Making } from './making.ts';
import type { RecordsPort } from './placing.ts';
import type { Arrival, PullWork, RoomCheck } from './pull-work.ts';
import { parseReference } from './reference.ts';
import { Turns } from './turns.ts';

export interface PullRunnerOptions {
  /** Where models end up, and where their parts grow meanwhile: both on one file system. */
  readonly modelsDir: string;
  readonly stagingDir: string;
  /** Such as https://huggingface.co. */
  readonly hubUrl: string;
  /** The agent's environment: proxies, and HF_TOKEN for the hub alone. */
  readonly env: NodeJS.ProcessEnv;
  readonly retries?: RetryOptions;
  /** Silence after which a connection counts as cut, milliseconds. */
  readonly silenceMs?: number;
}

export interface PullRunnerDeps {
  readonly clock: Clock;
  readonly records: RecordsPort;
  /** Null where no Ollama is set up. */
  readonly library: LibraryPuller | null;
  /** Null where nothing here makes quantizations. */
  readonly quantizer: Quantizer | null;
  /** 0 ≤ x < 1. */
  readonly random?: () => number;
}

const usualSilenceMs = 60_000;

/** Does what a pull stands for, wherever the model comes from. */
export class PullRunner {
  readonly #http: HttpClient;
  readonly #download: Download;
  readonly #local: LocalFile;
  readonly #making: Making;
  readonly #library: LibraryPuller | null;

  constructor(
    options: PullRunnerOptions,
    deps: PullRunnerDeps & {
      readonly room: RoomCheck;
      /** Whether a pull that is under way will make a file of this name out of something else than this address. */
      readonly isPromised: (name: string, url: string) => boolean;
    },
  ) {
    const { modelsDir, stagingDir, hubUrl, env } = options;
    const { clock, records, quantizer, library, room, isPromised } = deps;
    const now = (): number => clock.now();
    const http = new HttpClient({ env, silenceMs: options.silenceMs ?? usualSilenceMs, token: hubToken(env, hubUrl) });
    const turns = new Turns();
    this.#http = http;
    this.#library = library;
    this.#download = new Download(
      { modelsDir, stagingDir, retries: options.retries ?? pullRetries },
      {
        http,
        hub: new Hub({ hubUrl }, { http, now }),
        records,
        clock,
        random: deps.random ?? Math.random,
        room,
        isPromised,
        alone: (names, work, task) => turns.alone(names, work, task),
      },
    );
    this.#local = new LocalFile({ modelsDir, stagingDir }, { records, now, room });
    this.#making = new Making({ modelsDir, stagingDir }, { quantizer, library, records, now, room });
  }

  /** @throws AppError with what went wrong, a system error of the disk, or the signal's reason */
  async run(work: PullWork): Promise<Arrival> {
    const { job } = work.record();
    if (job.kind === 'quantize') return this.#making.run(job, work);
    const reference = parseReference(job.reference);
    switch (reference.kind) {
      case 'ollama':
        if (!this.#library) throw noLibrary();
        await this.#library.pullModel(reference.name, libraryListener(work), work.signal);
        return { kind: 'library', name: reference.name };
      case 'hugging-face':
      case 'url':
        return { kind: 'file', path: await this.#download.run(reference, job.sha256, work) };
      case 'file':
        return { kind: 'file', path: await this.#local.run(reference.path, job.sha256, work) };
      default:
        return assertNever(reference);
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.close();
  }
}

function noLibrary(): AppError {
  return new AppError(
    'engine_not_ready',
    'Models of the Ollama library are pulled by Ollama, and none answers here. Start or install Ollama, or pull the model from hf.co.',
  );
}
