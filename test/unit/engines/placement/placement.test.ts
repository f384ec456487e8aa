import { describe, expect, it } from 'vitest';
import {
  chooseDefault,
  pickOffer,
  type DefaultQuestion,
} from '../../../../electron/agent/engines/placement/choose-default.ts';
import {
  enginesFor,
  hasFailed,
  isThere,
  isUsable,
  type EngineView,
} from '../../../../electron/agent/engines/placement/engine-view.ts';
import { rowOf } from '../../../../electron/agent/engines/placement/model-rows.ts';
import { mergeModels } from '../../../../electron/agent/engines/placement/node-models.ts';
import { findModel, offersOf, resolveModel } from '../../../../electron/agent/engines/placement/resolve-model.ts';
import type { CatalogModel } from '../../../../electron/agent/models/catalog-model.ts';
import { headerWith, libraryModel, modelFile, selfTest } from '../switching/engines-with-fakes.ts';
import { engineView, held } from './views.ts';

const horse = modelFile('horse', { header: headerWith('Q4_K_M') });
const ternary = modelFile('falcon', { header: headerWith('I2_S', new Map([[36, 1]])) });
const ids = (engines: readonly { readonly id: string }[]): string[] => engines.map(({ id }) => id);

describe('the engines that can load a file', () => {
  const all = [engineView('bitnet'), engineView('embedded'), engineView('ollama'), engineView('llama-server')];

  it('are those that do not refuse it, the embedded one last; the BitNet engine only where no other one can', () => {
    expect(ids(enginesFor(horse, all))).toEqual(['llama-server', 'embedded']);
    expect(ids(enginesFor(ternary, all))).toEqual(['bitnet']);
    expect(ids(enginesFor(horse, [engineView('bitnet')]))).toEqual(['bitnet']);
  });

  it('are in the order: named in the settings, running anyway, installed, embedded', () => {
    const owned = engineView('llama-server', { id: 'owned' });
    const adopted = engineView('llama-server', { id: 'adopted', ownership: 'adopted' });
    const configured = engineView('llama-server', { id: 'configured', configured: true });
    const embedded = engineView('embedded', { configured: true });
    expect(ids(enginesFor(horse, [embedded, owned, adopted, configured]))).toEqual([
      'configured',
      'adopted',
      'owned',
      'embedded',
    ]);
  });

  it('is the embedded one alone for the self-test model, and none for a file with a problem', () => {
    expect(ids(enginesFor(selfTest, all))).toEqual(['embedded']);
    expect(enginesFor({ ...horse, problem: 'It is cut off.' }, all)).toEqual([]);
  });

  it.each<[Partial<EngineView>, boolean, boolean]>([
    [{ state: 'ready' }, true, true],
    [{ state: 'stopped' }, true, true],
    [{ state: 'backoff' }, true, true],
    [{ state: 'adopted' }, true, true],
    [{ state: 'absent' }, false, false],
    [{ state: 'conflict' }, false, false],
    [{ state: 'ready', halted: true }, false, false],
    [{ state: 'failed', kind: 'ollama' }, false, true],
    [{ state: 'failed' }, true, true],
    [{ state: 'absent', kind: 'embedded' }, true, true],
  ])('may be given a model: %j → %s, by the operator %s', (part, byItself, byOperator) => {
    const engine = engineView('llama-server', part);
    expect([isUsable(engine), isThere(engine)]).toEqual([byItself, byOperator]);
  });

  it('have failed with a model when they gave it up, not when they never had it', () => {
    const engine = engineView('llama-server', { state: 'failed' });
    expect(hasFailed(engine, held('horse', { state: 'idle' }))).toBe(true);
    expect(hasFailed(engine, null)).toBe(false);
    expect(hasFailed(engineView('llama-server'), held('horse', { state: 'idle' }))).toBe(false);
  });
});

describe('one list of all models', () => {
  it('B59 a file in i2_s without the BitNet engine says which engine it needs and what to install', () => {
    const { models } = mergeModels([ternary], [engineView('llama-server'), engineView('embedded')]);
    expect(models[0]?.offers).toEqual([]);
    expect(models[0]?.problem).toContain('BitNet engine');
    expect(models[0]?.problem).toContain('ranch-hand engines install bitnet');
    const withBitnet = mergeModels([ternary], [engineView('llama-server'), engineView('bitnet')]);
    expect(withBitnet.models[0]).toMatchObject({ problem: null, offers: [{ engineId: 'bitnet' }] });
  });

  it('says what to do when no engine is there at all, and keeps the catalogue’s own problem', () => {
    expect(mergeModels([horse], []).models[0]?.problem).toContain('engines install llama-server');
    const broken = { ...horse, problem: 'It is cut off.' };
    expect(mergeModels([broken], [engineView('embedded')]).models[0]?.problem).toBe('It is cut off.');
    expect(mergeModels([selfTest], []).models[0]?.problem).toContain('engines.embedded.enabled');
  });

  it('a file that an engine has loaded is one model, under the name that it has here', () => {
    const adopted = engineView('llama-server', {
      ownership: 'adopted',
      refuses: () => 'It is used as it is.',
      models: [held('whatever', { path: horse.path })],
    });
    const { models, orphans } = mergeModels([horse], [adopted, engineView('embedded')]);
    expect(models.map(({ id }) => id)).toEqual(['horse']);
    expect(models[0]?.offers).toMatchObject([
      { engineId: 'embedded', held: null },
      { engineId: 'llama-server', modelId: 'whatever', held: { state: 'loaded' } },
    ]);
    expect(orphans).toEqual([]);
  });

  it('names of a library that collide get the engine’s, and files keep theirs whatever runs', () => {
    const one = engineView('ollama', { id: 'ollama', models: [held('horse', { library: libraryModel('horse') })] });
    const two = engineView('ollama', { id: 'other', models: [held('cow', { library: libraryModel('cow') })] });
    const three = engineView('ollama', { id: 'third', models: [held('cow', { library: libraryModel('cow') })] });
    expect(ids(mergeModels([horse], [one, two, three]).models)).toEqual([
      'horse',
      'horse@ollama',
      'cow@other',
      'cow@third',
    ]);
    expect(ids(mergeModels([], [one, two]).models)).toEqual(['horse', 'cow']);
  });

  it('F20 a file of ours that is gone is an orphan; a strange file of an adopted engine is a model', () => {
    const own = engineView('llama-server', { models: [held('horse', { path: '/models/horse.gguf' })] });
    expect(mergeModels([], [own])).toEqual({
      models: [],
      orphans: [{ engineId: 'llama-server', modelId: 'horse' }],
    });
    const adopted = { ...own, ownership: 'adopted' as const };
    expect(mergeModels([], [adopted])).toMatchObject({
      models: [{ id: 'horse', offers: [{ engineId: 'llama-server' }] }],
      orphans: [],
    });
  });

  it('300 models over four engines are merged and shown well within 100 ms', () => {
    const files = Array.from({ length: 300 }, (_, index) => modelFile(`m${index}`, { header: headerWith('Q4_K_M') }));
    const engines = (['llama-server', 'ollama', 'bitnet', 'embedded'] as const).map((kind) => engineView(kind));
    const facts = { current: null, pinned: () => false, failure: () => null, lastUsedMs: () => null };
    const tookMs = Array.from({ length: 10 }, () => {
      const startMs = performance.now();
      expect(mergeModels(files, engines).models.map((model) => rowOf(model, facts))).toHaveLength(300);
      return performance.now() - startMs;
    });
    // The quickest: what else the machine does is not this code's doing.
    expect(Math.min(...tookMs)).toBeLessThan(100);
  });
});

describe('a row of the list', () => {
  const facts = { current: null, pinned: () => false, failure: () => null, lastUsedMs: () => null };
  const engines = [
    engineView('llama-server', { models: [held('horse', { path: horse.path, state: 'loading', progress: 0.4 })] }),
    engineView('embedded', { models: [held('horse', { path: horse.path, contextLength: 512, lastUsedMs: 1_000 })] }),
  ];
  const [model] = mergeModels([horse], engines).models;
  if (!model) throw new Error('there is no model');

  it('shows where the model is loaded, else where it is on its way; the default’s engine before all', () => {
    expect(rowOf(model, facts)).toMatchObject({
      engineId: 'embedded',
      loaded: true,
      state: 'loaded',
      contextLength: 512,
      isDefault: false,
      engines: ['llama-server', 'embedded'],
      lastUsedAt: '1970-01-01T00:00:01.000Z',
    });
    const current = { modelId: 'horse', engineId: 'llama-server' };
    expect(rowOf(model, { ...facts, current })).toMatchObject({
      engineId: 'llama-server',
      loaded: false,
      state: 'loading',
      isDefault: true,
    });
  });

  it('tells why it could not be loaded once that has failed at every engine', () => {
    const atOne = ({ engineId }: { engineId: string }) => (engineId === 'embedded' ? 'It fell.' : null);
    expect(rowOf(model, { ...facts, failure: atOne }).problem).toBeNull();
    expect(rowOf(model, { ...facts, failure: () => 'It fell.' }).problem).toBe('It fell.');
  });
});

describe('the model that a name means', () => {
  const files = [
    modelFile('horse-q4_k_m', { header: headerWith('Q4_K_M'), group: 'horse' }),
    modelFile('horse-q8_0', { header: headerWith('Q8_0'), group: 'horse' }),
    modelFile('cow-f16', { header: headerWith('F16'), group: 'cow' }),
  ];
  const ollama = engineView('ollama', { models: [held('Sheep:8B', { library: libraryModel('Sheep:8B') })] });
  const { models } = mergeModels(files, [engineView('llama-server'), engineView('embedded'), ollama]);

  it.each<[string, string | undefined, string | null]>([
    ['horse-q8_0', undefined, 'horse-q8_0'],
    ['HORSE-Q8_0', undefined, 'horse-q8_0'],
    ['/models/horse-q8_0.gguf', undefined, 'horse-q8_0'],
    ['horse', 'q8_0', 'horse-q8_0'],
    ['horse-q4_k_m', 'Q8_0', 'horse-q8_0'],
    ['horse-q8_0', 'Q8_0', 'horse-q8_0'],
    ['cow', undefined, 'cow-f16'],
    ['sheep:8b', undefined, 'Sheep:8B'],
    ['horse-q8_0@embedded', undefined, 'horse-q8_0'],
    ['horse', undefined, null],
    ['horse', 'Q2_K', null],
    ['horse-q8_0@ollama', undefined, null],
    ['@embedded', undefined, null],
    ['', undefined, null],
  ])('%s %s → %s', (name, quantization, id) => {
    expect(findModel(models, name, quantization)?.model.id ?? null).toBe(id);
  });

  it('is at the engine that was named with it, else at any', () => {
    expect(offersOf(resolveModel(models, 'cow@embedded')).map(({ engineId }) => engineId)).toEqual(['embedded']);
    expect(offersOf(resolveModel(models, 'cow')).map(({ engineId }) => engineId)).toEqual(['llama-server', 'embedded']);
  });

  it('B39 is none for names that are none, and the message is short', () => {
    for (const name of ['../../x', 'C:\\x', '\0', 'x'.repeat(4_096)]) {
      expect(() => resolveModel(models, name)).toThrow(expect.objectContaining({ code: 'model_not_found' }));
      expect(() => resolveModel(models, name)).toThrow(/^.{0,250}$/s);
    }
    expect(() => resolveModel(models, 'ox')).toThrow(
      /"ox" on this node\. Get it with: ranch-hand models pull NAME, or/,
    );
  });
});

describe('the default model', () => {
  const old = modelFile('old', { header: headerWith('Q8_0'), arrivedMs: 1 });
  const fresh = modelFile('fresh', { header: headerWith('Q8_0'), arrivedMs: 2 });
  const ollamaWith = (...models: ReturnType<typeof held>[]) =>
    engineView('ollama', { state: 'adopted', ownership: 'adopted', models });
  const inLibrary = (id: string, modifiedMs: number, part: Parameters<typeof held>[1] = {}) =>
    held(id, { library: libraryModel(id, { modifiedMs }), state: 'idle', ...part });

  function chosen(
    files: readonly CatalogModel[],
    engines: readonly EngineView[],
    part: Partial<DefaultQuestion> = {},
  ): string | null {
    const { models } = mergeModels(files, engines);
    const question = { models, engines, wish: null, current: null, failed: () => false, fits: () => true, ...part };
    const placed = chooseDefault(question);
    return placed && `${placed.model.id} at ${placed.offer.engineId}`;
  }
  const files = [old, fresh, selfTest];
  const own = [engineView('llama-server'), engineView('embedded')];

  it('is the operator’s, by name or by path, at the first engine that can', () => {
    expect(chosen(files, own, { wish: 'old' })).toBe('old at llama-server');
    expect(chosen(files, own, { wish: old.path })).toBe('old at llama-server');
    expect(chosen(files, own, { wish: 'old@embedded' })).toBe('old at embedded');
    expect(chosen(files, [...own, ollamaWith(inLibrary('big', 9))], { wish: 'old' })).toBe('old at llama-server');
  });

  it('is another one while the operator’s is not there or no engine for it is', () => {
    expect(chosen(files, own, { wish: 'gone' })).toBe('fresh at llama-server');
    const noEngine = [engineView('ollama', { state: 'absent' }), engineView('embedded')];
    expect(chosen(files, noEngine, { wish: 'big' })).toBe('fresh at embedded');
  });

  it('is an Ollama’s before a file: loaded before latest, and one that fits before one that does not', () => {
    const ollama = ollamaWith(inLibrary('a', 1), inLibrary('b', 3), inLibrary('c', 2));
    expect(chosen(files, [...own, ollama])).toBe('b at ollama');
    expect(chosen(files, [...own, ollama], { fits: ({ model }) => model.id === 'c' })).toBe('c at ollama');
    expect(chosen(files, [...own, ollama], { fits: () => false })).toBe('b at ollama');
    const loaded = ollamaWith(inLibrary('a', 1, { state: 'loaded' }), inLibrary('b', 3));
    expect(chosen(files, [...own, loaded])).toBe('a at ollama');
  });

  it('is the latest file, else the self-test model, else none', () => {
    expect(chosen(files, own)).toBe('fresh at llama-server');
    expect(chosen([selfTest], own)).toBe('self-test at embedded');
    expect(chosen([selfTest], [])).toBeNull();
    expect(chosen([], own)).toBeNull();
  });

  it('stays what it is among equals, and makes way for a better kind', () => {
    expect(chosen(files, own, { current: 'old' })).toBe('old at llama-server');
    expect(chosen(files, own, { current: 'self-test' })).toBe('fresh at llama-server');
    expect(chosen(files, [...own, ollamaWith(inLibrary('big', 1))], { current: 'old' })).toBe('big at ollama');
  });

  it('is never one that writes nothing, nor one that failed', () => {
    const embedding = modelFile('e', { header: headerWith('F16'), arrivedMs: 9, capabilities: ['embedding'] });
    expect(chosen([embedding, ...files], own)).toBe('fresh at llama-server');
    expect(chosen(files, own, { failed: ({ engineId }) => engineId === 'llama-server' })).toBe('fresh at embedded');
    expect(chosen(files, own, { failed: ({ modelId }) => modelId === 'fresh' })).toBe('old at llama-server');
  });

  it('goes to an engine that failed only when the operator asks outright', () => {
    const failed = ollamaWith(inLibrary('big', 1));
    const engines = [{ ...failed, state: 'failed' as const }];
    const [model] = mergeModels([], engines).models;
    expect(pickOffer(model?.offers ?? [], engines, false)).toBeNull();
    expect(pickOffer(model?.offers ?? [], engines, true)?.engineId).toBe('ollama');
  });
});
