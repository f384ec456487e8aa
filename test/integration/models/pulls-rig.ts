import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PullSnapshot } from '../../../electron/contract/snapshot.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Pulls, type PullsDeps, type PullsOptions } from '../../../electron/agent/models/pull/pulls.ts';
import type { Arrival } from '../../../electron/agent/models/pull/pull-work.ts';
import { ModelRecords } from '../../../electron/agent/models/records.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

/** Tries again at once, so that a test with ten cuts is no long one. */
const quickRetries: NonNullable<PullsOptions['retries']> = {
  backoff: { firstMs: 10, longestMs: 50, jitter: 0 },
  mostFruitless: 4,
  mostFruitlessAtFirst: 3,
};

/** Pulls over a folder of the test's own, and everything that was seen of them. */
export class PullsRig {
  readonly folder: string;
  readonly pulls: Pulls;
  readonly records: ModelRecords;
  readonly arrivals: Arrival[] = [];
  /** Every snapshot of every pull, in the order they were announced. */
  readonly seen: PullSnapshot[] = [];

  constructor(options: Partial<PullsOptions>, deps: Partial<PullsDeps> = {}, folder = tempFolder()) {
    this.folder = folder;
    mkdirSync(this.modelsDir, { recursive: true });
    const dependencies = { clock: systemClock, logger: silentLogger };
    this.records = new ModelRecords({ file: join(folder, 'models.json') }, dependencies);
    this.pulls = new Pulls(
      {
        modelsDir: this.modelsDir,
        stagingDir: join(folder, 'staging'),
        stateFile: join(folder, 'pulls.json'),
        diskReserveBytes: 0,
        hubUrl: 'http://127.0.0.1:9',
        env: {},
        retries: quickRetries,
        ...options,
      },
      {
        ...dependencies,
        records: this.records,
        library: null,
        quantizer: null,
        freeDiskBytes: () => Promise.resolve(1e12),
        onArrived: (arrival) => {
          this.arrivals.push(arrival);
          return Promise.resolve(arrival.kind === 'file' ? 'the-model' : arrival.name);
        },
        ...deps,
      },
    );
    this.pulls.changed.subscribe(() => this.seen.push(...this.pulls.list()));
  }

  /** Started, and stopped when the test is over. */
  static async start(
    options: Partial<PullsOptions>,
    deps: Partial<PullsDeps> = {},
    folder?: string,
  ): Promise<PullsRig> {
    const rig = new PullsRig(options, deps, folder);
    await rig.pulls.startUp();
    onTestFinished(() => rig.pulls.stop());
    return rig;
  }

  get modelsDir(): string {
    return join(this.folder, 'models');
  }

  models(): string[] {
    return readdirSync(this.modelsDir).sort();
  }

  parts(): string[] {
    return readdirSync(join(this.folder, 'staging')).sort();
  }

  /** The pull, as soon as it is as asked. */
  until(id: string, isSo: (pull: PullSnapshot) => boolean): Promise<PullSnapshot> {
    return new Promise((resolve) => {
      const look = (): boolean => {
        const found = this.pulls.list().find((pull) => pull.id === id);
        if (!found || !isSo(found)) return false;
        resolve(found);
        return true;
      };
      if (look()) return;
      const stop = this.pulls.changed.subscribe(() => {
        if (look()) stop();
      });
    });
  }

  ended(id: string): Promise<PullSnapshot> {
    return this.until(id, ({ state }) => ['done', 'failed', 'cancelled'].includes(state));
  }
}

/** Whether what arrived never fell in these snapshots, oldest first. */
export function neverFalls(seen: readonly PullSnapshot[]): boolean {
  return seen.every((pull, index) => pull.receivedBytes >= (seen[index - 1]?.receivedBytes ?? 0));
}
