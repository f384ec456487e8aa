import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { noFaults } from '../../fakes/fake-hub-faults.ts';
import { FakeHub } from '../../fakes/fake-hub-process.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { ggufFile } from '../../unit/models/gguf-file.ts';
import { neverFalls, PullsRig } from './pulls-rig.ts';

const repo = 'ranch/Small-Horse-GGUF';
const sizeBytes = 3_000_000;
const usual = {
  ...noFaults,
  gated: false,
  namedDigest: null,
  sizeOff: 0,
  pageSize: 1_000,
  redirectTo: null,
  direct: false,
};

let folder: string;
let file: string;
let hub: FakeHub;

beforeAll(async () => {
  folder = makeTempFolder();
  file = join(folder, 'small.gguf');
  const model = ggufFile();
  const noise = Buffer.alloc(sizeBytes - model.length, 'some weights of a horse ');
  writeFileSync(file, Buffer.concat([model, noise]));
  const text = join(folder, 'README.md');
  writeFileSync(text, 'No model');
  hub = await FakeHub.start([
    { repo, path: 'README.md', file: text },
    { repo, path: 'Small-Horse-Q4_K_M.gguf', file },
    { repo, path: 'Small-Horse-Q8_0.gguf', file },
    { repo, path: 'broken-Q2_K.gguf', file: text },
    { repo, path: 'F16/Small-Horse-F16-00001-of-00002.gguf', file },
    { repo, path: 'F16/Small-Horse-F16-00002-of-00002.gguf', file },
    { repo: 'other/Small-Horse-GGUF', path: 'Small-Horse-Q4_K_M.gguf', file },
  ]);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  removeFolder(folder);
});
beforeEach(() => hub.behave(usual));

const digestOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('a pull from the hub', () => {
  it('takes the usual quantization, checks it, and keeps digest and origin', async () => {
    const rig = await PullsRig.start({ hubUrl: hub.url });
    const finished: unknown[] = [];
    rig.pulls.finished.subscribe((fact) => finished.push(fact));
    const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: true });
    const pull = await rig.ended(id);
    expect(pull).toMatchObject({
      state: 'done',
      model: 'the-model',
      thenUse: true,
      receivedBytes: sizeBytes,
      totalBytes: sizeBytes,
    });
    expect(rig.models()).toEqual(['Small-Horse-Q4_K_M.gguf']);
    const target = join(rig.modelsDir, 'Small-Horse-Q4_K_M.gguf');
    expect(rig.records.get(target)).toMatchObject({
      digest: `sha256:${digestOf(file)}`,
      origin: `hf.co/${repo}:Q4_K_M`,
      sizeBytes,
    });
    expect(digestOf(target)).toBe(digestOf(file));
    expect(rig.parts()).toEqual([]);
    expect(finished).toHaveLength(1);
  });

  it('takes the parts of a split model as one', async () => {
    const rig = await PullsRig.start({ hubUrl: hub.url });
    await hub.behave({ cuts: [1_000_000, 500_000, 2_000_000] });
    const pull = await rig.ended(rig.pulls.start({ reference: `https://huggingface.co/${repo}:F16`, use: false }));
    expect(pull).toMatchObject({ state: 'done', receivedBytes: 2 * sizeBytes, totalBytes: 2 * sizeBytes });
    expect(rig.models()).toEqual(['Small-Horse-F16-00001-of-00002.gguf', 'Small-Horse-F16-00002-of-00002.gguf']);
    expect(neverFalls(rig.seen)).toBe(true);
  });

  it('says which quantizations there are, page by page, when the named one is missing', async () => {
    await hub.behave({ pageSize: 2 });
    const rig = await PullsRig.start({ hubUrl: hub.url });
    const pull = await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}:Q5_K_M`, use: false }));
    expect(pull.state).toBe('failed');
    expect(pull.sentence).toContain('There are: F16, Q2_K, Q4_K_M, Q8_0.');
  });

  it('does not mix up the same file name of two repositories', async () => {
    const rig = await PullsRig.start({ hubUrl: hub.url });
    await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}:q4_k_m`, use: false }));
    await rig.ended(rig.pulls.start({ reference: 'hf.co/other/Small-Horse-GGUF', use: false }));
    expect(rig.models()).toEqual(['Small-Horse-Q4_K_M.gguf', 'other-Small-Horse-Q4_K_M.gguf']);
  });

  it('makes two pulls of one thing one, and does not load again what is here', async () => {
    const rig = await PullsRig.start({ hubUrl: hub.url });
    await hub.behave({ bytesPerSecond: 4_000_000 });
    const reference = `hf.co/${repo}:Q8_0`;
    const first = rig.pulls.start({ reference, use: false });
    expect(
      rig.pulls.start({
        reference: ` ${reference.toLowerCase().replace('small-horse-gguf', 'Small-Horse-GGUF')}`,
        use: true,
      }),
    ).toBe(first);
    // Another way to name the same file waits for it and finds it here.
    const other = rig.pulls.start({
      reference: `https://huggingface.co/${repo}/blob/main/Small-Horse-Q8_0.gguf`,
      use: false,
    });
    expect(other).not.toBe(first);
    expect(await rig.ended(first)).toMatchObject({ state: 'done', thenUse: true });
    expect(await rig.ended(other)).toMatchObject({ state: 'done' });
    const fetched = (await hub.requests()).filter((each) => each.host === 'files' && each.path.includes('Q8_0'));
    expect(fetched).toHaveLength(1);
    expect(rig.models()).toEqual(['Small-Horse-Q8_0.gguf']);
  });

  it('sends the token to the hub alone, and no cookie to anyone', async () => {
    await hub.behave({ gated: true });
    const without = await PullsRig.start({ hubUrl: hub.url });
    const refused = await without.ended(without.pulls.start({ reference: `hf.co/${repo}`, use: false }));
    expect(refused.sentence).toContain('HF_TOKEN');
    const rig = await PullsRig.start({ hubUrl: hub.url, env: { HF_TOKEN: 'good-token' } });
    const before = (await hub.requests()).length;
    expect(await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}`, use: false }))).toMatchObject({
      state: 'done',
    });
    const requests = (await hub.requests()).slice(before);
    expect(
      requests
        .filter(({ host }) => host === 'hub')
        .every(({ headers }) => headers['authorization'] === 'Bearer good-token'),
    ).toBe(true);
    const toFiles = requests.filter(({ host }) => host === 'files');
    expect(toFiles).toHaveLength(1);
    expect(toFiles.some(({ headers }) => 'authorization' in headers || 'cookie' in headers)).toBe(false);
  });

  it('pauses with what has arrived, resumes from there, and cancels without a trace', async () => {
    await hub.behave({ silentAfter: 1_000_000 });
    const rig = await PullsRig.start({ hubUrl: hub.url });
    const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: false });
    await rig.until(id, ({ receivedBytes }) => receivedBytes >= 1_000_000);
    await rig.pulls.pause(id);
    const paused = rig.pulls.list()[0];
    expect(paused).toMatchObject({ state: 'paused', bytesPerSecond: null });
    expect(paused?.receivedBytes).toBeGreaterThanOrEqual(1_000_000);
    await hub.behave({ silentAfter: null });
    const before = (await hub.requests()).length;
    rig.pulls.resume(id);
    expect(await rig.ended(id)).toMatchObject({ state: 'done' });
    const resumed = (await hub.requests()).slice(before).find(({ host }) => host === 'files');
    expect(resumed?.headers['range']).toBe(`bytes=${paused?.receivedBytes}-`);
    expect(neverFalls(rig.seen)).toBe(true);

    await hub.behave({ silentAfter: 1_000_000 });
    const second = rig.pulls.start({ reference: `hf.co/${repo}:Q8_0`, use: false });
    await rig.until(second, ({ receivedBytes }) => receivedBytes >= 1_000_000);
    expect(rig.parts()).toHaveLength(1);
    await rig.pulls.cancel(second);
    expect(rig.pulls.list().find((pull) => pull.id === second)).toMatchObject({ state: 'cancelled' });
    expect(rig.parts()).toEqual([]);
    expect(rig.models()).toEqual(['Small-Horse-Q4_K_M.gguf']);
  });
});

describe('F17 network cut during pull', () => {
  it('F17 goes on where it was cut, with one progress, and checks the whole', async () => {
    await hub.behave({ cuts: [700_000, 400_000, 900_000] });
    const rig = await PullsRig.start({ hubUrl: hub.url });
    const before = (await hub.requests()).length;
    expect(await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}`, use: false }))).toMatchObject({
      state: 'done',
    });
    const ranges = (await hub.requests())
      .slice(before)
      .filter(({ host }) => host === 'files')
      .map(({ headers }) => headers['range']);
    expect(ranges).toHaveLength(4);
    const froms = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(String(range))?.[1]));
    // What was on its way when the connection broke may be lost, and nothing else.
    expect(froms[0]).toBeGreaterThan(500_000);
    expect(froms).toEqual([...froms].sort((x, y) => x - y));
    expect(neverFalls(rig.seen)).toBe(true);
    expect(digestOf(join(rig.modelsDir, 'Small-Horse-Q4_K_M.gguf'))).toBe(digestOf(file));
  });

  it('F17 F18 begins anew, and says so, when what an earlier run had written is damaged', async () => {
    await hub.behave({ silentAfter: 1_000_000 });
    const before = await PullsRig.start({ hubUrl: hub.url });
    const id = before.pulls.start({ reference: `hf.co/${repo}`, use: false });
    await before.until(id, ({ receivedBytes }) => receivedBytes >= 1_000_000);
    await before.pulls.stop();
    const part = join(before.folder, 'staging', `${id}-0.part`);
    writeFileSync(part, Buffer.alloc(statSync(part).size));
    await hub.behave({ silentAfter: null });
    const after = await PullsRig.start({ hubUrl: hub.url }, {}, before.folder);
    expect(await after.ended(id)).toMatchObject({ state: 'done' });
    expect(after.seen.some(({ sentence }) => sentence.includes('damaged'))).toBe(true);
    expect(digestOf(join(after.modelsDir, 'Small-Horse-Q4_K_M.gguf'))).toBe(digestOf(file));
  });

  it('F17 takes silence for a cut', async () => {
    await hub.behave({ silentAfter: 500_000 });
    const rig = await PullsRig.start({ hubUrl: hub.url, silenceMs: 1_000 });
    const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: false });
    await rig.until(id, ({ sentence }) => sentence.includes('fell silent'));
    await hub.behave({ silentAfter: null });
    expect(await rig.ended(id)).toMatchObject({ state: 'done' });
  });

  it('F17 begins anew, and says so, where the server knows no ranges or has another file now', async () => {
    for (const change of [{ noRange: true }, { etag: '"another"' }]) {
      // It is silent until the server has changed, and the silence then taken for a cut.
      await hub.behave({ ...usual, direct: true, silentAfter: 800_000 });
      const rig = await PullsRig.start({ hubUrl: hub.url, silenceMs: 2_000 });
      const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: false });
      await rig.until(id, ({ receivedBytes }) => receivedBytes > 0);
      await hub.behave({ ...change, silentAfter: null });
      expect(await rig.ended(id)).toMatchObject({ state: 'done', receivedBytes: sizeBytes });
      expect(rig.seen.some(({ sentence }) => sentence.includes('It begins anew.'))).toBe(true);
    }
  });

  it('F17 waits as long as a busy server asks', async () => {
    await hub.behave({ tooMany: { times: 2, retryAfter: '0' } });
    const rig = await PullsRig.start({ hubUrl: hub.url });
    expect(await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}`, use: false }))).toMatchObject({
      state: 'done',
    });
    expect(rig.seen.some(({ sentence }) => sentence.includes('asks for patience'))).toBe(true);
  });

  it('F17 gives up when nothing comes any more, keeps the part, and goes on when it is resumed', async () => {
    await hub.behave({ cuts: [500_000, 0, 0, 0, 0] });
    const rig = await PullsRig.start({ hubUrl: hub.url });
    const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: false });
    const failed = await rig.ended(id);
    expect(failed.state).toBe('failed');
    expect(failed.receivedBytes).toBeGreaterThan(300_000);
    expect(failed.sentence).toContain('resume the pull later');
    expect(rig.pulls.start({ reference: `hf.co/${repo}`, use: false })).toBe(id);
    expect(await rig.until(id, ({ state }) => state === 'done')).toMatchObject({ receivedBytes: sizeBytes });
  });

  it('F17 a wrong digest is removed and never visible as a model', async () => {
    for (const fault of [
      { namedDigest: 'b'.repeat(64) },
      { flippedAt: 2_000_000 },
      { flippedAt: 100_000, cuts: [900_000] },
    ]) {
      await hub.behave({ ...usual, ...fault });
      const rig = await PullsRig.start({ hubUrl: hub.url });
      const pull = await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}`, use: false }));
      expect(pull).toMatchObject({ state: 'failed', model: null });
      expect(pull.sentence).toContain('It has been removed');
      expect([rig.models(), rig.parts(), rig.arrivals]).toEqual([[], [], []]);
    }
  });

  it('F17 a digest that was given decides, for any address', async () => {
    await hub.behave({ direct: true });
    const rig = await PullsRig.start({ hubUrl: 'http://127.0.0.1:9' });
    const reference = `${hub.url}/${repo}/resolve/main/Small-Horse-Q4_K_M.gguf`;
    const bad = await rig.ended(rig.pulls.start({ reference, sha256: `sha256:${'c'.repeat(64)}`, use: false }));
    expect(bad.state).toBe('failed');
    expect(rig.models()).toEqual([]);
    const id = rig.pulls.start({ reference, sha256: `sha256:${digestOf(file)}`, use: false });
    expect(await rig.until(id, ({ state }) => state === 'done')).toMatchObject({ source: 'url' });
    expect(rig.records.list()[0]).toMatchObject({ origin: reference, digest: `sha256:${digestOf(file)}` });
  });

  it('F17 a wrong length is told and never visible', async () => {
    for (const fault of [{ sizeOff: 5 }, { lengthOff: 7 }]) {
      await hub.behave({ ...usual, ...fault });
      const rig = await PullsRig.start({ hubUrl: hub.url });
      const pull = await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}`, use: false }));
      expect(pull).toMatchObject({ state: 'failed' });
      expect(pull.sentence).toContain('bytes');
      expect(rig.models()).toEqual([]);
    }
  });
});

describe('what is no model, or not for us', () => {
  it('a file that is no GGUF is refused with the reason', async () => {
    const rig = await PullsRig.start({ hubUrl: hub.url });
    const pull = await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}:Q2_K`, use: false }));
    expect(pull).toMatchObject({
      state: 'failed',
      sentence: 'It is not a GGUF file. Download the model in the GGUF format.',
    });
    expect(rig.models()).toEqual([]);
  });

  it('an unknown repository and an unknown file are named', async () => {
    const rig = await PullsRig.start({ hubUrl: hub.url });
    const none = await rig.ended(rig.pulls.start({ reference: 'hf.co/no/body', use: false }));
    expect(none.sentence).toContain('no/body');
    const file404 = await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}/nothing.gguf`, use: false }));
    expect(file404.sentence).toContain('nothing.gguf');
    await hub.behave({ status: 404, direct: true });
    const gone = await rig.ended(
      rig.pulls.start({ reference: `${hub.url}/${repo}/resolve/main/Small-Horse-Q4_K_M.gguf`, use: false }),
    );
    expect(gone.sentence).toContain('127.0.0.1 has no Small-Horse-Q4_K_M.gguf');
  });

  it('a redirect in circles, or to http elsewhere, ends it', async () => {
    for (const [redirectTo, words] of [
      [`${hub.url}/${repo}/resolve/main/Small-Horse-Q4_K_M.gguf`, 'in circles'],
      ['http://192.0.2.1/x.gguf', 'not https'],
      ['file:///etc/passwd', 'not https'],
    ] as const) {
      await hub.behave({ redirectTo });
      const rig = await PullsRig.start({ hubUrl: hub.url });
      const pull = await rig.ended(rig.pulls.start({ reference: `hf.co/${repo}`, use: false }));
      expect(pull.sentence).toContain(words);
    }
  });
});
