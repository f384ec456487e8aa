import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { hasRested, type RestingModel } from '../../../../electron/agent/engines/switching/idle-rule.ts';
import { ReadAhead } from '../../../../electron/agent/engines/switching/read-ahead.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';
import { ask, calm, enginesWith, libraryModel, modelFile } from './engines-with-fakes.ts';
import { FakeLocalEngine } from './fake-local-engine.ts';

const minuteMs = 60_000;
const horse = modelFile('horse', { arrivedMs: 2 });
const cow = modelFile('cow', { arrivedMs: 1 });

async function node(given: Partial<Parameters<typeof enginesWith>[0]> = {}) {
  const engine = new FakeLocalEngine('llama-server', 'llama-server');
  const rig = await enginesWith({ engines: [engine], files: [horse, cow], ...given });
  return { ...rig, engine };
}

describe('a model that rests', () => {
  it('is unloaded after its keep-alive, the default model never', async () => {
    const { engines, engine, clock } = await node();
    await engines.load('cow');
    expect(engine.loadedIds()).toEqual(['horse', 'cow']);
    clock.advance(4 * minuteMs);
    await ask(engines, 'llama-server', { model: 'cow' });
    clock.advance(4 * minuteMs);
    await calm();
    expect(engine.loadedIds()).toEqual(['horse', 'cow']);
    clock.advance(2 * minuteMs);
    await calm();
    expect(engine.loadedIds()).toEqual(['horse']);
    clock.advance(24 * 60 * minuteMs);
    await calm();
    expect(engine.loadedIds()).toEqual(['horse']);
  });

  it('is not unloaded in the middle of a long answer, and its time begins at the end', async () => {
    const { engines, engine, clock } = await node();
    await engines.load('cow');
    engine.slowAnswers = true;
    const answer = ask(engines, 'llama-server', { model: 'cow' });
    await calm();
    clock.advance(30 * minuteMs);
    await calm();
    expect(engine.loadedIds()).toContain('cow');
    engine.answers[0]?.end();
    await answer;
    clock.advance(4 * minuteMs);
    await calm();
    expect(engine.loadedIds()).toContain('cow');
    clock.advance(2 * minuteMs);
    await calm();
    expect(engine.loadedIds()).toEqual(['horse']);
  });

  it('has the keep-alive of its own options, stays when pinned, and is loaded at the start if they say so', async () => {
    const sheep = modelFile('sheep');
    const options = { cow: { keepAliveMinutes: null, preload: true }, sheep: { pinned: true, preload: true } };
    const { engine, clock } = await node({ files: [horse, cow, sheep], settings: { options } });
    expect(engine.loadedIds()).toEqual(['horse', 'cow', 'sheep']);
    clock.advance(24 * 60 * minuteMs);
    await calm();
    expect(engine.loadedIds()).toEqual(['horse', 'cow', 'sheep']);
  });

  it.each<[string, Partial<RestingModel>]>([
    ['the default model', { isDefault: true }],
    ['a pinned one', { pinned: true }],
    ['one that is being switched to', { isBusy: true }],
    ['one that is asked', { inFlight: 1 }],
    ['one of somebody else’s engine', { isOurs: false }],
    ['one without a keep-alive', { keepAliveMinutes: null }],
    ['one used lately', { lastUsedMs: 60_001 }],
  ])('stays: %s', (_name, part) => {
    const resting: RestingModel = {
      isDefault: false,
      pinned: false,
      isBusy: false,
      inFlight: 0,
      isOurs: true,
      keepAliveMinutes: 1,
      lastUsedMs: 60_000,
    };
    expect(hasRested(resting, 120_000)).toBe(true);
    expect(hasRested({ ...resting, ...part }, 120_000)).toBe(false);
  });
});

describe('load, unload and remove', () => {
  it('the default model is not unloaded by hand: it would be loaded again at once', async () => {
    const { engines } = await node();
    await expect(engines.unload('horse')).rejects.toMatchObject({ code: 'conflict' });
    await engines.load('cow');
    await engines.unload('COW');
    expect(engines.models().find(({ id }) => id === 'cow')?.loaded).toBe(false);
  });

  it('removes a file that is not loaded, refuses one that is, and never the self-test model', async () => {
    const selfTest = modelFile('self-test', { selfTest: true });
    const { engines, removed } = await node({ files: [horse, cow, selfTest] });
    await expect(engines.remove('horse')).rejects.toMatchObject({ code: 'conflict' });
    await expect(engines.remove('self-test')).rejects.toMatchObject({ code: 'invalid_request' });
    await engines.remove('cow');
    expect(removed).toEqual(['/models/cow.gguf']);
    await expect(engines.remove('cow')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('a model of a library is removed by its engine, if that can', async () => {
    const engine = new FakeLocalEngine('ollama', 'ollama');
    engine.library.set('qwen3', libraryModel('qwen3'));
    const { engines } = await enginesWith({ engines: [engine] });
    await expect(engines.remove('qwen3')).rejects.toMatchObject({ code: 'invalid_request' });
    const removed: string[] = [];
    Object.assign(engine, { removeModel: (id: string) => Promise.resolve(void removed.push(id)) });
    await engines.remove('qwen3');
    expect(removed).toEqual(['qwen3']);
  });

  it('tells of every model that comes into memory, once', async () => {
    const { engines } = await node();
    const told: string[] = [];
    engines.modelLoaded.subscribe(({ modelId, engineId }) => told.push(`${modelId} at ${engineId}`));
    await engines.load('cow');
    await engines.unload('cow');
    await engines.load('cow');
    expect(told).toEqual(['cow at llama-server', 'cow at llama-server']);
  });
});

describe('how long a model took to load', () => {
  it('is told with it, and not for one that comes up unseen', async () => {
    const { engines, engine, clock } = await node();
    const told: (number | null)[] = [];
    engines.modelLoaded.subscribe(({ loadMs }) => told.push(loadMs));
    engine.slowLoads = true;
    const load = engines.load('cow');
    await calm();
    clock.advance(7_000);
    engine.finishLoad('cow');
    await load;
    expect(told).toEqual([7_000]);
    engine.drop('cow');
    await calm();
    engine.hold('cow', cow, 'loaded');
    await calm();
    expect(told).toEqual([7_000, null]);
  });
});

describe('F20 a file that goes without anybody telling', () => {
  it('is noticed within five seconds', async () => {
    const folder = tempFolder();
    const path = join(folder, 'horse.gguf');
    writeFileSync(path, '');
    const rescan = vi.fn(() => Promise.resolve());
    const { clock } = await node({ files: [{ ...horse, path }, cow], rescan });
    rmSync(path);
    expect(rescan).not.toHaveBeenCalled();
    clock.advance(4_000);
    await vi.waitFor(() => expect(rescan).toHaveBeenCalled(), { timeout: 20_000 });
  });
});

describe('files that are read ahead', () => {
  function reading(given: { readonly sizeBytes: number; readonly freeBytes: number }) {
    const path = join(tempFolder(), 'next.gguf');
    writeFileSync(path, Buffer.alloc(given.sizeBytes));
    const clock = new ManualClock();
    const state = { idle: true, looks: 0 };
    const isIdle = (): boolean => {
      state.looks += 1;
      return state.idle;
    };
    const ahead = new ReadAhead(
      { chunkBytes: 100, pauseMs: 50, againMs: 1_000 },
      { clock, isIdle, files: () => [path], freeBytes: () => given.freeBytes },
    );
    /** Runs it to its end, however long its pauses are. */
    const run = async (): Promise<number> => {
      state.looks = 0;
      const over = vi.fn();
      void ahead.run().then(over);
      for (let turns = 0; turns < 10_000 && over.mock.calls.length === 0; turns += 1) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (clock.waiting > 0) clock.advance(50);
      }
      return state.looks;
    };
    return { ahead, clock, state, run };
  }

  it('are read piece by piece, and again only after a while', async () => {
    const { run, clock } = reading({ sizeBytes: 1_000, freeBytes: 10_000 });
    expect(await run()).toBe(10);
    expect(await run()).toBe(0);
    clock.advance(1_000);
    expect(await run()).toBe(10);
  });

  it('are left alone while somebody asks', async () => {
    const { run, state } = reading({ sizeBytes: 1_000, freeBytes: 10_000 });
    state.idle = false;
    expect(await run()).toBe(1);
    state.idle = true;
    expect(await run()).toBe(10);
  });

  it('are left alone where they do not fit into memory', async () => {
    const { run } = reading({ sizeBytes: 1_000, freeBytes: 999 });
    expect(await run()).toBe(0);
  });
});
