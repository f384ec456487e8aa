import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAgent, type AgentProcess } from '../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';

/** The scripted upstream and a real agent that has nothing else to answer with. */
export class ScriptedNode implements AsyncDisposable {
  readonly agent: AgentProcess;
  readonly #upstream: ChildProcess;
  readonly #dataDir: string;

  private constructor(agent: AgentProcess, upstream: ChildProcess, dataDir: string) {
    this.agent = agent;
    this.#upstream = upstream;
    this.#dataDir = dataDir;
  }

  static async start(): Promise<ScriptedNode> {
    const script = fileURLToPath(new URL('scripted-upstream.ts', import.meta.url));
    const upstream = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = (await once(upstream.stdout, 'data')) as [Buffer];
    const dataDir = makeTempFolder();
    const capabilities = ['chat', 'completion', 'tools', 'vision', 'json'];
    const server = {
      id: 'scripted',
      url: `http://127.0.0.1:${port.toString().trim()}`,
      slots: 8,
      models: [{ id: 'scripted', contextLength: 131_072, capabilities }],
    };
    writeFileSync(join(dataDir, 'config.json'), JSON.stringify({ upstreams: [server] }));
    const agent = await startAgent({ dataDir, env: { RANCH_HAND_ENGINES_EMBEDDED_ENABLED: 'false' } });
    return new ScriptedNode(agent, upstream, dataDir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
    const gone = once(this.#upstream, 'exit');
    this.#upstream.stdin?.end();
    await gone;
    removeFolder(this.#dataDir);
  }
}
