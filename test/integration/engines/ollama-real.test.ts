import { existsSync, readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { RealOllama } from '../../fixtures/real-ollama.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import type { WireResponse } from '../../../electron/agent/inference/wire-response.ts';
import type { OllamaEngine } from '../../../electron/agent/engines/ollama/ollama-engine.ts';
import { HurriedClock, noSignal, ollamaRig, plainLoad, until } from './ollama-rig.ts';

const environmentOf = (pid: number): string => readFileSync(`/proc/${pid}/environ`, 'utf8');

function chat(engine: OllamaEngine, tokens: number, stream: boolean): Promise<WireResponse> {
  const body = { model: 'gemma', stream, max_tokens: tokens, messages: [{ role: 'user', content: 'Count to ten.' }] };
  return engine.upstream.generate(
    {
      trace: 't',
      operation: 'chat',
      model: 'gemma',
      stream,
      dialect: 'openai',
      body: Buffer.from(JSON.stringify(body)),
    },
    noSignal,
  );
}

/** The text of an answer; calls `onPiece` for each piece; rejects when it breaks off. */
function read(response: WireResponse, onPiece: () => void = () => undefined): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    response.body.pipe({
      raw: () => true,
      payload: (bytes, start, end) => {
        text += bytes.toString('utf8', start, end);
        onPiece();
      },
      end: () => resolve(text),
      fail: reject,
    });
  });
}

it('F10 a real Ollama is adopted, seen gone, taken back, and left untouched', async (context) => {
  const program = testEngine(context, 'ollama');
  const folder = tempFolder();
  const first = await RealOllama.start({ program, folder });
  onTestFinished(() => first.stop());
  await first.create('gemma', testEngine(context, 'gemma'));
  const engine = ollamaRig({ settings: { url: first.url } });
  await engine.start();
  await until(engine, () => engine.models()[0]?.library?.shape != null);
  expect(engine.models()[0]).toMatchObject({
    id: 'gemma',
    library: { family: 'gemma3', quantization: 'Q4_K_M', contextLength: 32_768, shape: { vocabularySize: 262_144 } },
  });
  expect(engine.models()[0]?.library?.shape?.layers).toHaveLength(18);
  await engine.load({ id: 'gemma', file: null, options: plainLoad }, noSignal);
  expect(engine.models()[0]).toMatchObject({ state: 'loaded', contextLength: 4_096 });
  const answer = JSON.parse(await read(await chat(engine, 4, false))) as { usage: { completion_tokens: number } };
  expect(answer.usage.completion_tokens).toBeGreaterThan(0);
  if (process.platform === 'linux') {
    await until(engine, () => engine.snapshot().pid === first.pid);
    expect(engine.snapshot().advice.some(({ sentence }) => sentence.includes('cuts prompts for gemma to 4096'))).toBe(
      true,
    );
  }

  const stopped = performance.now();
  await first.stop();
  await until(engine, () => engine.snapshot().state === 'absent');
  const goneMs = performance.now() - stopped;
  expect(engine.models()).toEqual([]);

  await using again = await RealOllama.start({ program, folder, port: first.port });
  const started = performance.now();
  await until(engine, () => engine.snapshot().state === 'adopted' && engine.models().length === 1);
  const backMs = performance.now() - started;
  console.log(`seen gone after ${Math.round(goneMs)} ms, taken back after ${Math.round(backMs)} ms`);

  const before = process.platform === 'linux' ? environmentOf(again.pid) : '';
  await engine.stop();
  expect((await fetch(again.url)).status).toBe(200);
  if (process.platform === 'linux') expect(environmentOf(again.pid)).toBe(before);
}, 240_000);

it('F1 a real Ollama of our own, killed mid-stream ten times: each time the caller is told, and the next request works', async (context) => {
  const program = testEngine(context, 'ollama');
  const folder = tempFolder();
  {
    await using library = await RealOllama.start({ program, folder });
    await library.create('gemma', testEngine(context, 'gemma'));
  }
  const env = { OLLAMA_HOST: '127.0.0.1:1', ANTHROPIC_API_KEY: 'secret', PATH: '/usr/bin' };
  const clock = new HurriedClock(1);
  const settings = { path: program, modelsDir: `${folder}/models`, contextLength: 2_048 };
  const engine = ollamaRig({ settings, env, clock });
  await engine.start();
  await engine.load({ id: 'gemma', file: null, options: plainLoad }, noSignal);
  expect(engine.models()[0]).toMatchObject({ state: 'loaded', contextLength: 2_048 });
  for (let round = 1; round <= 10; round += 1) {
    clock.skip(61_000);
    const { pid } = engine.snapshot();
    if (pid === null) throw new Error('no process');
    if (process.platform === 'linux') expect(environmentOf(pid)).not.toContain('secret');
    const response = await chat(engine, 200, true);
    let killed = false;
    const text = read(response, () => {
      if (!killed) process.kill(pid, 'SIGKILL');
      killed = true;
    });
    await expect(text).rejects.toMatchObject({ code: 'upstream_failed' });
    await until(engine, () => engine.snapshot().state === 'ready' && engine.snapshot().pid !== pid);
    const answer = JSON.parse(await read(await chat(engine, 3, false))) as { choices: unknown[] };
    expect(answer.choices).toHaveLength(1);
    expect(engine.snapshot()).toMatchObject({ restarts: round, lastExit: { signal: 'SIGKILL' } });
    // Its runner, a process of its own, went with it.
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  }
}, 240_000);
