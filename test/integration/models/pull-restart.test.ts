import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { PullSnapshot } from '../../../electron/contract/snapshot.ts';
import { FakeHub } from '../../fakes/fake-hub-process.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { neverFalls, PullsRig } from './pulls-rig.ts';

const repo = 'ranch/gemma-3-270m-GGUF';
const name = 'gemma-3-270m-Q4_K_M.gguf';

/** A process that pulls: everything it says of its pull is kept. */
function puller(folder: string, hubUrl: string, reference?: string) {
  const script = fileURLToPath(new URL('../../fakes/fake-hub-puller.ts', import.meta.url));
  const args = [script, folder, hubUrl, ...(reference === undefined ? [] : [reference])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const seen: PullSnapshot[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => seen.push(JSON.parse(line) as PullSnapshot));
  const until = async (isSo: (pull: PullSnapshot) => boolean): Promise<void> => {
    while (!seen.some(isSo)) await once(lines, 'line');
  };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { seen, until, kill };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) hash.update(piece);
  return hash.digest('hex');
}

it('F17 F18 a real model, cut three times and once with the puller killed, arrives whole with one progress', async (context) => {
  const gemma = testEngine(context, 'gemma');
  await using hub = await FakeHub.start([{ repo, path: name, file: gemma }]);
  const folder = tempFolder();
  const models = join(folder, 'models');
  // The second answer is still being sent when the puller is killed: it is held back half-way.
  await hub.behave({ cuts: [30_000_000], silentAfter: 60_000_000 });
  const first = puller(folder, hub.url, `hf.co/${repo}:Q4_K_M`);
  await first.until(({ receivedBytes }) => receivedBytes > 80_000_000);
  expect(readdirSync(models)).toEqual([]);
  await first.kill();
  expect(readdirSync(models)).toEqual([]);
  const killedAt = first.seen.at(-1)?.receivedBytes ?? 0;

  await hub.behave({ cuts: [50_000_000, 40_000_000], silentAfter: null });
  const requestsBefore = (await hub.requests()).length;
  const second = puller(folder, hub.url);
  await second.until(({ state }) => state === 'done');
  const last = second.seen.at(-1);
  const sizeBytes = statSync(gemma).size;
  expect(last).toMatchObject({ state: 'done', receivedBytes: sizeBytes, totalBytes: sizeBytes, id: first.seen[0]?.id });
  expect(second.seen[0]?.receivedBytes).toBeGreaterThanOrEqual(killedAt);
  expect(neverFalls([...first.seen, ...second.seen])).toBe(true);
  const ranges = (await hub.requests()).slice(requestsBefore).filter(({ host }) => host === 'files');
  expect(ranges).toHaveLength(3);
  expect(ranges.every(({ headers }) => /^bytes=[1-9]\d+-$/.test(String(headers['range'])))).toBe(true);
  expect(readdirSync(models)).toEqual([name]);
  expect(readdirSync(join(folder, 'staging'))).toEqual([]);
  const digest = await digestOf(join(models, name));
  expect(digest).toBe(await hub.digestOf(repo, name));
  expect(readFileSync(join(folder, 'models.json'), 'utf8')).toContain(digest);
  await second.kill();
});

it('F18 a wrong digest of a real model is never visible, and the next pull works', async (context) => {
  const gemma = testEngine(context, 'gemma');
  await using hub = await FakeHub.start([{ repo, path: name, file: gemma }]);
  await hub.behave({ flippedAt: 200_000_000, cuts: [100_000_000] });
  const rig = await PullsRig.start({ hubUrl: hub.url });
  const id = rig.pulls.start({ reference: `hf.co/${repo}`, use: false });
  expect(await rig.ended(id)).toMatchObject({ state: 'failed', model: null });
  expect([rig.models(), rig.parts()]).toEqual([[], []]);
  await hub.behave({ flippedAt: null });
  rig.pulls.resume(id);
  expect(await rig.until(id, ({ state }) => state === 'done')).toMatchObject({ model: 'the-model' });
  expect(existsSync(join(rig.modelsDir, name))).toBe(true);
});

it('a stop keeps parts and state, and the next start goes on; pauses stay pauses', async (context) => {
  const gemma = testEngine(context, 'gemma');
  await using hub = await FakeHub.start([
    { repo, path: name, file: gemma },
    { repo, path: 'gemma-3-270m-Q8_0.gguf', file: gemma },
  ]);
  await hub.behave({ silentAfter: 5_000_000 });
  const before = await PullsRig.start({ hubUrl: hub.url });
  const running = before.pulls.start({ reference: `hf.co/${repo}`, use: true });
  const paused = before.pulls.start({ reference: `hf.co/${repo}:Q8_0`, use: false });
  await before.until(running, ({ receivedBytes }) => receivedBytes >= 5_000_000);
  await before.until(paused, ({ receivedBytes }) => receivedBytes >= 5_000_000);
  await before.pulls.pause(paused);
  await before.pulls.stop();
  expect(() => before.pulls.start({ reference: 'hf.co/a/b', use: false })).toThrow('not ready');

  await hub.behave({ silentAfter: null });
  const after = await PullsRig.start({ hubUrl: hub.url }, {}, before.folder);
  expect(await after.ended(running)).toMatchObject({ state: 'done', thenUse: true });
  const kept = after.pulls.list().find(({ id }) => id === paused);
  expect(kept?.state).toBe('paused');
  expect(kept?.receivedBytes).toBeGreaterThanOrEqual(5_000_000);
  expect(after.parts()).toEqual([`${paused}-0.part`]);
});
