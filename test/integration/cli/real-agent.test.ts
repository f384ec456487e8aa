import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueryAnswer } from '../../../electron/contract/control.ts';
import { nodeSnapshotSchema, type NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { readAgentFile } from '../../../electron/host/agent-file.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { cli, CliProcess, jsonLines } from './cli-process.ts';

const freePorts = ['--gateway', '127.0.0.1:0', '--control', '127.0.0.1:0'];

describe('the command line with the real agent', () => {
  let agent: AgentProcess;
  let model: string;

  beforeAll(async () => {
    agent = await startAgent();
    model = await loadedModel(agent.dataDir);
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it('status, models, engines and settings answer, as text and as JSON', async () => {
    for (const verb of ['status', 'models', 'engines', 'settings']) {
      const text = await cli([verb], { dataDir: agent.dataDir });
      expect(text).toMatchObject({ exitCode: 0, stderr: '' });
      expect(text.stdout.trim()).not.toBe('');
      const json = await cli([verb, '--json'], { dataDir: agent.dataDir });
      expect(json).toMatchObject({ exitCode: 0, stderr: '' });
      expect(JSON.parse(json.stdout)).toBeTypeOf('object');
    }
  });

  it('run streams the self-test sentence and measures it', async () => {
    const outcome = await cli(['run', model, 'Say something.', '--json'], { dataDir: agent.dataDir });
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    const events = jsonLines(outcome.stdout) as { type: string; completionTokens?: number }[];
    expect(events.filter(({ type }) => type === 'text').length).toBeGreaterThan(1);
    expect(events.at(-1)).toMatchObject({ type: 'done' });
    expect(events.at(-1)?.completionTokens).toBeGreaterThan(1);
  });

  it('status shows the request that run made', async () => {
    await cli(['run', model, 'Say something.'], { dataDir: agent.dataDir });
    await using watch = new CliProcess(['status', '--watch', '--json'], { dataDir: agent.dataDir });
    await watch.until((stdout) => wholeLines(stdout).some(({ activity }) => activity[0]?.state === 'done'));
    watch.child.kill('SIGINT');
    expect((await watch.ended).exitCode).toBe(0);
  });

  it('B41 run with an unknown model ends with 1 and names it', async () => {
    const outcome = await cli(['run', 'no-such-model', 'Hi'], { dataDir: agent.dataDir });
    expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/no-such-model.*\[model_not_found\]\n$/);
  });

  it('B66 settings set refuses what is not a setting', async () => {
    const unknown = await cli(['settings', 'set', 'gateway.colour', 'red'], { dataDir: agent.dataDir });
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toMatch(/\[[a-z_]+\]\n$/);
    const known = await cli(['settings', 'set', 'gateway.maxQueued', '32'], { dataDir: agent.dataDir });
    expect(known).toMatchObject({ exitCode: 0, stderr: '' });
    const { stdout } = await cli(['settings', '--json'], { dataDir: agent.dataDir });
    const { settings, rows } = JSON.parse(stdout) as QueryAnswer<'settings'>;
    expect(settings).toMatchObject({ gateway: { maxQueued: 64 } });
    expect(rows.find(({ key }) => key === 'gateway.maxQueued')).toMatchObject({ value: 64, valueAfterRestart: 32 });
    const digits = await cli(['settings', 'set', 'node.name', '42'], { dataDir: agent.dataDir });
    expect(digits).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('doctor finds no problem, and warns that the model is only the self-test', async () => {
    const { stdout } = await cli(['doctor', '--json'], { dataDir: agent.dataDir });
    const { checks } = JSON.parse(stdout) as { checks: { id: string; verdict: string }[] };
    const verdicts = Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]));
    expect(verdicts).toMatchObject({
      'data-folder': 'ok',
      settings: 'ok',
      agent: 'ok',
      gateway: 'ok',
      engine: 'ok',
      model: 'warning',
    });
  });

  it("panel's address signs a browser in once", async () => {
    const { stdout } = await cli(['panel', '--json'], { dataDir: agent.dataDir });
    const { url } = JSON.parse(stdout) as { url: string };
    const first = await fetch(url, { redirect: 'manual' });
    expect(first.headers.get('set-cookie')).toMatch(/HttpOnly/i);
    expect((await fetch(url, { redirect: 'manual' })).headers.get('set-cookie')).toBeNull();
  });

  it('engines restart brings the engine back, and its log can be read', async () => {
    const engine = (await snapshotOf(agent.dataDir)).engines[0];
    expect((await cli(['engines', 'restart', engine?.id ?? ''], { dataDir: agent.dataDir })).exitCode).toBe(0);
    await using watch = new CliProcess(['status', '--watch', '--json'], { dataDir: agent.dataDir });
    await watch.until((stdout) => {
      const now = wholeLines(stdout).at(-1)?.engines[0];
      return now?.state === 'ready' && now.pid !== engine?.pid;
    });
    const logs = await cli(['engines', 'logs', engine?.id ?? '', '--json'], { dataDir: agent.dataDir });
    expect(JSON.parse(logs.stdout)).toMatchObject({ engine: engine?.id, lines: expect.any(Array) as unknown[] });
  });
});

describe('ranch-hand agent', () => {
  it('runs until it is asked to stop, and ends as the agent ends', async () => {
    const dataDir = tempFolder();
    await using node = new CliProcess(['agent', '--json', ...freePorts], { dataDir });
    await node.until((stdout) => stdout.endsWith('\n'));
    const file = await readAgentFile(dataDir);
    node.child.kill('SIGTERM');
    const { exitCode, stdout } = await node.ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pid: file?.pid, gatewayUrl: file?.gatewayUrl });
    expect(stdout).not.toContain(file?.controlToken);
    expect(await readAgentFile(dataDir)).toBeNull();
  });

  it('B66 ends with 2 for a setting that is not one', async () => {
    const outcome = await cli(['agent', ...freePorts, '--set', 'nonsense'], { dataDir: tempFolder() });
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^ranch-hand: .*nonsense.* \[[a-z_]+\]\n$/);
  });

  it('F34 a second agent for the same folder leaves with 1 and says why', async () => {
    const dataDir = join(tempFolder(), 'node');
    await using first = new CliProcess(['agent', '--json', ...freePorts], { dataDir });
    await first.until((stdout) => stdout.endsWith('\n'));
    const second = await cli(['agent', ...freePorts], { dataDir });
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain('[data_folder_in_use]');
    first.child.kill('SIGTERM');
    await once(first.child, 'close');
  });
});

function wholeLines(stdout: string): NodeSnapshot[] {
  return jsonLines(stdout.slice(0, stdout.lastIndexOf('\n') + 1)).map((line) => nodeSnapshotSchema.parse(line));
}

async function snapshotOf(dataDir: string): Promise<NodeSnapshot> {
  const { stdout } = await cli(['status', '--json'], { dataDir });
  return nodeSnapshotSchema.parse(JSON.parse(stdout));
}

/** Waits, by the event stream, until a model can be asked. */
async function loadedModel(dataDir: string): Promise<string> {
  await using watch = new CliProcess(['status', '--watch', '--json'], { dataDir });
  let id: string | undefined;
  await watch.until((stdout) => {
    const { engines = [], models = [] } = wholeLines(stdout).at(-1) ?? {};
    id = models.find(({ loaded }) => loaded)?.id;
    return id !== undefined && engines.some(({ state }) => state === 'ready');
  });
  return id ?? '';
}
