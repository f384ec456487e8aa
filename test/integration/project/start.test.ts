import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { readAgentFile } from '../../../electron/host/agent-file.ts';
import { isProcessAlive } from '../../../electron/host/process-identity.ts';
import { cleanEnvironment, startAgent } from '../../fixtures/agent-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { program } from '../../fixtures/test-engine.ts';

const run = promisify(execFile);

/** `npm start` without npm. It sees no display, so that no tray opens on the machine of whoever runs the tests. */
class Start {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  #output = '';

  constructor(dataDir: string, ...args: readonly string[]) {
    this.child = spawn(process.execPath, [join(projectRoot, 'build/start.ts'), ...args], {
      cwd: projectRoot,
      env: cleanEnvironment({ RANCH_HAND_DATA_DIR: dataDir, DISPLAY: '', WAYLAND_DISPLAY: '' }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    this.ended = new Promise((resolve) => this.child.on('close', (code) => resolve(code)));
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when it has printed this; rejects with all it printed if it ends first. */
  async says(words: string): Promise<void> {
    const said = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#output.includes(words)) resolve();
      };
      this.child.stdout?.on('data', look);
      look();
    });
    const ended = this.ended.then((code) => {
      if (!this.#output.includes(words)) throw new Error(`It ended with ${String(code)}:\n${this.#output}`);
    });
    await Promise.race([said, ended]);
  }
}

describe.skipIf(process.platform === 'win32')('npm start', () => {
  it('prints a line that answers when pasted, and Ctrl-C leaves nothing behind', async (context) => {
    program(context, 'curl');
    const dataDir = tempFolder();
    const start = new Start(dataDir, '--gateway', '127.0.0.1:0');
    onTestFinished(() => void start.child.kill('SIGTERM'));
    await start.says('curl -N');
    const line = start.output.split('\n').find((text) => text.includes('curl -N')) ?? '';
    const { stdout } = await run('sh', ['-c', line.slice(line.indexOf('curl -N'))]);
    expect(stdout).toContain('data: {');
    expect(stdout.trimEnd().endsWith('data: [DONE]')).toBe(true);

    const agent = await readAgentFile(dataDir);
    expect(agent).not.toBeNull();
    start.child.kill('SIGINT');
    expect(await start.ended).toBe(0);
    expect(isProcessAlive(agent?.pid ?? process.pid)).toBe(false);
    expect(existsSync(join(dataDir, 'agent.json'))).toBe(false);
  });

  it('finds a node that runs already, says so and leaves it running', async () => {
    await using agent = await startAgent();
    const start = new Start(agent.dataDir);
    expect(await start.ended).toBe(0);
    expect(start.output).toContain('left running');
    expect(start.output).not.toContain('Not applied');
    expect(start.output).toContain(`${agent.gatewayUrl}/v1`);
    expect(isProcessAlive(agent.file.pid)).toBe(true);
    const health = await fetch(`${agent.gatewayUrl}/health`);
    expect(health.status).toBe(200);
  });

  it('says that arguments have no effect on a node that runs already, and how to stop that one', async () => {
    await using agent = await startAgent();
    const start = new Start(agent.dataDir, '--data-dir', agent.dataDir, '--set', 'log.level=debug');
    expect(await start.ended).toBe(0);
    expect(start.output).toContain(`Not applied, because the node runs already (pid ${agent.file.pid}): --set`);
    const stop = /kill (\d+)/.exec(start.output)?.[1];
    process.kill(Number(stop), 'SIGTERM');
    expect(await agent.exited).toEqual({ code: 0, signal: null });
  });

  it('prints a panel address that signs in once', async () => {
    await using agent = await startAgent();
    const start = new Start(agent.dataDir);
    await start.ended;
    const url = /Panel +(\S+)/.exec(start.output)?.[1] ?? '';
    const first = await fetch(url, { redirect: 'manual' });
    expect(first.status).toBe(303);
    expect(first.headers.get('set-cookie')).toContain('HttpOnly');
    const second = await fetch(url, { redirect: 'manual' });
    expect(second.headers.get('set-cookie')).toBeNull();
  });

  it("ends with the agent's own words and code when the agent cannot start", async () => {
    const start = new Start(tempFolder(), '--set', 'gateway.port=nonsense');
    expect(await start.ended).not.toBe(0);
    expect(start.output).toContain('gateway.port');
  });
});
