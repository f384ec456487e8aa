import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freeDiskBytes } from '../../../electron/agent/models/pull/free-disk.ts';
import { FakeHub } from '../../fakes/fake-hub-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { ggufFile } from '../../unit/models/gguf-file.ts';
import { PullsRig } from './pulls-rig.ts';

const repo = 'ranch/Small-Horse-GGUF';
const sizeBytes = 6_000_000;

function modelFile(): string {
  const file = join(tempFolder(), 'Small-Horse-Q4_K_M.gguf');
  const model = ggufFile();
  writeFileSync(file, Buffer.concat([model, Buffer.alloc(sizeBytes - model.length, 7)]));
  return file;
}

describe('F15 disk full during pull', () => {
  it('F15 too little room is one failure with the numbers, before a byte is loaded; the next pull works', async () => {
    await using hub = await FakeHub.start([{ repo, path: 'Small-Horse-Q4_K_M.gguf', file: modelFile() }]);
    let free = 3 * 2 ** 30;
    const rig = await PullsRig.start(
      { hubUrl: hub.url, diskReserveBytes: free - 1_000_000 },
      { freeDiskBytes: () => Promise.resolve(free) },
    );
    const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: false });
    const failed = await rig.ended(id);
    expect(failed).toMatchObject({ state: 'failed', receivedBytes: 0 });
    expect(failed.sentence).toContain('6 MB are still to come and 3.0 GB stay in reserve, but 3.0 GB are free');
    free = 4 * 2 ** 30;
    expect(rig.pulls.start({ reference: `hf.co/${repo}`, use: false })).toBe(id);
    expect(await rig.until(id, ({ state }) => state === 'done')).toMatchObject({ receivedBytes: sizeBytes });
  });

  it('F15 what other pulls that run will still take is not free', async () => {
    const file = modelFile();
    await using hub = await FakeHub.start([
      { repo, path: 'Small-Horse-Q4_K_M.gguf', file },
      { repo, path: 'Small-Horse-Q8_0.gguf', file },
    ]);
    await hub.behave({ silentAfter: 1_000_000 });
    const rig = await PullsRig.start({ hubUrl: hub.url }, { freeDiskBytes: () => Promise.resolve(sizeBytes * 1.5) });
    const first = rig.pulls.start({ reference: `hf.co/${repo}:Q4_K_M`, use: false });
    await rig.until(first, ({ receivedBytes }) => receivedBytes > 0);
    const second = await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}:Q8_0`, use: false }));
    expect(second.sentence).toContain('too little room');
  });

  it.runIf(process.platform === 'linux')(
    'F15 a disk that is full in the middle keeps what arrived, and goes on when there is room',
    async (context) => {
      await using hub = await FakeHub.start([{ repo, path: 'Small-Horse-Q4_K_M.gguf', file: modelFile() }]);
      const folder = tempFolder();
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' });
      } catch {
        context.skip('this user may not mount a small disk');
      }
      onTestFinished(() => void execFileSync('umount', ['-l', folder]));
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(4_000_000));
      const rig = await PullsRig.start({ hubUrl: hub.url }, { freeDiskBytes: () => Promise.resolve(1e12) }, folder);
      const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: false });
      const failed = await rig.ended(id);
      expect(failed.state).toBe('failed');
      expect(failed.sentence).toContain('too little room');
      expect(failed.receivedBytes).toBeGreaterThan(1_000_000);
      expect([rig.models(), rig.parts().length]).toEqual([[], 1]);
      writeFileSync(join(folder, 'ballast'), '');
      rig.pulls.resume(id);
      expect(await rig.until(id, ({ state }) => state === 'done')).toMatchObject({ receivedBytes: sizeBytes });
      const asked = (await hub.requests())
        .filter(({ host }) => host === 'files')
        .map(({ headers }) => headers['range']);
      expect(asked).toEqual([undefined, `bytes=${failed.receivedBytes}-`]);
    },
  );

  it('the room of a real folder is told', async () => {
    expect(await freeDiskBytes(tempFolder())).toBeGreaterThan(0);
  });
});

describe('a file of this machine', () => {
  it('is taken by its path, and has its digest and origin kept', async () => {
    const file = modelFile();
    const rig = await PullsRig.start({});
    const pull = await rig.ended(rig.pulls.start({ reference: file, use: false }));
    expect(pull).toMatchObject({ state: 'done', source: 'file', receivedBytes: sizeBytes, totalBytes: sizeBytes });
    const target = join(rig.modelsDir, 'Small-Horse-Q4_K_M.gguf');
    expect(readFileSync(target).equals(readFileSync(file))).toBe(true);
    expect(rig.records.get(target)).toMatchObject({ origin: file, sizeBytes });
    expect(rig.parts()).toEqual([]);
  });

  it('is copied where links lead nowhere, and the room for it is looked at', async (context) => {
    const file = modelFile();
    const other = '/dev/shm';
    try {
      linkSync(file, join(other, `ranch-hand-${process.pid}`));
      context.skip('there is no second file system here');
    } catch {
      // Another file system, as it has to be.
    }
    const folder = join(other, `ranch-hand-test-${process.pid}`);
    mkdirSync(folder);
    onTestFinished(() => void execFileSync('rm', ['-rf', folder]));
    let free = 1_000;
    const rig = await PullsRig.start({}, { freeDiskBytes: () => Promise.resolve(free) }, folder);
    const id = rig.pulls.start({ reference: file, use: false });
    expect((await rig.ended(id)).sentence).toContain('too little room');
    free = 1e12;
    rig.pulls.resume(id);
    expect(await rig.until(id, ({ state }) => state === 'done')).toMatchObject({ receivedBytes: sizeBytes });
    expect(statSync(join(rig.modelsDir, 'Small-Horse-Q4_K_M.gguf')).ino).not.toBe(statSync(file).ino);
  });

  it('one that cannot be used as wished stays here and says so, also after a restart', async () => {
    const rig = await PullsRig.start({});
    const id = rig.pulls.start({ reference: modelFile(), use: true });
    expect(await rig.ended(id)).toMatchObject({ state: 'done', thenUse: true });
    rig.pulls.notUsed(id, 'It needs another engine.');
    const told = { state: 'done', thenUse: false, sentence: expect.stringContaining('another engine.') as string };
    expect(rig.pulls.list()).toMatchObject([told]);
    await rig.pulls.stop();
    const after = await PullsRig.start({}, {}, rig.folder);
    expect(after.pulls.list()).toMatchObject([told]);
  });

  it('has its record where the list of models looks for it, also in a folder behind a link', async () => {
    const folder = join(tempFolder(), 'alias');
    symlinkSync(tempFolder(), folder);
    const rig = await PullsRig.start({}, {}, folder);
    await rig.ended(rig.pulls.start({ reference: modelFile(), use: false }));
    const target = join(folder, 'models', 'Small-Horse-Q4_K_M.gguf');
    expect(rig.arrivals).toEqual([{ kind: 'file', path: target }]);
    expect(rig.records.get(target)).toMatchObject({ sizeBytes });
    const inside = join(folder, 'models', 'mine.gguf');
    writeFileSync(inside, ggufFile());
    await rig.ended(rig.pulls.start({ reference: inside, use: false }));
    expect(rig.arrivals.at(-1)).toEqual({ kind: 'file', path: inside });
    expect(rig.records.get(inside)).not.toBeNull();
    expect(rig.models()).toEqual(['Small-Horse-Q4_K_M.gguf', 'mine.gguf']);
  });

  it('keeps the name that the operator gave, though a cache has it under its digest', async () => {
    const cache = tempFolder();
    writeFileSync(join(cache, '0f3a'), ggufFile());
    symlinkSync(join(cache, '0f3a'), join(cache, 'Tall-Horse-Q8_0.gguf'));
    const rig = await PullsRig.start({});
    const reference = join(cache, 'Tall-Horse-Q8_0.gguf');
    for (let times = 0; times < 2; times += 1) await rig.ended(rig.pulls.start({ reference, use: false }));
    expect(rig.models()).toEqual(['Tall-Horse-Q8_0.gguf']);
  });

  it('one that is in the models folder stays where it is; what is no model is refused', async () => {
    const rig = await PullsRig.start({});
    const inside = join(rig.modelsDir, 'mine.gguf');
    writeFileSync(inside, ggufFile());
    expect(await rig.ended(rig.pulls.start({ reference: inside, use: false }))).toMatchObject({ state: 'done' });
    expect(rig.models()).toEqual(['mine.gguf']);
    const text = join(tempFolder(), 'text.gguf');
    writeFileSync(text, 'no model at all');
    expect((await rig.ended(rig.pulls.start({ reference: text, use: false }))).sentence).toContain('not a GGUF file');
    expect((await rig.ended(rig.pulls.start({ reference: '/nowhere/x.gguf', use: false }))).sentence).toContain(
      'no file x.gguf',
    );
    const wrong = rig.pulls.start({ reference: modelFile(), sha256: `sha256:${'0'.repeat(64)}`, use: false });
    expect((await rig.ended(wrong)).state).toBe('failed');
    expect(rig.models()).toEqual(['mine.gguf']);
  });

  it('B62 a link in the place of the target or of a part is never written through', async () => {
    const file = modelFile();
    const folder = tempFolder();
    const outside = join(folder, 'outside');
    writeFileSync(outside, 'precious');
    const rig = await PullsRig.start({});
    symlinkSync(outside, join(rig.modelsDir, 'Small-Horse-Q4_K_M.gguf'));
    expect(await rig.ended(rig.pulls.start({ reference: file, use: false }))).toMatchObject({ state: 'done' });
    expect(rig.models()).toEqual(['Small-Horse-Q4_K_M-2.gguf', 'Small-Horse-Q4_K_M.gguf']);
    expect(readFileSync(outside, 'utf8')).toBe('precious');

    await using hub = await FakeHub.start([{ repo, path: 'Other-Horse-Q4_K_M.gguf', file }]);
    await hub.behave({ silentAfter: 1_000_000 });
    const second = await PullsRig.start({ hubUrl: hub.url });
    const id = second.pulls.start({ reference: `hf.co/${repo}`, use: false });
    await second.until(id, ({ receivedBytes }) => receivedBytes >= 1_000_000);
    await second.pulls.pause(id);
    const part = join(second.folder, 'staging', `${id}-0.part`);
    execFileSync('rm', [part]);
    symlinkSync(outside, part);
    second.pulls.resume(id);
    expect(await second.ended(id)).toMatchObject({ state: 'failed' });
    expect(readFileSync(outside, 'utf8')).toBe('precious');
  });
});
