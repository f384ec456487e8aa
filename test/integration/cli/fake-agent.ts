import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../../../build/bundling/product.ts';
import type { Order, Report } from '../../fakes/scripted-agent.ts';

type RequestReport = Extract<Report, { kind: 'request' }>;

/** The fake agent, from the side of a test. */
export class FakeAgent implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #reports: Report[] = [];
  #wake: () => void = () => undefined;

  constructor(dataDir: string) {
    this.#child = fork(join(projectRoot, 'test/fakes/scripted-agent.ts'), [dataDir], { stdio: 'inherit' });
    this.#child.on('message', (report) => {
      this.#reports.push(report as Report);
      this.#wake();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  /** The first report that fits, now or when it comes. */
  async heard<Kind extends Report['kind']>(kind: Kind, path?: string): Promise<Extract<Report, { kind: Kind }>> {
    for (;;) {
      const found = this.#reports.find(
        (report) => report.kind === kind && (path === undefined || ('path' in report && report.path === path)),
      );
      if (found !== undefined) return found as Extract<Report, { kind: Kind }>;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  requests(): readonly RequestReport[] {
    return this.#reports.filter((report) => report.kind === 'request');
  }

  /** Ends it without a chance to remove its agent.json. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A fake agent of this data folder that can be found and asked. */
export async function startFakeAgent(dataDir: string): Promise<FakeAgent> {
  const agent = new FakeAgent(dataDir);
  await agent.heard('ready');
  return agent;
}
