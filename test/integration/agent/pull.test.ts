import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PullSnapshot } from '../../../electron/contract/snapshot.ts';
import { FakeHub } from '../../fakes/fake-hub-process.ts';
import { startAgent } from '../../fixtures/agent-process.ts';
import { makeTempFolder, removeFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { cli, CliProcess, jsonLines } from '../cli/cli-process.ts';
import { clientOf, snapshotWhere } from './real-agent.ts';

const repo = 'ggml-org/gemma-3-270m-GGUF';
const file = 'gemma-3-270m-Q4_K_M.gguf';

it('F17 F18 a pull of a real model, cut three times and once with the agent killed, is one progress to a checked model', async (context) => {
  const gemma = testEngine(context, 'gemma');
  await using hub = await FakeHub.start([{ repo, path: file, file: gemma }]);
  const dataDir = makeTempFolder();
  const options = { dataDir, env: { HF_ENDPOINT: hub.url } };
  try {
    // Cut once, then silent: so that the agent is surely in the middle of it when it is killed.
    await hub.behave({ cuts: [40_000_000], silentAfter: 60_000_000 });
    const first = await startAgent(options);
    await using follow = new CliProcess(['models', 'pull', `hf.co/${repo}:Q4_K_M`, '--json'], { dataDir });
    await snapshotWhere(first, ({ pulls }) => (pulls[0]?.receivedBytes ?? 0) >= 90_000_000, 60_000);
    await first.kill();
    expect(readdirSync(join(dataDir, 'models')).filter((name) => name.endsWith('.gguf'))).toEqual([]);

    await hub.behave({ cuts: [50_000_000, 30_000_000], silentAfter: null });
    await using second = await startAgent(options);
    const { models } = await snapshotWhere(second, ({ pulls }) => pulls[0]?.state === 'done', 120_000);
    const { exitCode, stdout } = await follow.ended;
    expect(exitCode).toBe(0);
    const seen = jsonLines(stdout) as PullSnapshot[];
    const bytes = seen.map(({ receivedBytes }) => receivedBytes);
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({
      state: 'done',
      receivedBytes: statSync(gemma).size,
      model: 'gemma-3-270m-q4_k_m',
    });
    const digest = `sha256:${await hub.digestOf(repo, file)}`;
    expect(models.find(({ id }) => id === 'gemma-3-270m-q4_k_m')).toMatchObject({
      digest,
      origin: `hf.co/${repo}:Q4_K_M`,
      quantization: 'Q4_K_M',
    });
  } finally {
    removeFolder(dataDir);
  }
}, 240_000);

it('F18 a model with another digest than the hub names is never listed', async (context) => {
  const gemma = testEngine(context, 'gemma');
  await using hub = await FakeHub.start([{ repo, path: file, file: gemma }]);
  await hub.behave({ namedDigest: 'ab'.repeat(32) });
  await using agent = await startAgent({ env: { HF_ENDPOINT: hub.url } });
  const listed: string[] = [];
  const watching = new AbortController();
  const watch = clientOf(agent).watch((event) => {
    if (event.kind === 'snapshot') listed.push(...event.snapshot.models.map(({ id }) => id));
  }, watching.signal);
  const outcome = await cli(['models', 'pull', `hf.co/${repo}:Q4_K_M`], { dataDir: agent.dataDir });
  expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('[pull_failed]') as string });
  const { notices } = await snapshotWhere(agent, (now) => now.notices.some(({ id }) => id.startsWith('pull-')));
  expect(notices.find(({ id }) => id.startsWith('pull-'))?.fix).toMatchObject({ command: 'models.resumePull' });
  watching.abort();
  await watch;
  expect(new Set(listed)).toEqual(new Set(['self-test']));
  expect(existsSync(join(agent.dataDir, 'models', file))).toBe(false);
}, 120_000);
