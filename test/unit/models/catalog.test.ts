import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import type { CatalogModel } from '../../../electron/agent/models/catalog-model.ts';
import { defaultOf, ModelCatalog } from '../../../electron/agent/models/catalog.ts';
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
