import { basename, isAbsolute } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { aFit, aModel, anEngine, aPull, aSwitch } from '../../unit/cli/node-snapshot.ts';
import { cli, CliProcess, jsonLines } from './cli-process.ts';
import { startFakeAgent, type FakeAgent } from './fake-agent.ts';

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

const set = (change: Partial<NodeSnapshot>): void => agent.order({ do: 'set', set: change });
const body = async (command: string): Promise<unknown> =>
  (await agent.heard('request', `/control/v1/commands/${command}`)).body;

describe('models use', () => {
  it('stays until the switch is done, and tells its end', async () => {
    agent.order({ do: 'command', name: 'models.use', answer: { switchId: 's1' } });
    set({ switching: aSwitch() });
    await using use = new CliProcess(['models', 'use', 'llama', '--quant', 'Q8_0'], { dataDir });
    await use.until((_stdout, stderr) => stderr.includes('Loading llama.'));
    expect(await body('models.use')).toEqual({ model: 'llama', quantization: 'Q8_0' });
    set({ switching: aSwitch({ phase: 'done', sentence: 'llama answers now.' }) });
    expect(await use.ended).toMatchObject({ exitCode: 0, stdout: 'llama answers now.\n' });
  });

  it('ends with 1 and the reason when the switch was rolled back', async () => {
    agent.order({ do: 'command', name: 'models.use', answer: { switchId: 's1' } });
    set({
      switching: aSwitch({
        phase: 'rolled-back',
        sentence: 'llama did not answer; falcon3 stays.',
        error: 'engine_failed',
      }),
    });
    expect(await cli(['models', 'use', 'llama'], { dataDir })).toMatchObject({
      exitCode: 1,
      stderr: 'ranch-hand: llama did not answer; falcon3 stays. [engine_failed]\n',
    });
  });

  it('follows a pull that is needed first, then the switch after it, not the one before', async () => {
    agent.order({ do: 'command', name: 'models.use', answer: { pullId: 'p1' } });
    set({ switching: aSwitch({ id: 'old', phase: 'done' }), pulls: [aPull({ thenUse: true })] });
    await using use = new CliProcess(['models', 'use', 'gemma', '--json'], { dataDir });
    await use.until((stdout) => stdout.includes('"type":"pull"'));
    set({ pulls: [aPull({ state: 'done', model: 'gemma', thenUse: true })] });
    set({ switching: aSwitch({ id: 'new', phase: 'warming' }) });
    await use.until((stdout) => stdout.includes('warming'));
    set({ switching: aSwitch({ id: 'new', phase: 'done' }) });
    const { exitCode, stdout } = await use.ended;
    expect(exitCode).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'switch', id: 'new', phase: 'done' });
    expect(stdout).not.toContain('"id":"old"');
  });

  it('ends with 1 and the reason when what was pulled cannot be switched to', async () => {
    agent.order({ do: 'command', name: 'models.pull', answer: { pullId: 'p1' } });
    const sentence = 'It is here, but it is not switched to: horse needs the BitNet engine.';
    set({ switching: aSwitch({ id: 'old', phase: 'done' }), pulls: [aPull({ state: 'done', sentence })] });
    expect(await cli(['models', 'pull', 'horse', '--use'], { dataDir })).toMatchObject({
      exitCode: 1,
      stderr: `ranch-hand: ${sentence} [switch_failed]\n`,
    });
  });

  it('says why nothing comes while a pull stands still', async () => {
    agent.order({ do: 'command', name: 'models.pull', answer: { pullId: 'p1' } });
    const sentence = 'The connection to hf.co was cut. It goes on in 4 seconds.';
    set({ pulls: [aPull({ bytesPerSecond: null, secondsLeft: null, sentence })] });
    await using pull = new CliProcess(['models', 'pull', 'horse'], { dataDir });
    await pull.until((_stdout, stderr) => stderr.includes(sentence));
  });

  it('leaves on Ctrl-C and says that the node goes on', async () => {
    agent.order({ do: 'command', name: 'models.use', answer: { switchId: 's1' } });
    set({ switching: aSwitch() });
    await using use = new CliProcess(['models', 'use', 'llama'], { dataDir });
    await use.until((_stdout, stderr) => stderr.includes('Loading'));
    use.child.kill('SIGINT');
    const { exitCode, stderr } = await use.ended;
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(/node goes on/);
  });
});

describe('models pull', () => {
  it('shows a line a tenth where there is no terminal, then what came', async () => {
    const digest = 'ab'.repeat(32);
    agent.order({ do: 'command', name: 'models.pull', answer: { pullId: 'p1' } });
    set({ pulls: [aPull({ receivedBytes: 30e6 })] });
    await using pull = new CliProcess(['models', 'pull', 'hf.co/o/r:Q4_K_M', '--sha256', digest], { dataDir });
    await pull.until((_stdout, stderr) => stderr.includes('12 %'));
    expect(await body('models.pull')).toEqual({
      reference: 'hf.co/o/r:Q4_K_M',
      sha256: `sha256:${digest}`,
      use: false,
    });
    set({ pulls: [aPull({ receivedBytes: 31e6 })] });
    set({ pulls: [aPull({ receivedBytes: 200e6 })] });
    await pull.until((_stdout, stderr) => stderr.includes('79 %'));
    const ended = {
      state: 'done',
      endedAt: '2026-11-22T12:04:40.000Z',
      model: 'gemma-q4',
      receivedBytes: 253e6,
    } as const;
    set({ pulls: [aPull(ended)] });
    const { exitCode, stdout, stderr } = await pull.ended;
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'gemma is here after 40 s: 241 MB, checked. Use it with: ranch-hand models use gemma-q4\n',
    });
    expect(stderr.trim().split('\n')).toHaveLength(2);
  });

  it.each(['failed', 'cancelled'] as const)('ends with 1 when it %s', async (state) => {
    agent.order({ do: 'command', name: 'models.pull', answer: { pullId: 'p1' } });
    set({ pulls: [aPull({ state, sentence: 'The disk is full: 200 MB are free.' })] });
    expect(await cli(['models', 'pull', 'gemma'], { dataDir })).toMatchObject({
      exitCode: 1,
      stderr: `ranch-hand: The disk is full: 200 MB are free. [pull_${state}]\n`,
    });
  });

  it('means a file of the folder it runs in by a path from there', async () => {
    agent.order({ do: 'command', name: 'models.pull', answer: { pullId: 'p1' } });
    await cli(['models', 'pull', './horse.gguf', '--detach'], { dataDir });
    const { reference } = (await body('models.pull')) as { reference: string };
    expect(isAbsolute(reference)).toBe(true);
    expect(basename(reference)).toBe('horse.gguf');
  });

  it('--detach returns at once; pause, resume and cancel name the pull', async () => {
    agent.order({ do: 'command', name: 'models.pull', answer: { pullId: 'p1' } });
    const { stdout } = await cli(['models', 'pull', 'gemma', '--detach', '--json'], { dataDir });
    expect(JSON.parse(stdout)).toEqual({ ok: true, pullId: 'p1' });
    for (const action of ['pause', 'resume', 'cancel']) {
      expect((await cli(['models', action, 'p1'], { dataDir })).exitCode).toBe(0);
      expect(await body(`models.${action}Pull`)).toEqual({ id: 'p1' });
    }
  });
});

describe('looking after models', () => {
  it('show, load, unload, pin and unpin say what they did', async () => {
    expect((await cli(['models', 'show', 'FALCON3-10b-instruct'], { dataDir })).stdout).toMatch(
      /^Falcon3 10B Instruct\n/,
    );
    expect(await cli(['models', 'show', 'nobody'], { dataDir })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('[model_not_found]') as string,
    });
    for (const action of ['load', 'unload']) {
      expect((await cli(['models', action, 'm'], { dataDir })).exitCode).toBe(0);
      expect(await body(`models.${action}`)).toEqual({ model: 'm' });
    }
    await cli(['models', 'unpin', 'm'], { dataDir });
    expect(await body('models.pin')).toEqual({ model: 'm', pinned: false });
  });

  it('rm asks where it can, and removes nothing unasked', async () => {
    set({ models: [aModel()] });
    const unasked = await cli(['models', 'rm', 'falcon3-10b-instruct'], { dataDir });
    expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') as string });
    expect(agent.requests().some(({ path }) => path.endsWith('models.remove'))).toBe(false);
    await cli(['models', 'rm', 'falcon3-10b-instruct', '--yes'], { dataDir });
    expect(await body('models.remove')).toEqual({ model: 'falcon3-10b-instruct' });
  });

  it('fit asks for the machine that is named', async () => {
    agent.order({
      do: 'answer',
      query: 'fit',
      answer: {
        ramBytes: 32 * 1024 ** 3,
        bandwidthBytesPerS: 38e9,
        bandwidthOrigin: 'given',
        rows: [{ id: 'm', name: 'M', quantization: 'Q4_K_M', installed: false, sizeBytes: 1, fit: aFit() }],
      },
    });
    const { stdout, exitCode } = await cli(['models', 'fit', '--ram', '32', '--bandwidth', '38'], { dataDir });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('For 32 GB of memory and 38.0 GB/s');
  });
});

describe('engines install', () => {
  const steps = {
    kind: 'bitnet',
    sentence: 'It takes 3 GB and ten minutes.',
    steps: [{ sentence: 'Get the sources.', lines: ['git clone https://github.com/microsoft/BitNet'] }],
    problem: null,
  };

  it('shows the steps and runs nothing without a yes', async () => {
    agent.order({ do: 'answer', query: 'installSteps', answer: steps });
    const shown = await cli(['engines', 'install', 'bitnet', '--steps'], { dataDir });
    expect(shown).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/1\. Get the sources\.\n {3}git clone/) as string,
    });
    expect((await cli(['engines', 'install', 'bitnet'], { dataDir })).exitCode).toBe(2);
    expect(agent.requests().some(({ path }) => path.endsWith('engines.install'))).toBe(false);
  });

  it('with a yes it runs them and follows to the end', async () => {
    agent.order({ do: 'answer', query: 'installSteps', answer: steps });
    const install = {
      kind: 'bitnet',
      state: 'running',
      step: 1,
      steps: 4,
      sentence: 'Getting the sources.',
      progress: null,
      startedAt: '2026-11-22T12:04:00.000Z',
      endedAt: null,
    } as const;
    set({ installs: [install] });
    await using run = new CliProcess(['engines', 'install', 'bitnet', '--yes'], { dataDir });
    await run.until((_stdout, stderr) => stderr.includes('Step 1 of 4 · Getting the sources.'));
    expect(await body('engines.install')).toEqual({ kind: 'bitnet', consent: true });
    set({ installs: [{ ...install, state: 'failed', sentence: 'clang is missing. Install it first.' }] });
    expect(await run.ended).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('clang is missing. Install it first. [install_failed]') as string,
    });
  });

  it('says why this node cannot', async () => {
    agent.order({
      do: 'answer',
      query: 'installSteps',
      answer: { ...steps, problem: 'There is no build for this processor.' },
    });
    expect(await cli(['engines', 'install', 'bitnet', '--yes'], { dataDir })).toMatchObject({ exitCode: 1 });
  });
});

describe('models and engines as lists', () => {
  it('show what is on its way and how engines are run', async () => {
    set({
      pulls: [aPull({ state: 'failed', sentence: 'The network was cut.' })],
      switching: aSwitch(),
      engines: [
        anEngine({
          id: 'ollama',
          kind: 'ollama',
          manager: 'systemd',
          url: 'http://127.0.0.1:11434',
          advice: [{ sentence: 'Its context is 4096.', lines: ['sudo systemctl edit ollama'] }],
          availability: { day: 0.9951, week: null, month: null },
        }),
      ],
    });
    const models = (await cli(['models'], { dataDir })).stdout;
    expect(models).toContain('Loading llama.');
    expect(models).toContain('ranch-hand models resume p1');
    const engines = (await cli(['engines'], { dataDir })).stdout;
    expect(engines).toContain('99.51 %');
    expect(engines).toContain('run by systemd');
    expect(engines).toContain('    sudo systemctl edit ollama');
  });
});
