import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildSelfTestModel } from '../../../build/self-test-model.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { ModelCatalog } from '../../../electron/agent/models/catalog.ts';
import { Integrity } from '../../../electron/agent/models/integrity.ts';
import { ModelRecords } from '../../../electron/agent/models/records.ts';
import { digestOf, verify } from '../../../electron/agent/models/verify.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

async function rig() {
  const folder = tempFolder();
  const modelsDir = join(folder, 'models');
  mkdirSync(modelsDir);
  const bytes = buildSelfTestModel();
  const file = join(modelsDir, 'horse.gguf');
  writeFileSync(file, bytes);
  const deps = { clock: systemClock, logger: silentLogger };
  const records = new ModelRecords({ file: join(folder, 'models.json') }, deps);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  records.put({ path: file, digest, origin: 'hf.co/org/horse', sizeBytes: bytes.length, addedAt: 0 });
  const catalog = new ModelCatalog(
    { modelsDir, defaultPath: null, selfTestPath: join(folder, 'none.gguf') },
    { ...deps, records },
  );
  await catalog.rescan();
  const integrity = new Integrity({ idle: () => true }, { catalog, records, ...deps });
  // The test's own timer: the clock's do not keep a process alive.
  const alive = setInterval(() => undefined, 1_000);
  onTestFinished(async () => {
    clearInterval(alive);
    await integrity.stop();
  });
  return { modelsDir, file, bytes, digest, records, catalog, integrity };
}

it('F19 one bit turned over in a stored model: found by its digest, out of the list, its file kept aside', async () => {
  const { modelsDir, file, digest, records, catalog, integrity } = await rig();
  expect(await integrity.check('horse')).toBe('sound');
  expect(integrity.quarantined()).toEqual([]);
  const flipped = readFileSync(file);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 1_000) ^ 1, flipped.length - 1_000);
  writeFileSync(file, flipped);
  await catalog.rescan();
  // Its header is as good as before: only the digest tells.
  expect(catalog.list()[0]).toMatchObject({ id: 'horse', problem: null, digest });
  const announced = new Promise<void>((resolve) => integrity.changed.subscribe(resolve));
  expect(await integrity.check('horse')).toBe('damaged');
  await announced;
  expect(catalog.list()).toEqual([]);
  expect(existsSync(file)).toBe(false);
  expect(readdirSync(modelsDir)[0]).toMatch(/^horse\.gguf\.quarantined-\d+$/);
  expect(records.get(file)).toBeNull();
  expect(integrity.quarantined()).toMatchObject([
    {
      id: 'horse',
      origin: 'hf.co/org/horse',
      sentence:
        'The file of horse is damaged: its bytes are not those it came with. It was taken out of the list. Pull it again.',
    },
  ]);
});

it('a model without a digest, or one that is gone, is not judged', async () => {
  const { file, records, integrity } = await rig();
  records.remove(file);
  expect(await integrity.check('horse')).toBe('unknown');
  expect(await integrity.check('nobody')).toBe('unknown');
});

it('a file that the operator has put in the place of the pulled one is not judged by its digest', async () => {
  const { modelsDir, file, bytes, catalog, integrity } = await rig();
  writeFileSync(file, Buffer.concat([bytes, Buffer.alloc(32)]));
  await catalog.rescan();
  expect(await integrity.check('horse')).toBe('unknown');
  expect(readdirSync(modelsDir)).toEqual(['horse.gguf']);
});

it('F19 a damaged model is told until it has come again', async () => {
  const { file, bytes, catalog, integrity } = await rig();
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 1_000) ^ 1, flipped.length - 1_000);
  writeFileSync(file, flipped);
  expect(await integrity.check('horse')).toBe('damaged');
  expect(integrity.quarantined()).toHaveLength(1);
  writeFileSync(file, bytes);
  await catalog.rescan();
  expect(integrity.quarantined()).toEqual([]);
});

it('a check that is ended halfway judges nothing', async () => {
  const { integrity } = await rig();
  const check = integrity.check('horse');
  await integrity.stop();
  expect(await check).toBe('unknown');
});

it('a digest is the same with its name in front or without, in capitals or not', async () => {
  const { file, digest } = await rig();
  expect(await digestOf(file)).toBe(digest);
  expect(await verify(file, digest)).toBe(true);
  expect(await verify(file, digest.slice('sha256:'.length).toUpperCase())).toBe(true);
  expect(await verify(file, `sha256:${'0'.repeat(64)}`)).toBe(false);
});
