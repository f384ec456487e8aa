import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import type { FitSubject } from '../../../../electron/agent/engines/engine-factory.ts';
import type { ModelFit } from '../../../../electron/contract/snapshot.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';
import {
  ask,
  calm,
  defaultOf,
  enginesWith,
  fitOf,
  headerWith,
  modelFile,
  selfTest,
  servedAt,
} from './engines-with-fakes.ts';
import { FakeLocalEngine } from './fake-local-engine.ts';

const q4 = modelFile('horse-q4_k_m', { arrivedMs: 2 });
const q8 = modelFile('horse-q8_0', { arrivedMs: 1 });

/** A node with two quantizations, the first of which is loaded; no room beside it unless the test says so. */
async function node(fit: ((subject: FitSubject) => ModelFit | null) | null = null) {
  const engine = new FakeLocalEngine('llama-server', 'llama-server');
  const rig = await enginesWith({ engines: [engine], files: [q4, q8], ...(fit && { fit }) });
  expect(defaultOf(rig.engines)).toBe('horse-q4_k_m');
  expect(engine.loadedIds()).toEqual(['horse-q4_k_m']);
  engine.calls.length = 0;
  return { ...rig, engine };
}
const noRoom = ({ modelId }: FitSubject): ModelFit => fitOf('after-unload', [modelId === q8.id ? q4.id : q8.id]);

describe('a switch where there is room for both', () => {
  it('loads, has the new one answer, points callers to it, unloads the old one and keeps the choice', async () => {
    const { engines, engine, remembered } = await node();
    engine.slowLoads = true;
    const { switchId } = engines.use('horse-q8_0');
    await calm();
    expect(engines.switching()).toMatchObject({
      id: switchId,
      from: 'horse-q4_k_m',
      to: 'horse-q8_0',
      phase: 'loading',
      progress: 0.5,
    });
    expect(defaultOf(engines)).toBe('horse-q4_k_m');
    expect(await ask(engines, 'llama-server', { model: 'horse-q4_k_m' })).toContain('horse-q4_k_m');
    engine.finishLoad('horse-q8_0');
    await calm();
    expect(engines.switching()).toMatchObject({ phase: 'done', error: null, progress: null });
    expect(engine.calls).toEqual(['load horse-q8_0', 'ask horse-q4_k_m', 'warm horse-q8_0', 'unload horse-q4_k_m']);
    expect(defaultOf(engines)).toBe('horse-q8_0');
    expect(remembered).toEqual(['horse-q8_0']);
  });

  it('answers under way on the old one finish there, and the switch says that it waits for them', async () => {
    const { engines, engine } = await node();
    engine.slowAnswers = true;
    const answer = ask(engines, 'llama-server', { model: 'horse-q4_k_m' });
    await calm();
    engines.use('horse-q8_0');
    await calm();
    expect(engines.switching()?.phase).toBe('unloading');
    expect(engines.switching()?.sentence).toContain('finishes its answers');
    engine.answers[0]?.end();
    expect(await answer).toContain('horse-q4_k_m');
    await calm();
    expect(engines.switching()?.phase).toBe('done');
    expect(engine.loadedIds()).toEqual(['horse-q8_0']);
  });

  it('takes a name in any case, the name of the variants with a quantization, and a variant with another one', async () => {
    for (const [name, quantization] of [
      ['HORSE-Q8_0', undefined],
      ['horse', 'q8_0'],
      ['horse-q4_k_m', 'Q8_0'],
    ] as const) {
      const { engines } = await node();
      const files = [
        { ...q4, header: headerWith('Q4_K_M') },
        { ...q8, header: headerWith('Q8_0') },
      ];
      const rig = await enginesWith({ engines: [new FakeLocalEngine('llama-server', 'llama-server')], files });
      rig.engines.use(name, quantization);
      await calm();
      expect(defaultOf(rig.engines)).toBe('horse-q8_0');
      expect(() => engines.use('cow')).toThrow(expect.objectContaining({ code: 'model_not_found' }));
      expect(() => engines.use('horse')).toThrow(expect.objectContaining({ code: 'model_not_found' }));
    }
  });

  it('leaves a pinned model loaded', async () => {
    const { engines, engine, rememberedOptions } = await node();
    engines.pin('horse-q4_k_m', true);
    engines.use('horse-q8_0');
    await calm();
    expect(engine.loadedIds()).toEqual(['horse-q4_k_m', 'horse-q8_0']);
    expect(rememberedOptions).toEqual([{ 'horse-q4_k_m': { pinned: true } }]);
    expect(engines.models().find(({ id }) => id === 'horse-q4_k_m')?.pinned).toBe(true);
  });
});

describe('a switch where there is room for one only', () => {
  it('drains and unloads the old one first; who names no model waits and is answered by the new one', async () => {
    const { engines, engine } = await node(noRoom);
    engine.slowLoads = true;
    engine.slowAnswers = true;
    const before = ask(engines, 'llama-server', { model: 'horse-q4_k_m' });
    await calm();
    engines.use('horse-q8_0');
    await calm();
    expect(engines.switching()?.phase).toBe('draining');
    expect(defaultOf(engines)).toBe('horse-q8_0');
    expect(servedAt(engines, 'llama-server')).toEqual(['horse-q4_k_m', 'horse-q8_0']);
    const meanwhile = ask(engines, 'llama-server', { model: 'horse-q8_0', byDefault: true });
    await expect(ask(engines, 'llama-server', { model: 'horse-q4_k_m' })).rejects.toMatchObject({
      code: 'engine_not_ready',
    });
    expect(engines.waiting()).toEqual({ waiting: 1, refused: 0 });

    engine.answers[0]?.end();
    expect(await before).toContain('horse-q4_k_m');
    await calm();
    expect(engines.switching()?.phase).toBe('loading');
    // With nothing loaded the engine can do nothing; what is on its way can.
    expect(engines.upstreams()[0]?.describe().operations).toEqual(['chat', 'completion']);
    engine.finishLoad('horse-q8_0');
    await calm();
    engine.answers[0]?.end();
    expect(await meanwhile).toContain('horse-q8_0');
    expect(engines.switching()?.phase).toBe('done');
    expect(engine.calls.slice(1)).toEqual([
      'unload horse-q4_k_m',
      'load horse-q8_0',
      'warm horse-q8_0',
      'ask horse-q8_0',
    ]);
  });

  it('waits for a model that still finishes its answers, too: its memory is not free before', async () => {
    const third = modelFile('cow-q4_0', { arrivedMs: 0 });
    const { engines, engine, setFiles } = await node(({ modelId }) =>
      modelId === third.id ? fitOf('after-unload', [q4.id]) : fitOf('fits'),
    );
    setFiles([q4, q8, third]);
    engine.slowAnswers = true;
    const answer = ask(engines, 'llama-server', { model: 'horse-q4_k_m' });
    await calm();
    engines.use('horse-q8_0');
    await calm();
    expect(engines.switching()?.phase).toBe('unloading');
    engines.use('cow-q4_0');
    await calm();
    expect(engines.switching()?.phase).toBe('draining');
    expect(engine.calls).not.toContain('load cow-q4_0');
    engine.answers[0]?.end();
    expect(await answer).toContain('horse-q4_k_m');
    await calm();
    expect(defaultOf(engines)).toBe('cow-q4_0');
  });

  it('a pinned model stays where the new one fits only tightly', async () => {
    const { engines, engine } = await node(() => fitOf('tight'));
    engines.pin('horse-q4_k_m', true);
    engines.use('horse-q8_0');
    await calm();
    expect(defaultOf(engines)).toBe('horse-q8_0');
    expect(engine.loadedIds()).toEqual(['horse-q4_k_m', 'horse-q8_0']);
    expect(engine.calls).not.toContain('unload horse-q4_k_m');
  });

  it.each(['broken', 'dumb'] as const)(
    'a new one that is %s is given up: the old one is loaded again and serves those who wait',
    async (fault) => {
      const { engines, engine, remembered } = await node(noRoom);
      engine[fault].add('horse-q8_0');
      engine.slowLoads = true;
      engines.use('horse-q8_0');
      await calm();
      const waiting = ask(engines, 'llama-server', { model: 'horse-q8_0', byDefault: true });
      engine.finishLoad('horse-q8_0');
      await calm();
      engine.finishLoad('horse-q4_k_m');
      await calm();
      expect(engines.switching()).toMatchObject({ phase: 'rolled-back', error: 'model_unusable' });
      expect(engines.switching()?.sentence).toContain('horse-q4_k_m answers as before');
      expect(await waiting).toContain('horse-q4_k_m');
      expect(engine.loadedIds()).toEqual(['horse-q4_k_m']);
      expect(defaultOf(engines)).toBe('horse-q4_k_m');
      expect(remembered).toEqual([]);
      expect(engines.models().find(({ id }) => id === 'horse-q8_0')?.problem).not.toBeNull();
    },
  );

  it('says so when the old one cannot be had back either', async () => {
    const { engines, engine } = await node(noRoom);
    engine.broken.add('horse-q8_0').add('horse-q4_k_m');
    engines.use('horse-q8_0');
    await calm();
    expect(engines.switching()).toMatchObject({ phase: 'failed', error: 'model_unusable' });
    expect(engines.switching()?.sentence).toContain('could not be loaded again');
  });

  it('refuses a model that would not fit even alone, before anything is touched', async () => {
    const { engines, engine } = await node(({ modelId }) => fitOf(modelId === q8.id ? 'too-big' : 'fits'));
    engines.use('horse-q8_0');
    await calm();
    expect(engines.switching()).toMatchObject({ phase: 'rolled-back', error: 'model_unusable' });
    expect(engine.calls).toEqual([]);
    expect(defaultOf(engines)).toBe('horse-q4_k_m');
  });
});

describe('a switch to a model that fails, with room for both', () => {
  it('never takes a request off the old one', async () => {
    const { engines, engine } = await node();
    engine.dumb.add('horse-q8_0');
    engines.use('horse-q8_0');
    await calm();
    expect(engines.switching()).toMatchObject({ phase: 'rolled-back' });
    expect(engine.calls).toEqual(['load horse-q8_0', 'warm horse-q8_0', 'unload horse-q8_0']);
    expect(await ask(engines, 'llama-server', { model: 'horse-q4_k_m' })).toContain('horse-q4_k_m');
  });
});

describe('a second switch while one is under way', () => {
  const third = modelFile('cow', { arrivedMs: 0 });

  it('takes its place: what the first had begun is undone', async () => {
    const { engines, engine, setFiles, remembered } = await node();
    setFiles([q4, q8, third]);
    await calm();
    engine.slowLoads = true;
    const first = engines.use('horse-q8_0');
    await calm();
    const second = engines.use('cow');
    expect(second.switchId).not.toBe(first.switchId);
    await calm();
    expect(engines.switching()).toMatchObject({ id: second.switchId, from: 'horse-q4_k_m', to: 'cow' });
    engine.finishLoad('cow');
    await calm();
    expect(engines.switching()?.phase).toBe('done');
    expect(engine.loadedIds()).toEqual(['cow']);
    expect(remembered).toEqual(['cow']);
  });

  it('keeps those waiting who name no model, and goes back to the one that answered last', async () => {
    const { engines, engine, setFiles } = await node(({ modelId }) =>
      fitOf(
        'after-unload',
        [q4.id, q8.id, 'cow'].filter((id) => id !== modelId),
      ),
    );
    setFiles([q4, q8, third]);
    engine.slowLoads = true;
    engines.use('horse-q8_0');
    await calm();
    const waiting = ask(engines, 'llama-server', { model: 'horse-q8_0', byDefault: true });
    engine.broken.add('cow');
    engines.use('cow');
    await calm();
    engine.finishLoad('cow');
    await calm();
    engine.finishLoad('horse-q4_k_m');
    expect(await waiting).toContain('horse-q4_k_m');
    expect(engines.switching()).toMatchObject({ to: 'cow', phase: 'rolled-back' });
    expect(defaultOf(engines)).toBe('horse-q4_k_m');
  });
});

describe('the default model', () => {
  it('is the operator’s, remembered from an earlier run, over a later file', async () => {
    const engine = new FakeLocalEngine('embedded', 'embedded');
    const rig = await enginesWith({ engines: [engine], files: [q4, q8], settings: { default: 'horse-q8_0' } });
    expect(defaultOf(rig.engines)).toBe('horse-q8_0');
    expect(engine.loadedIds()).toEqual(['horse-q8_0']);
  });

  it('moves from the self-test model to a real one as soon as there is one, and back when that goes', async () => {
    const engine = new FakeLocalEngine('embedded', 'embedded');
    const { engines, setFiles } = await enginesWith({ engines: [engine], files: [selfTest] });
    expect(defaultOf(engines)).toBe('self-test');
    setFiles([q4, selfTest]);
    await calm();
    expect(defaultOf(engines)).toBe('horse-q4_k_m');
    expect(engine.loadedIds()).toEqual(['horse-q4_k_m']);
    setFiles([selfTest]);
    await calm();
    expect(engine.loadedIds()).toEqual(['self-test']);
  });

  it('B63 is the next one when a model cannot be loaded, which is shown with it and not tried again by itself', async () => {
    const engine = new FakeLocalEngine('embedded', 'embedded');
    engine.broken.add('horse-q4_k_m');
    const { engines } = await enginesWith({ engines: [engine], files: [q4, q8, selfTest] });
    expect(defaultOf(engines)).toBe('horse-q8_0');
    expect(engines.models().find(({ id }) => id === 'horse-q4_k_m')?.problem).toBe('It is broken.');
    engine.turn('ready');
    await calm();
    expect(engine.calls.filter((call) => call === 'load horse-q4_k_m')).toHaveLength(1);
  });

  it('F20 the file of the loaded model goes: out of the list at once, unloaded, the next one answers, 404 for its name', async () => {
    const { engines, engine, setFiles } = await node();
    engine.slowAnswers = true;
    const answer = ask(engines, 'llama-server', { model: 'horse-q4_k_m' });
    await calm();
    setFiles([q8]);
    expect(engines.models().map(({ id }) => id)).toEqual(['horse-q8_0']);
    await calm();
    expect(defaultOf(engines)).toBe('horse-q8_0');
    await expect(ask(engines, 'llama-server', { model: 'horse-q4_k_m' })).rejects.toMatchObject({
      code: 'model_not_found',
    });
    engine.answers[0]?.end();
    expect(await answer).toContain('horse-q4_k_m');
    await calm();
    expect(engine.loadedIds()).toEqual(['horse-q8_0']);
  });
});

describe('what must not keep a node from going on', () => {
  it('a model that was coming up by itself and was given up: whoever waits for it hears so, and the next load goes', async () => {
    const { engines, engine } = await node();
    engine.hold('horse-q8_0', q8, 'loading');
    const loading = engines.load('horse-q8_0').catch((error: unknown) => error);
    await calm();
    engine.hold('horse-q8_0', q8, 'idle');
    expect(await loading).toMatchObject({ code: 'engine_failed', message: expect.stringContaining('log') as string });
    await engines.load('horse-q8_0');
    expect(engine.loadedIds()).toEqual(['horse-q4_k_m', 'horse-q8_0']);
  });

  it('F2 a default model whose engine fell for good is not tried again as soon as another one runs there', async () => {
    const { engines, engine } = await node();
    engine.hold('horse-q4_k_m', q4, 'idle');
    engine.slowLoads = true;
    engine.turn('failed');
    await calm();
    // With another model in it, the engine as a whole is well again.
    engine.turn('ready');
    engine.finishLoad('horse-q8_0');
    await calm();
    engine.slowLoads = false;
    expect(engine.calls).not.toContain('load horse-q4_k_m');
    expect(defaultOf(engines)).toBe('horse-q8_0');
    expect(engines.models().find(({ id }) => id === 'horse-q4_k_m')?.problem).toContain('failed too often');
    engines.use('horse-q4_k_m');
    await calm();
    expect(defaultOf(engines)).toBe('horse-q4_k_m');
  });

  it('a node that stops does not wait for the model that a switch goes back to', async () => {
    const { engines, engine } = await node(noRoom);
    engine.dumb.add('horse-q8_0');
    engines.use('horse-q8_0');
    engine.slowLoads = true;
    await calm();
    engine.finishLoad('horse-q8_0');
    await calm();
    expect(engine.calls.at(-1)).toBe('load horse-q4_k_m');
    engine.stop = () => Promise.resolve();
    await engines.stop();
    expect(engine.loadedIds()).toEqual([]);
  });

  it('an engine may ask which of its models is the default one while it tells of itself', async () => {
    const { engines, engine } = await node();
    const plain = engine.snapshot.bind(engine);
    engine.snapshot = () => ({ ...plain(), model: engine.site?.defaultModel(engine.id) ?? null });
    engine.turn('ready');
    expect(engines.list()[0]?.model).toBe('horse-q4_k_m');
  });

  it('an engine that the operator stops has time to finish its answers, one of a node that stops has none', async () => {
    const { engines, engine } = await node();
    await engines.stopEngine('llama-server');
    expect(engine.calls).toContain('stop after 8000 ms');
    await engines.stop();
    expect(engine.calls.at(-1)).toBe('stop');
  });

  it('F5 keys of servers that a killed agent left behind are deleted, and nothing beside them', async () => {
    const dataDir = tempFolder();
    mkdirSync(join(dataDir, 'run'));
    for (const name of ['llama-server-1f.key', 'bitnet-2e.key', 'notes'])
      writeFileSync(join(dataDir, 'run', name), 'x');
    await enginesWith({ engines: [], dataDir });
    expect(readdirSync(join(dataDir, 'run'))).toEqual(['notes']);
  });

  it('tells what an engine has against an unload that was asked for', async () => {
    const { engines, engine } = await node();
    await engines.load('horse-q8_0');
    engine.unload = () => Promise.reject(new AppError('conflict', 'It is somebody else’s.'));
    await expect(engines.unload('horse-q8_0')).rejects.toMatchObject({ code: 'conflict' });
  });
});
