import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fakeOllamaProgram, FakeOllama, FakeOllamaControl } from '../../fakes/fake-ollama-process.ts';
import { freePort } from '../../fixtures/real-ollama.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { HurriedClock, noSignal, ollamaRig, plainLoad, until } from './ollama-rig.ts';

const nobody = { OLLAMA_HOST: '127.0.0.1:1' };

function control(url: string | null): FakeOllamaControl {
  if (url === null) throw new Error('it answers nowhere');
  return new FakeOllamaControl(url);
}

it('F36 a program that is too old or broken is refused with its version, and another one serves', async () => {
  const folder = tempFolder();
  const old = fakeOllamaProgram(folder, '0.11.2');
  const refusing = ollamaRig({ settings: { path: old }, env: nobody });
  await refusing.start();
  expect(refusing.snapshot()).toMatchObject({
    state: 'absent',
    sentence: expect.stringContaining('is Ollama 0.11.2, which can be made to give away its memory') as string,
  });
  const newer = tempFolder();
  fakeOllamaProgram(newer);
  const engine = ollamaRig({
    settings: { path: join(folder, 'missing') },
    env: { ...nobody, PATH: `${folder}:${newer}` },
  });
  await engine.start();
  await until(engine, () => engine.snapshot().state === 'ready');
  expect(engine.snapshot().foundAt).toBe(join(newer, 'ollama'));
  expect(engine.snapshot().advice.map(({ sentence }) => sentence)).toEqual([
    expect.stringContaining('missing cannot be run'),
    expect.stringContaining('is Ollama 0.11.2'),
  ]);
});

it('F8 engine port stolen between pick and bind: a new port, and no request ever goes to the thief', async () => {
  let reached = 0;
  const thief = createServer((socket) => {
    reached += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void thief.close());
  await once(thief, 'listening');
  const address = thief.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const ports = [address.port];
  const pickPort = async (): Promise<number> => ports.pop() ?? (await freePort());
  const engine = ollamaRig({ settings: { path: fakeOllamaProgram(tempFolder()) }, env: nobody, machine: { pickPort } });
  await engine.start();
  await until(engine, () => engine.snapshot().state === 'ready');
  expect(engine.snapshot().url).not.toContain(`:${address.port}`);
  expect(engine.snapshot().restarts).toBe(0);
  expect(reached).toBe(0);
});

it('its environment is built from empty, and it ends with the node', async () => {
  const env = { ...nobody, OPENAI_API_KEY: 'sk-secret', HOME: '/home/operator', HTTPS_PROXY: 'http://u:p@proxy:1' };
  const engine = ollamaRig({ settings: { path: fakeOllamaProgram(tempFolder()) }, env });
  await engine.start();
  await until(engine, () => engine.snapshot().state === 'ready');
  const { pid } = engine.snapshot();
  if (process.platform === 'linux') {
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .flatMap((entry) => (entry === '' ? [] : [entry.split('=')[0]]));
    expect(
      names.filter((name) => !/^(?:OLLAMA_|GIN_MODE$|HOME$|RANCH_HAND_NONCE$|FAKE_|PWD$|SHLVL$|_$)/.test(name ?? '')),
    ).toEqual([]);
  }
  await engine.stop();
  expect(engine.snapshot()).toMatchObject({ state: 'stopped', pid: null });
  expect(() => process.kill(pid ?? 0, 0)).toThrow();
});

it('F1 killed while a model is loaded: back by itself with the model loaded again', async () => {
  const engine = ollamaRig({ settings: { path: fakeOllamaProgram(tempFolder()) }, env: nobody });
  await engine.start();
  await engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal);
  const { pid } = engine.snapshot();
  process.kill(pid ?? 0, 'SIGKILL');
  await until(engine, () => engine.snapshot().state !== 'ready');
  await until(engine, () => engine.models()[0]?.state === 'loaded');
  expect(engine.snapshot()).toMatchObject({ state: 'ready', restarts: 1, lastExit: { signal: 'SIGKILL' } });
});

it('a load’s own context restarts ours while nothing else is loaded, and not when something is', async () => {
  const engine = ollamaRig({ settings: { path: fakeOllamaProgram(tempFolder()) }, env: nobody });
  await engine.start();
  await until(engine, () => engine.snapshot().state === 'ready');
  const first = engine.snapshot().pid;
  await engine.load({ id: 'tiny', file: null, options: { ...plainLoad, contextLength: 2_048 } }, noSignal);
  const second = engine.snapshot().pid;
  expect(second).not.toBe(first);
  await engine.load({ id: 'other:8b-q8_0', file: null, options: { ...plainLoad, contextLength: 512 } }, noSignal);
  expect(engine.snapshot().pid).toBe(second);
  expect((await control(engine.snapshot().url).state()).loaded).toEqual(['tiny:latest', 'other:8b-q8_0']);
});

it('F10 the operator’s own comes up beside ours: ours stays and says so, the next start uses theirs', async () => {
  const port = await freePort();
  const env = { OLLAMA_HOST: `127.0.0.1:${port}` };
  const engine = ollamaRig({
    settings: { path: fakeOllamaProgram(tempFolder()) },
    env,
    clock: new HurriedClock(5),
  });
  await engine.start();
  await until(engine, () => engine.snapshot().state === 'ready');
  await using theirs = await FakeOllama.start(port);
  await until(engine, () => engine.snapshot().advice.some(({ sentence }) => sentence.includes(theirs.url)), 40_000);
  expect(engine.snapshot()).toMatchObject({
    state: 'ready',
    ownership: 'owned',
    // What is done below, as the operator would.
    advice: [{ lines: ['ranch-hand engines stop ollama', 'ranch-hand engines start ollama'] }],
  });
  await engine.stop();
  await engine.start();
  expect(engine.snapshot()).toMatchObject({ state: 'adopted', url: theirs.url });
});

it('F2 dies before it is ready five times: failed, with its last lines', async () => {
  const program = join(tempFolder(), 'ollama');
  const dies = 'echo "Error: no usable library" >&2; exit 3';
  writeFileSync(program, `#!/bin/sh\ncase "$1" in --version) echo "ollama version is 0.17.4";; *) ${dies};; esac\n`);
  chmodSync(program, 0o755);
  const engine = ollamaRig({ settings: { path: program }, env: nobody, clock: new HurriedClock(50) });
  await engine.start();
  await until(engine, () => engine.snapshot().state === 'failed');
  expect(engine.snapshot()).toMatchObject({
    restarts: 4,
    lastExit: { code: 3, lastLines: ['Error: no usable library'] },
  });
  expect(engine.upstream.describe()).toMatchObject({ ready: false, comesUp: false });
  await expect(engine.load({ id: 'tiny', file: null, options: plainLoad }, noSignal)).rejects.toMatchObject({
    code: 'engine_not_ready',
  });
});
