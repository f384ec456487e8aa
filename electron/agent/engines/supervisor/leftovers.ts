import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { Mailbox } from '../../base/mailbox.ts';
import type { IdentifyProcess, ProcessIdentity } from './process-identity.ts';

/** A process this node started, as remembered on disk. */
export interface StartedProcess {
  readonly engineId: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly executable: string;
  /** Random word that no other process has. */
  readonly nonce: string;
  /** Where the nonce was found in the process, and must be found again; `nowhere`: it could not be read. */
  readonly nonceIn: 'arguments' | 'environment' | 'nowhere';
}

export interface LeftoversDeps {
  readonly identify: IdentifyProcess;
  /** Kills a process with all it started. */
  readonly kill: (pid: number) => void;
  readonly logger: Logger;
}

/**
 * Remembers in a file which processes this node started, so that the next start can end those which a crash left
 * behind. A process number alone proves nothing: it is only signalled when start time, program and nonce match too.
 *
 * Programs of ours take the nonce as an argument. For others, which refuse an argument they do not know, it goes into
 * their environment as `RANCH_HAND_NONCE`; Linux shows that, macOS and Windows do not, so there start time and
 * executable have to do. A process that showed its nonce when it was started must show it when it is swept.
 */
export class Leftovers {
  readonly #file: string;
  readonly #deps: LeftoversDeps;
  readonly #mailbox = new Mailbox();
  #started: StartedProcess[] = [];

  constructor(options: { file: string }, deps: LeftoversDeps) {
    this.#file = options.file;
    this.#deps = deps;
  }

  /** Ends what an earlier run left behind, and begins an empty list. Call once, before anything is started. */
  sweep(): Promise<{ ended: number; foreign: number }> {
    return this.#mailbox.post(async () => {
      let ended = 0;
      let foreign = 0;
      for (const remembered of await this.#read()) {
        const found = await this.#deps.identify(remembered.pid);
        if (!found) continue;
        if (isSame(remembered, found)) {
          this.#deps.logger.warn(
            { pid: found.pid, engine: remembered.engineId },
            'ending an engine left by an earlier run',
          );
          this.#deps.kill(found.pid);
          ended += 1;
        } else {
          this.#deps.logger.info({ pid: found.pid }, 'a remembered process number belongs to another program now');
          foreign += 1;
        }
      }
      this.#started = [];
      await this.#write();
      return { ended, foreign };
    });
  }

  /** Remembers a process. The nonce is in its arguments or its environment. Does nothing when it is gone already. */
  add(engineId: string, pid: number, nonce: string): Promise<void> {
    return this.#mailbox.post(async () => {
      const identity = await this.#deps.identify(pid);
      if (!identity) return;
      const { startedAt, executable } = identity;
      this.#started.push({ engineId, pid, startedAt, executable, nonce, nonceIn: placeOf(nonce, identity) });
      await this.#write();
    });
  }

  /** Forgets a process that is gone. */
  remove(pid: number): Promise<void> {
    return this.#mailbox.post(async () => {
      const kept = this.#started.filter((started) => started.pid !== pid);
      if (kept.length === this.#started.length) return;
      this.#started = kept;
      await this.#write();
    });
  }

  async #read(): Promise<StartedProcess[]> {
    try {
      const parsed: unknown = JSON.parse(await readFile(this.#file, 'utf8'));
      return Array.isArray(parsed) ? parsed.filter(isStartedProcess) : [];
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT')
        this.#deps.logger.warn({ file: this.#file }, 'the list of started engines is unreadable');
      return [];
    }
  }

  async #write(): Promise<void> {
    try {
      await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      if (this.#started.length === 0) {
        await rm(this.#file, { force: true });
        return;
      }
      const unfinished = `${this.#file}.tmp`;
      await writeFile(unfinished, JSON.stringify(this.#started, null, 2), { mode: 0o600 });
      await rename(unfinished, this.#file);
    } catch (error) {
      // The engine also ends when its pipe to the agent breaks, so running without the list is better than not running.
      this.#deps.logger.warn(
        { file: this.#file, error: systemErrorCode(error) ?? null },
        'the list of started engines cannot be written',
      );
    }
  }
}

function placeOf(nonce: string, found: ProcessIdentity): StartedProcess['nonceIn'] {
  if (found.commandLine.split(' ').includes(nonce)) return 'arguments';
  return found.nonce === nonce ? 'environment' : 'nowhere';
}

function isSame(remembered: StartedProcess, found: ProcessIdentity): boolean {
  return (
    remembered.startedAt === found.startedAt &&
    remembered.executable === found.executable &&
    remembered.nonce.length >= 16 &&
    remembered.nonceIn === placeOf(remembered.nonce, found)
  );
}

function isStartedProcess(value: unknown): value is StartedProcess {
  if (typeof value !== 'object' || value === null) return false;
  const { engineId, pid, startedAt, executable, nonce, nonceIn } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(pid) &&
    [engineId, startedAt, executable, nonce].every((field) => typeof field === 'string' && field !== '') &&
    (nonceIn === 'arguments' || nonceIn === 'environment' || nonceIn === 'nowhere')
  );
}
