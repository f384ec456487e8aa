import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeSnapshotSchema } from '../../../electron/contract/snapshot.ts';
import { makeTempFolder, removeFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { cli, CliProcess, jsonLines } from './cli-process.ts';
import { startFakeAgent, type FakeAgent } from './fake-agent.ts';

const everyVerb = [
  ['status'],
  ['status', '--watch'],
  ['models'],
  ['models', 'use', 'm'],
  ['models', 'pull', 'm'],
  ['models', 'show', 'm'],
  ['models', 'fit'],
  ['models', 'variants', 'm'],
  ['models', 'load', 'm'],
  ['models', 'rm', 'm', '--yes'],
  ['models', 'pause', 'm'],
  ['models', 'quantize', 'm', 'Q8_0'],
  ['engines', 'install', 'bitnet'],
  ['engines'],
  ['engines', 'restart', 'embedded'],
  ['engines', 'logs', 'embedded'],
  ['engines', 'logs', 'embedded', '-f'],
  ['settings'],
  ['settings', 'set', 'gateway.port', '8081'],
  ['run', 'm', 'hello'],
  ['panel'],
  ['offload'],
  ['offload', 'on', '--for', '2h'],
  ['offload', 'resume'],
  ['usage'],
  ['usage', '--export', 'json'],
  ['secrets'],
  ['secrets', 'set', 'anthropic'],
  ['secrets', 'clear', 'anthropic'],
  ['providers'],
  ['providers', 'models'],
  ['providers', 'test', 'anthropic'],
];

describe('the command line without an agent', () => {
  it.each(everyVerb.map((verb) => verb.join(' ')))('%s ends with 3, one sentence and its code', async (verb) => {
    for (const json of [[], ['--json']]) {
      const outcome = await cli([...verb.split(' '), ...json], { dataDir: tempFolder() });
      expect(outcome.exitCode).toBe(3);
      expect(outcome.stdout).toBe('');
      expect(outcome.stderr).toMatch(/^ranch-hand: No agent is running .* \[agent_not_running\]\n$/);
    }
  });

  it('ends with 3 when agent.json was left by an agent that was killed', async () => {
    const dataDir = tempFolder();
    const agent = await startFakeAgent(dataDir);
    await agent.kill();
    expect((await cli(['status'], { dataDir })).exitCode).toBe(3);
  });

  it('prefers --data-dir to the environment', async () => {
    const dataDir = tempFolder();
    await using agent = await startFakeAgent(dataDir);
    const outcome = await cli(['status', '--data-dir', dataDir], { dataDir: tempFolder() });
    expect(outcome.exitCode).toBe(0);
    expect(agent.requests()).toHaveLength(1);
  });
});

describe('wrong usage', () => {
  it.each([
    [['stats'], /Did you mean status/],
    [['status', '--whatch'], /Unknown option '--whatch'/],
    [['run'], /model/],
    [['run', 'm'], /prompt is empty/],
    [['engines', 'explode', 'embedded'], /Too many arguments/],
    [['engines', 'logs', 'embedded', '-n', '0'], /whole number from 1 to 5000/],
    [['settings', 'set', 'gateway.port'], /value/],
    [['agent', '--log-level', 'trace'], /debug, info, warn, error/],
    [['models', 'fit', '--ram', '-1'], /number above 0/],
    [['models', 'fit', '--parallel', '1.5'], /whole number/],
    [['models', 'fit', '--kv', 'q3'], /f16, q8_0, q4_0/],
    [['models', 'use'], /name/],
    [['engines', 'install', 'embedded'], /ollama, llama-server, bitnet/],
    [['status', '--data-dir', ''], /--data-dir.*empty/],
    [['doctor', '--data-dir='], /--data-dir.*empty/],
  ])('%j ends with 2 and one line', async (args, message) => {
    const outcome = await cli(args, { dataDir: tempFolder() });
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).toMatch(/^ranch-hand: [^\n]* \[usage\]\n$/);
  });

  it('shows every verb its help', async () => {
    for (const verb of [
      [],
      ['agent'],
      ['doctor'],
      ...everyVerb.map((words) => words.slice(0, words[0] === 'run' ? 1 : 2)),
    ]) {
      const words = verb.filter((word) => !word.startsWith('-') && !['m', 'embedded'].includes(word));
      const outcome = await cli([...words, '--help'], { dataDir: tempFolder() });
      expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
      expect(outcome.stdout).toMatch(/^Usage: ranch-hand/);
      if (words.length > 0) expect(outcome.stdout).toMatch(/--json[^]*--data-dir/);
    }
  });
});

describe('the command line with an agent', () => {
  let dataDir: string;
  let agent: FakeAgent;

  beforeAll(async () => {
    dataDir = makeTempFolder();
    agent = await startFakeAgent(dataDir);
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    removeFolder(dataDir);
  });

  const document = async (...args: string[]): Promise<unknown> => {
    const outcome = await cli([...args, '--json'], { dataDir });
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^[^\n]+\n$/);
    return JSON.parse(outcome.stdout);
  };

  it('status --json is the snapshot', async () => {
    const snapshot = nodeSnapshotSchema.parse(await document('status'));
    expect(snapshot.gateway.tokensPerSecond).toBe(35.6);
  });

  it('status is plain text that fits 80 columns when piped', async () => {
    const { stdout, exitCode } = await cli(['status'], { dataDir });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^fake-node {2}● serving/);
    expect(stdout).toContain('35.6 tok/s');
    expect(stdout).not.toContain('\u001b');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('models, engines and settings tell what the agent tells', async () => {
    expect(await document('models')).toMatchObject([{ id: 'falcon3-10b-instruct', quantization: 'i2_s' }]);
    expect(await document('engines')).toMatchObject([{ id: 'embedded', state: 'ready' }]);
    expect(await document('settings')).toMatchObject({
      settings: { gateway: { port: 8080 } },
      rows: [{ key: 'gateway.port', value: 8080, valueAfterRestart: 8081, origin: 'default' }],
    });
    expect((await cli(['models'], { dataDir })).stdout).toContain('falcon3-10b-instruct');
    expect((await cli(['engines'], { dataDir })).stdout).toContain('2/4');
    expect((await cli(['settings'], { dataDir })).stdout).toMatch(
      /gateway\.port {2}8080 {3}default\n\n! gateway\.port becomes 8081 when/,
    );
  });

  it.each(['start', 'stop', 'restart'])('engines %s sends the command', async (action) => {
    expect(await document('engines', action, 'embedded')).toEqual({ ok: true, engine: 'embedded', action });
    expect(await agent.heard('request', `/control/v1/commands/engines.${action}`)).toMatchObject({
      method: 'POST',
      body: { id: 'embedded' },
    });
  });

  it('settings set sends what was typed, a path in full, and says when it takes effect', async () => {
    expect(await document('settings', 'set', 'gateway.port', '8081')).toEqual({
      ok: true,
      key: 'gateway.port',
      text: '8081',
      takesEffect: 'next start',
    });
    expect(await agent.heard('request', '/control/v1/commands/settings.update')).toMatchObject({
      body: { key: 'gateway.port', text: '8081' },
    });
    const { stdout } = await cli(['settings', 'set', 'models.default', './x.gguf'], { dataDir });
    expect(stdout).toBe(
      `models.default = ${resolve('x.gguf')} is written to config.json; it takes effect when the node starts again.\n`,
    );
    expect(agent.requests().at(-1)?.body).toEqual({ key: 'models.default', text: resolve('x.gguf') });
  });

  it('settings set says of the cloud’s that they hold from now on', async () => {
    const typed = ['settings', 'set', 'cloud.timeZone', 'Europe/Berlin'];
    expect(await document(...typed)).toMatchObject({ ok: true, takesEffect: 'now' });
    const { stdout } = await cli(typed, { dataDir });
    expect(stdout).toBe('cloud.timeZone = Europe/Berlin is written to config.json and holds from now on.\n');
  });

  it('panel prints an address that signs in once', async () => {
    expect(await document('panel')).toMatchObject({ url: expect.stringMatching(/\/sign-in\?ticket=t1$/) as string });
    const noScreen = { DISPLAY: '', WAYLAND_DISPLAY: '', WSL_DISTRO_NAME: '' };
    expect((await cli(['panel'], { dataDir, env: noScreen })).stdout).toMatch(
      /works once.*\nhttp:\/\/127\.0\.0\.1:\d+\/sign-in/,
    );
  });

  it('engines logs prints the last lines, disarmed', async () => {
    expect(await document('engines', 'logs', 'embedded')).toMatchObject({ lines: [{ text: 'loading model' }, {}] });
    const { stdout } = await cli(['engines', 'logs', 'embedded', '-n', '1'], { dataDir });
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d warning: slow \\u202edisk\n$/);
  });

  it('engines logs of an engine that is not there ends with 1 and the code', async () => {
    expect(await cli(['engines', 'logs', 'other'], { dataDir })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'ranch-hand: There is no engine with that id here. [not_found]\n',
    });
  });

  it('engines logs -f goes on until it is interrupted', async () => {
    await using follow = new CliProcess(['engines', 'logs', 'embedded', '-f', '--json'], { dataDir });
    await follow.until((stdout) => jsonLines(stdout).length === 2);
    agent.order({ do: 'log', text: 'model loaded' });
    await follow.until((stdout) => stdout.includes('model loaded'));
    follow.child.kill('SIGINT');
    const { exitCode, stdout } = await follow.ended;
    expect(exitCode).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ stream: 'stdout', text: 'model loaded' });
  });

  it('doctor --json judges a running node', async () => {
    const outcome = await cli(['doctor', '--json'], { dataDir, env: { DISPLAY: '', WAYLAND_DISPLAY: '' } });
    expect(JSON.parse(outcome.stdout)).toMatchObject({ checks: expect.any(Array) as unknown[] });
    const { checks } = JSON.parse(outcome.stdout) as { checks: { id: string; verdict: string }[] };
    const verdicts = Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]));
    expect(verdicts).toMatchObject({
      node: 'ok',
      agent: 'ok',
      gateway: 'ok',
      engine: 'ok',
      model: 'ok',
      electron: 'ok',
    });
    expect(outcome.exitCode).toBe(checks.some(({ verdict }) => verdict === 'problem') ? 1 : 0);
  });
});

describe('doctor without an agent', () => {
  it('F7 names who holds the port that the next start would take', async () => {
    const dataDir = tempFolder();
    await using holder = await startFakeAgent(tempFolder());
    const { controlUrl } = await holder.heard('ready');
    const { port } = new URL(controlUrl);
    const { exitCode, stdout, stderr } = await cli(['doctor', '--json'], {
      dataDir,
      env: { RANCH_HAND_GATEWAY_PORT: port },
    });
    const { checks } = JSON.parse(stdout) as { checks: { id: string; reason: string; fix: string }[] };
    const gateway = checks.find(({ id }) => id === 'gateway');
    expect(gateway?.reason).toContain(`pid ${holder.pid}`);
    expect(gateway?.fix).toContain('--gateway');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^ranch-hand: The check found \d+ problems?\. \[problems_found\]\n$/);
  });
});
