import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import type { CatalogModel } from '../../../electron/agent/models/catalog-model.ts';
import { defaultOf, ModelCatalog } from '../../../electron/agent/models/catalog.ts';
import { ModelRecords } from '../../../electron/agent/models/records.ts';
import type { GgufHeader } from '../../../electron/agent/models/gguf-reader.ts';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { entry, ggufFile, usualEntries } from './gguf-file.ts';

function rig(defaultPath: string | null = null) {
  const folder = tempFolder();
  const modelsDir = join(folder, 'models');
  const selfTestPath = join(folder, 'self-test.gguf');
  mkdirSync(modelsDir);
  writeFileSync(selfTestPath, buildSelfTestModel());
  const put = (name: string, bytes = ggufFile()): string => {
    const file = join(modelsDir, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, bytes);
    return file;
  };
  const open = (chosen = defaultPath) =>
    new ModelCatalog(
      { modelsDir, defaultPath: chosen, selfTestPath },
      { clock: new ManualClock(), logger: silentLogger },
    );
  return { folder, modelsDir, put, open };
}

/** A catalog that has looked once. */
async function looked(catalog: ModelCatalog): Promise<ModelCatalog> {
  await catalog.rescan();
  return catalog;
}

describe('ModelCatalog', () => {
  it('has the self-test model when there is no other', async () => {
    const catalog = await looked(rig().open());
    expect(catalog.rows()).toEqual([
      expect.objectContaining({
        id: 'self-test',
        selfTest: true,
        isDefault: true,
        loaded: false,
        problem: null,
        quantization: 'F16',
      }),
    ]);
  });

  it('prefers a real model, names it by its stem in lower case, and finds it in sub-folders', async () => {
    const { put, open } = rig();
    put('deep/er/Horse-7B-Q4_K_M.gguf');
    put('notes.txt', Buffer.from('no model'));
    const catalog = await looked(open());
    expect(catalog.rows().map(({ id, isDefault }) => ({ id, isDefault }))).toEqual([
      { id: 'horse-7b-q4_k_m', isDefault: true },
      { id: 'self-test', isDefault: false },
    ]);
    expect(catalog.rows()[0]).toMatchObject({
      name: 'Small Horse',
      family: 'llama',
      parameters: 128,
      contextLength: 4_096,
    });
  });

  it('the file that the operator named comes first, wherever it is', async () => {
    const { folder, put, open } = rig();
    put('other.gguf');
    const chosen = join(folder, 'chosen.gguf');
    writeFileSync(chosen, ggufFile());
    const catalog = await looked(open(chosen));
    expect(catalog.default()).toMatchObject({ id: 'chosen', chosen: true });
  });

  it('a named file that is not there is shown with what is wrong, and does not become the default', async () => {
    const { folder, open } = rig();
    const gone = join(folder, 'gone.gguf');
    const catalog = await looked(open(gone));
    expect(catalog.rows()).toEqual([
      expect.objectContaining({
        id: 'gone',
        problem: `models.default names ${gone}, which cannot be used: There is no such file. Check the path.`,
        isDefault: false,
        capabilities: [],
      }),
      expect.objectContaining({ id: 'self-test', isDefault: true }),
    ]);
  });

  it('shows a hostile file with its problem and goes on', async () => {
    const { put, open } = rig();
    put('bad.gguf', Buffer.from('GGUFxxxxxxxxxxxxxxxxxxxxxxxxxxxx'));
    put('good.gguf');
    const catalog = await looked(open());
    expect(catalog.rows().find(({ id }) => id === 'bad')?.problem).toContain('version');
    expect(catalog.default()?.id).toBe('good');
  });

  it('B59 an i2_s file is no broken one, and no default where no engine is known that loads it', async () => {
    const { put, open } = rig();
    put(
      'ternary.gguf',
      ggufFile({ tensors: [{ name: 'w', shape: [256, 4], type: 36, offset: 0 }], dataBytes: 256 + 32 }),
    );
    const catalog = await looked(open());
    expect(catalog.rows()[0]).toMatchObject({
      quantization: 'I2_S',
      problem: null,
    });
    expect(catalog.default()?.id).toBe('self-test');
    expect(catalog.default(() => true)?.id).toBe('ternary');
  });

  it('B61 a split model counts as one, and a missing part is named', async () => {
    const { put, open } = rig();
    put('big-00001-of-00002.gguf');
    const second = put('big-00002-of-00002.gguf');
    const whole = await looked(open());
    expect(whole.rows()[0]).toMatchObject({ id: 'big', problem: null, sizeBytes: 2 * ggufFile().length });
    expect(whole.rows()).toHaveLength(2);
    rmSync(second);
    const cut = await looked(open());
    expect(cut.rows()[0]?.problem).toContain('big-00002-of-00002.gguf');
  });

  it('B61 a later part that is cut off, or weights in a later part, count', async () => {
    const { put, open } = rig();
    put('big-00001-of-00002.gguf');
    put('big-00002-of-00002.gguf');
    const whole = await looked(open());
    expect(whole.list()[0]?.shape?.parameters ?? whole.rows()[0]?.parameters).toBe(2 * 128);
    put('big-00002-of-00002.gguf', ggufFile({ dataBytes: 10 }));
    const cut = await looked(open());
    expect(cut.rows()[0]?.problem).toContain('incomplete');
  });

  it('lists more folders beside its own, each file once, and goes on without one that is not there', async () => {
    const { folder, modelsDir, put } = rig();
    put('own.gguf');
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'Foreign-Q8_0.gguf'), ggufFile());
    const folders = [other, modelsDir, join(other, '..', 'other'), join(folder, 'none')];
    const catalog = await looked(
      new ModelCatalog(
        { modelsDir, folders, defaultPath: null, selfTestPath: join(folder, 'none.gguf') },
        { clock: new ManualClock(), logger: silentLogger },
      ),
    );
    expect(catalog.list().map(({ id, group }) => ({ id, group }))).toEqual([
      { id: 'own', group: 'own' },
      { id: 'foreign-q8_0', group: 'foreign' },
    ]);
  });

  it('has digest and origin from the records, as long as they are of this file', async () => {
    const { modelsDir, folder, put } = rig();
    const file = put('pulled.gguf');
    const clock = new ManualClock();
    const records = new ModelRecords({ file: join(folder, 'models.json') }, { clock, logger: silentLogger });
    const digest = `sha256:${'a'.repeat(64)}`;
    records.put({ path: file, digest, origin: 'hf.co/org/repo:Q4_K_M', sizeBytes: ggufFile().length, addedAt: 1 });
    const catalog = new ModelCatalog(
      { modelsDir, defaultPath: null, selfTestPath: join(folder, 'none.gguf') },
      { clock, logger: silentLogger, records },
    );
    await catalog.rescan();
    expect(catalog.list()[0]).toMatchObject({ digest, origin: 'hf.co/org/repo:Q4_K_M' });
    put('pulled.gguf', ggufFile({ dataBytes: 4 * 34 + 32 }));
    await catalog.rescan();
    expect(catalog.list()[0]).toMatchObject({ digest: null, origin: null });
    await catalog.remove('pulled');
    expect(records.get(file)).toBeNull();
  });

  it('removes a model with all its parts', async () => {
    const { modelsDir, put, open } = rig();
    put('big-00001-of-00002.gguf');
    put('big-00002-of-00002.gguf');
    put('deep/other.gguf');
    const catalog = await looked(open());
    await catalog.remove('big');
    await catalog.remove('other');
    expect(catalog.list().map(({ id }) => id)).toEqual(['self-test']);
    expect(readdirSync(modelsDir, { recursive: true })).toEqual(['deep']);
    await expect(catalog.remove('big')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(catalog.remove('self-test')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('B62 removes nothing outside its folders: a link goes, what it leads to stays', async () => {
    const { folder, modelsDir, open } = rig();
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    const precious = join(outside, 'precious.gguf');
    writeFileSync(precious, ggufFile());
    symlinkSync(precious, join(modelsDir, 'linked.gguf'));
    const catalog = await looked(open(precious));
    await expect(catalog.remove('precious')).rejects.toMatchObject({ code: 'forbidden' });
    await catalog.remove('linked');
    expect(existsSync(precious)).toBe(true);
    expect(readdirSync(modelsDir)).toEqual([]);
    // A folder that was put out of the way and replaced by a link to another one.
    mkdirSync(join(modelsDir, 'sub'));
    writeFileSync(join(modelsDir, 'sub', 'precious.gguf'), ggufFile());
    const later = await looked(open());
    rmSync(join(modelsDir, 'sub'), { recursive: true });
    symlinkSync(outside, join(modelsDir, 'sub'));
    await expect(later.remove('precious')).rejects.toMatchObject({ code: 'forbidden' });
    expect(existsSync(precious)).toBe(true);
  });

  it('B63 a model that ends every engine is set aside with the reason, until its file changes', async () => {
    const { put, open } = rig();
    put('hostile.gguf');
    const catalog = await looked(open());
    await catalog.setAside('hostile', 'It ended the engine three times. Pull it again or remove it.');
    expect(catalog.list()[0]).toMatchObject({
      problem: expect.stringContaining('three times') as string,
      capabilities: [],
    });
    expect(catalog.default()?.id).toBe('self-test');
    await catalog.rescan();
    expect(catalog.default()?.id).toBe('self-test');
    put('hostile.gguf', ggufFile({ dataBytes: 4 * 34 + 32 }));
    await catalog.rescan();
    expect(catalog.default()?.id).toBe('hostile');
  });

  it('an embedding model is nobody’s default, though it came last', async () => {
    const { put, open } = rig();
    put('chat.gguf');
    const file = put('embed.gguf', ggufFile({ entries: [entry.string('general.architecture', 'bert')] }));
    utimesSync(file, 4_000_000_000, 4_000_000_000);
    const catalog = await looked(open());
    expect(catalog.list().map(({ id, capabilities }) => ({ id, capabilities }))).toContainEqual({
      id: 'embed',
      capabilities: ['embedding'],
    });
    expect(catalog.default()?.id).toBe('chat');
  });

  it('F20 a folder that cannot be watched is looked at every few seconds', async () => {
    const { folder, modelsDir } = rig();
    const late = join(folder, 'late');
    const clock = new ManualClock();
    const catalog = new ModelCatalog(
      { modelsDir, folders: [late], defaultPath: null, selfTestPath: join(folder, 'none.gguf') },
      { clock, logger: silentLogger },
    );
    await catalog.start();
    onTestFinished(() => catalog.stop());
    mkdirSync(late);
    writeFileSync(join(late, 'horse.gguf'), ggufFile());
    const changed = new Promise<void>((resolve) => catalog.changed.subscribe(resolve));
    clock.advance(4_000);
    await changed;
    expect(catalog.list()).toHaveLength(1);
  });

  it('two files with one stem get two ids', async () => {
    const { put, open } = rig();
    put('a/same.gguf');
    put('b/Same.gguf');
    expect((await looked(open())).rows().map(({ id }) => id)).toEqual(['same', 'same-2', 'self-test']);
  });

  it('a rescan announces what changed, and nothing when nothing did', async () => {
    const { put, open } = rig();
    const catalog = open();
    let announced = 0;
    catalog.changed.subscribe(() => (announced += 1));
    await catalog.rescan();
    await catalog.rescan();
    expect(announced).toBe(1);
    const file = put('new.gguf', ggufFile({ dataBytes: 4 }));
    await catalog.rescan();
    expect(catalog.rows()[0]?.problem).toContain('incomplete');
    writeFileSync(file, ggufFile({ entries: [...usualEntries, entry.u32('x', 1)] }));
    utimesSync(file, 1, 1);
    await catalog.rescan();
    expect(catalog.default()?.id).toBe('new');
    rmSync(file);
    await catalog.rescan();
    expect(catalog.default()?.id).toBe('self-test');
    expect(announced).toBe(4);
  });
});

describe('defaultOf', () => {
  const header: GgufHeader = {
    sizeBytes: 1,
    version: 3,
    architecture: 'llama',
    name: null,
    quantization: 'F16',
    contextLength: null,
    blockCount: null,
    embeddingLength: null,
    headCount: null,
    headCountKv: null,
    parameters: 1,
    tensorTypes: new Map([[1, 1]]),
    hasChatTemplate: false,
    use: { chatTemplate: null, tools: false, use: 'answers' },
    shape: null,
  };
  const model = (id: string, change: Partial<CatalogModel>): CatalogModel => ({
    id,
    name: id,
    path: `/${id}`,
    sizeBytes: 1,
    arrivedMs: 0,
    header,
    group: id,
    digest: null,
    origin: null,
    capabilities: [],
    shape: null,
    selfTest: false,
    chosen: false,
    problem: null,
    ...change,
  });

  it('takes the one that came last, but never one with a problem', () => {
    const old = model('old', { arrivedMs: 1 });
    const late = model('late', { arrivedMs: 2 });
    const broken = model('broken', { arrivedMs: 3, problem: 'no' });
    const selfTest = model('self-test', { arrivedMs: 9, selfTest: true });
    expect(defaultOf([old, late, broken, selfTest])?.id).toBe('late');
    expect(defaultOf([broken, selfTest])?.id).toBe('self-test');
    expect(defaultOf([model('chosen', { chosen: true }), late])?.id).toBe('chosen');
    expect(defaultOf([broken])).toBeNull();
  });
});
