import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeSnapshotSchema } from '../../../electron/contract/snapshot.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { CliProcess, jsonLines } from './cli-process.ts';
import { startFakeAgent, type FakeAgent } from './fake-agent.ts';

const speeds = (stdout: string): number[] =>
  jsonLines(stdout.slice(0, stdout.lastIndexOf('\n') + 1)).map(
    (line) => nodeSnapshotSchema.parse(line).gateway.tokensPerSecond,
  );

describe('status --watch', () => {
  let dataDir: string;
  let agent: FakeAgent;

  beforeEach(async () => {
    dataDir = makeTempFolder();
    agent = await startFakeAgent(dataDir);
  });
  afterEach(async () => {
    await agent[Symbol.asyncDispose]();
    removeFolder(dataDir);
  });

  it('--json gives a whole document with each change, and only new points of the history', async () => {
    await using watch = new CliProcess(['status', '--watch', '--json'], { dataDir });
    await watch.until((stdout) => stdout.endsWith('\n'));
    agent.order({ do: 'speed', tokensPerSecond: 11 });
    await watch.until((stdout) => speeds(stdout).includes(11));
    watch.child.kill('SIGINT');
    const { exitCode, stdout } = await watch.ended;
    expect(exitCode).toBe(0);
    expect(speeds(stdout)).toEqual([35.6, 11]);
    const points = jsonLines(stdout).map((line) => nodeSnapshotSchema.parse(line).history.points.length);
    expect(points).toEqual([4, 1]);
  });

  it('ends without complaint when its reader has seen enough', async () => {
    await using watch = new CliProcess(['status', '--watch', '--json'], { dataDir });
    await watch.until((stdout) => stdout.endsWith('\n'));
    watch.child.stdout?.destroy();
    agent.order({ do: 'speed', tokensPerSecond: 11 });
    agent.order({ do: 'speed', tokensPerSecond: 12 });
    expect(await watch.ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('asks for nothing but the event stream', async () => {
    await using watch = new CliProcess(['status', '--watch'], { dataDir });
    await watch.until((stdout) => stdout.includes('35.6 tok/s'));
    agent.order({ do: 'speed', tokensPerSecond: 12 });
    await watch.until((stdout) => stdout.includes('12.0 tok/s'));
    expect(agent.requests().map(({ path }) => path)).toEqual(['/control/v1/events']);
  });

  it('F5 says so when the agent is killed, and goes on with the next one', async () => {
    await using watch = new CliProcess(['status', '--watch'], { dataDir });
    await watch.until((stdout) => stdout.includes('fake-node'));
    await agent.kill();
    await watch.until((stdout) => stdout.includes('Waiting for an agent to come back'));
    await using next = await startFakeAgent(dataDir);
    await next.heard('request', '/control/v1/events');
    next.order({ do: 'speed', tokensPerSecond: 77 });
    await watch.until((stdout) => stdout.includes('77.0 tok/s'));
    watch.child.kill('SIGTERM');
    expect((await watch.ended).exitCode).toBe(0);
  });
});
