import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import { SteadyCaller } from '../../fixtures/steady-caller.ts';
import { quantizations, startTwoQuantizations } from '../../fixtures/two-quantizations.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { clientOf, complete, snapshotWhere } from './real-agent.ts';

const { small, large } = quantizations;

async function loaded(agent: AgentProcess, model: string): Promise<void> {
  await snapshotWhere(
    agent,
    ({ models }) => models.some(({ id, isDefault, loaded: isLoaded }) => id === model && isDefault && isLoaded),
    120_000,
  );
}

/** Switches and waits for the end, whatever it is. */
async function switchTo(agent: AgentProcess, model: string, quantization?: string) {
  const { switchId } = await clientOf(agent).command('models.use', {
    model,
    ...(quantization !== undefined && { quantization }),
  });
  const { switching } = await snapshotWhere(
    agent,
    (snapshot) =>
      snapshot.switching?.id === switchId &&
      ['done', 'rolled-back', 'failed'].includes(snapshot.switching?.phase ?? ''),
    180_000,
  );
  return switching;
}

describe('a switch under callers who stream all the while, on a real llama-server', () => {
  it('loses none of them, from one quantization to the other and back', async (context) => {
    testEngine(context, 'gemma');
    testEngine(context, 'llama-server');
    await using agent = await startTwoQuantizations();
    await loaded(agent, small);
    const callers = new SteadyCaller(agent, { callers: 3, tokens: 6 });
    await callers.more(4);
    expect(await switchTo(agent, large)).toMatchObject({ phase: 'done', from: small, to: large, error: null });
    await callers.more(4);
    // Any variant names its siblings.
    expect(await switchTo(agent, large, 'Q4_K_M')).toMatchObject({ phase: 'done', from: large, to: small });
    await callers.more(4);
    const record = await callers.end();
    expect(record.failures).toEqual([]);
    expect([...record.models].sort()).toEqual([small, large].sort());
    const { models } = await clientOf(agent).snapshot();
    expect(models.filter((model) => model.loaded).map(({ id }) => id)).toEqual([small]);
  }, 300_000);
});

describe('models of a real llama-server', () => {
  it('a model that is not loaded is loaded by the request that names it, beside the default one', async (context) => {
    testEngine(context, 'gemma');
    testEngine(context, 'llama-server');
    await using agent = await startTwoQuantizations();
    await loaded(agent, small);
    const response = await complete(agent, { model: large, prompt: 'A horse', max_tokens: 4 });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-ranch-model')).toBe(large);
    const { models } = await clientOf(agent).snapshot();
    expect(models.filter((model) => model.loaded).map(({ id }) => id)).toEqual([small, large].sort());
    expect(models.find(({ isDefault }) => isDefault)?.id).toBe(small);
    await clientOf(agent).command('models.unload', { model: large });
    await expect(clientOf(agent).command('models.unload', { model: small })).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});

describe('the choice of a model', () => {
  /** A data folder with two models of which the embedded engine can tell the names apart, and nothing else. */
  function folderWithTwo(): string {
    const dataDir = tempFolder();
    mkdirSync(join(dataDir, 'models'), { mode: 0o700 });
    for (const name of ['cow', 'horse']) {
      writeFileSync(join(dataDir, 'models', `${name}.gguf`), buildSelfTestModel());
    }
    return dataDir;
  }

  it('is remembered over a restart', async () => {
    const dataDir = folderWithTwo();
    let chosen = '';
    {
      await using agent = await startAgent({ dataDir });
      const before = await snapshotWhere(agent, ({ models }) => models.some(({ loaded: isLoaded }) => isLoaded));
      chosen = before.models.find(({ isDefault }) => isDefault)?.id === 'cow' ? 'horse' : 'cow';
      expect(await switchTo(agent, chosen.toUpperCase())).toMatchObject({ phase: 'done', to: chosen });
      await clientOf(agent).command('models.pin', { model: chosen, pinned: true });
      const { rows } = await clientOf(agent).query('settings', {});
      const row = (wanted: string) => rows.find(({ key }) => key === wanted);
      for (const key of ['models.default', 'models.options']) {
        expect(row(key)).toMatchObject({ value: row(key)?.valueAfterRestart, origin: 'config.json' });
      }
    }
    await using agent = await startAgent({ dataDir });
    await loaded(agent, chosen);
  });

  it('holds for this run only where the command line names another one', async () => {
    const dataDir = folderWithTwo();
    const args = ['--set', 'models.default=cow'];
    {
      await using agent = await startAgent({ dataDir, args });
      await loaded(agent, 'cow');
      expect(await switchTo(agent, 'horse')).toMatchObject({ phase: 'done' });
    }
    await using agent = await startAgent({ dataDir, args });
    await loaded(agent, 'cow');
  });

  it('of a file that cannot be loaded is given up, and the model before answers on', async () => {
    const dataDir = folderWithTwo();
    await using agent = await startAgent({ dataDir, args: ['--set', 'models.default=cow'] });
    await loaded(agent, 'cow');
    // A whole header, and nothing of the weights behind it.
    const whole = buildSelfTestModel();
    writeFileSync(join(dataDir, 'models', 'broken.gguf'), whole.subarray(0, whole.length - 400_000));
    await snapshotWhere(agent, ({ models }) => models.some(({ id }) => id === 'broken'));
    const given = await switchTo(agent, 'broken').catch((error: unknown) => error);
    expect(given).toMatchObject(given instanceof Error ? { code: 'model_unusable' } : { phase: 'rolled-back' });
    const response = await complete(agent, { prompt: 'hello', max_tokens: 3 });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-ranch-model')).toBe('cow');
    await expect(clientOf(agent).command('models.use', { model: 'sheep' })).rejects.toMatchObject({
      code: 'model_not_found',
    });
  });

  it('F20 the file of the loaded model is deleted: the list is right soon, the next call for it is 404', async () => {
    const dataDir = folderWithTwo();
    await using agent = await startAgent({ dataDir, args: ['--set', 'models.default=cow'] });
    await loaded(agent, 'cow');
    rmSync(join(dataDir, 'models', 'cow.gguf'));
    await snapshotWhere(agent, ({ models }) => !models.some(({ id, loaded: isLoaded }) => id === 'cow' && isLoaded));
    const gone = await complete(agent, { model: 'cow', prompt: 'hello', max_tokens: 3 });
    expect(gone.status).toBe(404);
    await loaded(agent, 'horse');
    const next = await complete(agent, { prompt: 'hello', max_tokens: 3 });
    expect(next.status).toBe(200);
    expect(next.headers.get('x-ranch-model')).toBe('horse');
  });
});
