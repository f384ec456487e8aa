import { join } from 'node:path';
import { projectRoot } from '../../../../build/bundling/product.ts';
import type { NodeSnapshot } from '../../../../electron/contract/snapshot.ts';
import { cleanEnvironment } from '../../../fixtures/agent-process.ts';
import { Running, eventually } from './running.ts';

/** The made-up agent of test/fakes, in a process of its own. */
export class FakeNode implements AsyncDisposable {
  readonly running: Running;

  private constructor(running: Running) {
    this.running = running;
  }

  static async start(dataDir: string, panelDir: string): Promise<FakeNode> {
    const script = join(projectRoot, 'test', 'fakes', 'fake-control-agent.ts');
    const running = new Running(process.execPath, [script, dataDir, panelDir], {
      env: cleanEnvironment(),
      stdin: true,
    });
    await running.says(/\{"ready":true\}/u);
    return new FakeNode(running);
  }

  /** Replaces sections of its snapshot. */
  set(sections: Partial<NodeSnapshot>): void {
    this.running.write(JSON.stringify({ set: sections }));
  }

  /** Waits until it was sent this command with this body; gives the body. */
  async command(name: string, body: object): Promise<object> {
    await eventually(`the agent is told ${name}`, () =>
      this.running.output.includes(JSON.stringify({ command: name, body })),
    );
    return body;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.running.end();
  }
}
