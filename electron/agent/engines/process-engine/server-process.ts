import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { HttpUpstream } from '../../inference/wire/http-upstream.ts';
import type { EngineLog } from '../engine-log.ts';
import type { Leftovers } from '../supervisor/leftovers.ts';
import { NotedLines } from '../supervisor/noted-lines.ts';
import { nonceVariable } from '../supervisor/process-identity.ts';
import { bareEnvironment, ProcessTree } from '../supervisor/process-tree.ts';
import type { ProcessExit, ProcessLauncher, ProcessListener, RunningProcess } from '../supervisor/supervisor.ts';
import { freeLoopbackPort } from './free-port.ts';
import { keyFileIn } from './key-files.ts';
import type { ProcessEndpoint, ProcessReports } from './process-kind.ts';
import { readProcessMemory } from './process-memory.ts';
import { askSmall } from './small-request.ts';

/** What the program is started with. */
export interface ServerCommand {
  readonly executable: string;
  readonly args: readonly string[];
}

/** An open way to a server that is being started. */
export interface ServerAccess {
  readonly http: HttpUpstream;
  readonly port: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ServerProcessOptions {
  readonly engineId: string;
  /** How the program is called at the start of sentences. */
  readonly name: string;
  /** Where the file with its key lies while it runs. */
  readonly runDir: string;
  /** Bytes of the model file, to tell how far it is loaded. */
  readonly fileBytes: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ServerProcessDeps {
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly leftovers: Leftovers;
  readonly reports: ProcessReports;
  /** `takesKey`: the program reads its key from the file, and refuses whoever has none. */
  readonly command: (site: { port: number; keyFile: string }) => ServerCommand & { readonly takesKey: boolean };
  /** Asked when the server says that it is healthy; null means that it is not ready after all. */
  readonly probe: (access: ServerAccess) => Promise<ProcessEndpoint | null>;
  /** Left out: one that the system chooses. */
  readonly pickPort?: () => Promise<number>;
}

const longestLine = 64 * 1024;
const portTries = 5;
/** How long a process has to show that it got its port, before that is taken for granted. */
const bindLimitMs = 3_000;
const bindLookMs = 25;
const askLimitMs = 5_000;
/** A load takes from a second to minutes: looked at often at first. */
const readyLookMs = { first: 100, later: 500, laterAfterMs: 10_000 };
const memoryEveryMs = 2_000;
const notedMemoryStep = 4 * 1024 * 1024;

/** What llama.cpp's server, of any age and on any system, says when its port is taken. */
const portTaken = /couldn'?t bind|could not bind|bind\(\) failed|address already in use|only one usage of each socket/i;

/** The port was somebody else's by the time the process wanted it. */
const taken = Symbol('port taken');

/** Starts a server of llama.cpp's family on a loopback port, with a key of its own, and tells when it is ready. */
export class ServerProcess implements ProcessLauncher {
  readonly #options: ServerProcessOptions;
  readonly #deps: ServerProcessDeps;
  readonly #running = new Set<ProcessTree>();
  #ended = false;

  constructor(options: ServerProcessOptions, deps: ServerProcessDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** A port that was stolen between its choice and the process's binding is no failure: another one is chosen. */
  async launch(listener: ProcessListener): Promise<RunningProcess> {
    for (let tries = 1; tries <= portTries; tries += 1) {
      const port = await (this.#deps.pickPort ?? freeLoopbackPort)();
      const started = await this.#startOn(port, listener);
      if (started !== taken) return started;
      this.#deps.log.append('stderr', `Port ${port} was taken by another program in the meantime: trying another one.`);
    }
    throw new Error(`found no free port in ${portTries} tries`);
  }

  killNow(): void {
    this.#ended = true;
    for (const tree of this.#running) tree.end('now');
  }

  async #startOn(port: number, listener: ProcessListener): Promise<RunningProcess | typeof taken> {
    const { engineId, runDir, env } = this.#options;
    const nonce = randomBytes(16).toString('hex');
    const keyFile = keyFileIn(runDir, engineId, nonce);
    const { executable, args, takesKey } = this.#deps.command({ port, keyFile });
    const key = takesKey ? await writeKey(keyFile) : null;
    if (this.#ended) {
      await rm(keyFile, { force: true });
      throw new AppError('shutting_down', 'The node ends and starts no engine any more.');
    }
    const lines = new NotedLines(this.#deps);
    const ended = Promise.withResolvers<ProcessExit>();
    let tree: ProcessTree;
    try {
      tree = await ProcessTree.start(
        { executable, args, env: bareEnvironment(env, { [nonceVariable]: nonce }), firstInput: '', longestLine },
        {
          line: (stream, text) => lines.note(stream, text),
          exited: (code, signal) => ended.resolve({ code, signal, lastLines: lines.last }),
        },
        { clock: this.#deps.clock },
      );
    } catch (error) {
      await rm(keyFile, { force: true });
      throw error;
    }
    this.#running.add(tree);
    const access = this.#access(port, key);
    const over = new AbortController();
    const gone = ended.promise.then(async (exit) => {
      over.abort();
      access.http.close();
      this.#running.delete(tree);
      await Promise.all([rm(keyFile, { force: true }), this.#deps.leftovers.remove(tree.pid)]);
      return exit;
    });
    // The word by which the next start knows this process again: the last one of the key file's path, which is random.
    await this.#deps.leftovers.add(engineId, tree.pid, takesKey ? (keyFile.split(' ').at(-1) ?? nonce) : nonce);
    const early = await Promise.race([gone, this.#bound(access, over.signal)]);
    if (early !== null && portTaken.test(early.lastLines.join('\n'))) return taken;
    void gone.then((exit) => {
      this.#deps.reports.endpoint(null);
      listener.exited(exit);
    });
    if (early === null) {
      this.#watchMemory(tree.pid, over.signal);
      void this.#becomeReady(access, over.signal, listener);
    }
    return tree;
  }

  #access(port: number, key: string | null): ServerAccess {
    return {
      http: new HttpUpstream({ host: '127.0.0.1', port, name: this.#options.name }, { clock: this.#deps.clock }),
      port,
      key,
      headers: key === null ? {} : { Authorization: `Bearer ${key}` },
    };
  }

  /**
   * Resolves when the server answers to our key and to nobody without it, which no other program on the port would do;
   * where there is no key, or nothing is heard in time, after that time.
   */
  async #bound(access: ServerAccess, over: AbortSignal): Promise<null> {
    const { clock } = this.#deps;
    const endMs = clock.monotonic() + bindLimitMs;
    while (!over.aborted && clock.monotonic() < endMs) {
      if (access.key !== null) {
        const mine = await this.#ask(access, '/props', access.headers);
        if (mine !== null && (mine === 200 || mine === 503) && (await this.#ask(access, '/props', {})) === 401) break;
      }
      await pause(clock, bindLookMs);
    }
    return null;
  }

  async #ask(access: ServerAccess, target: string, headers: Readonly<Record<string, string>>): Promise<number | null> {
    const { clock } = this.#deps;
    const request = { method: 'GET', path: target, headers, body: null } as const;
    return (await askSmall(access.http, request, { clock, limitMs: askLimitMs }))?.status ?? null;
  }

  async #becomeReady(access: ServerAccess, over: AbortSignal, listener: ProcessListener): Promise<void> {
    const { clock } = this.#deps;
    const startMs = clock.monotonic();
    const isOver = (): boolean => over.aborted;
    while (!isOver()) {
      const healthy = (await this.#ask(access, '/health', access.headers)) === 200;
      const endpoint = healthy ? await this.#deps.probe(access) : null;
      if (endpoint && !isOver()) {
        this.#deps.reports.endpoint(endpoint);
        listener.ready();
        return;
      }
      const late = clock.monotonic() - startMs > readyLookMs.laterAfterMs;
      await pause(clock, late ? readyLookMs.later : readyLookMs.first);
    }
  }

  /** The file is mapped and read while it loads, so the memory it takes tells how far that is. */
  #watchMemory(pid: number, over: AbortSignal): void {
    const { clock, reports } = this.#deps;
    let told = 0;
    const look = async (): Promise<void> => {
      const memoryBytes = await readProcessMemory(pid);
      if (over.aborted || memoryBytes === null || Math.abs(memoryBytes - told) < notedMemoryStep) return;
      told = memoryBytes;
      reports.stats({ memoryBytes, progress: Math.min(0.99, memoryBytes / Math.max(1, this.#options.fileBytes)) });
    };
    const cancel = clock.every(memoryEveryMs, () => void look());
    over.addEventListener('abort', cancel, { once: true });
    void look();
  }
}

async function writeKey(keyFile: string): Promise<string> {
  await mkdir(path.dirname(keyFile), { recursive: true, mode: 0o700 });
  const key = randomBytes(32).toString('base64url');
  await writeFile(keyFile, `${key}\n`, { mode: 0o600, flag: 'wx' });
  return key;
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
