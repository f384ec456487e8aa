import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { buildTernaryTestModel } from '../../../build/self-test-model.ts';
import { llamaQuantizeFile, testEnginesFolder } from '../../../build/test-engines/layout.ts';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { defaultSettings } from '../../../electron/agent/config/settings.ts';
import { bitnetEngine } from '../../../electron/agent/engines/bitnet/bitnet-factory.ts';
import type { Engine } from '../../../electron/agent/engines/engine.ts';
import type { EngineSettings } from '../../../electron/agent/engines/engine-factory.ts';
import type { CatalogModel } from '../../../electron/agent/models/catalog-model.ts';
import { ModelCatalog } from '../../../electron/agent/models/catalog.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { until } from './engines-rig.ts';
import { answer, asSettings, catalogModels, engineOptions, leftoversIn, never } from './llama-server-rig.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const messages = [{ role: 'user', content: 'hi' }];
const fake = join(import.meta.dirname, '../../fakes/fake-bitnet.ts');

/** The fake server as a program of its own, with those more arguments each time it serves. */
function fakeProgram(folder: string, more = ''): string {
  const file = join(folder, 'llama-server');
  const text = `#!/bin/sh\ncase "$1" in --*) exec ${process.execPath} ${fake} "$@";; esac\nexec ${process.execPath} ${fake} "$@" ${more}\n`;
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

function bitnet(folder: string, settings: Partial<EngineSettings['bitnet']>): Engine {
  const options = engineOptions(folder, {
    bitnet: { ...defaultSettings.engines.bitnet, threads: 1, ...settings },
  });
  const engine = bitnetEngine(options, {
    catalog: new ModelCatalog(
      { modelsDir: folder, defaultPath: null, selfTestPath: join(folder, 'none.gguf') },
      { clock: systemClock, logger: silentLogger },
    ),
    clock: systemClock,
    logger: silentLogger,
    leftovers: leftoversIn(folder),
    defaultModel: () => null,
  });
  if (!engine) throw new Error('there is no engine');
  stops.push(() => engine.stop());
  return engine;
}

/** A ternary model, as the catalogue has it, in F16: what its tensors are called in the header is changed to `type`. */
async function ternary(folder: string, type: number): Promise<CatalogModel> {
  const file = join(folder, 'ternary.gguf');
  writeFileSync(file, buildTernaryTestModel());
  const [model] = await catalogModels(folder, [file]);
  if (!model?.header) throw new Error('there is no model');
  return { ...model, problem: null, header: { ...model.header, tensorTypes: new Map([[type, 1_000]]) } };
}

describe.runIf(process.platform !== 'win32')('bitnet of ours', { timeout: 120_000 }, () => {
  it('B59 takes ternary weights only, and says who takes the others', async () => {
    const folder = tempFolder();
    const engine = bitnet(folder, { path: fakeProgram(folder) });
    expect(engine.refuses(await ternary(folder, 36))).toBeNull();
    expect(engine.refuses(await ternary(folder, 35))).toBeNull();
    expect(engine.refuses(await ternary(folder, 12))).toContain('Use Ollama, llama-server or the embedded engine');
    const file = await ternary(folder, 12);
    await expect(engine.load({ id: 'x', file, options: asSettings }, never())).rejects.toMatchObject({
      code: 'model_unusable',
    });
  });

  it('is absent without its program, and says how to get it', async () => {
    const folder = tempFolder();
    const engine = bitnet(folder, {});
    await engine.start();
    expect(engine.snapshot().state).toBe('absent');
    expect(engine.snapshot().sentence).toContain('ranch-hand engines install bitnet');
    const file = await ternary(folder, 36);
    await expect(engine.load({ id: 'x', file, options: asSettings }, never())).rejects.toMatchObject({
      code: 'engine_not_ready',
    });
  });

  it('loads an i2_s model, knows the shapes of its age and promises nothing that it cannot do', async () => {
    const folder = tempFolder();
    const engine = bitnet(folder, { path: fakeProgram(folder), contextLength: 512 });
    await engine.start();
    expect(engine.snapshot()).toMatchObject({ state: 'stopped', version: 'b3957' });
    const file = await ternary(folder, 36);
    await engine.load({ id: file.id, file, options: asSettings }, never());
    expect(engine.upstream.describe()).toMatchObject({
      ready: true,
      operations: ['chat'],
      slots: 1,
      models: [{ id: file.id, contextLength: 512, capabilities: ['chat', 'json'] }],
    });
    const { json } = await answer(engine, file.id, { messages, max_tokens: 4 });
    expect(json).toMatchObject({ choices: [{ message: { role: 'assistant' } }] });
  });

  it('F1 a build that dies on the second message: the caller is told, and the next conversation works', async () => {
    const folder = tempFolder();
    const engine = bitnet(folder, { path: fakeProgram(folder, '--dies-on-second-message') });
    await engine.start();
    const file = await ternary(folder, 36);
    await engine.load({ id: file.id, file, options: asSettings }, never());
    const second = [...messages, { role: 'assistant', content: 'hello' }, { role: 'user', content: 'and now' }];
    await expect(answer(engine, file.id, { messages: second })).rejects.toMatchObject({ code: 'upstream_failed' });
    await until(engine, ({ state }) => state !== 'ready');
    expect((await answer(engine, file.id, { messages, max_tokens: 2 })).status).toBe(200);
    expect(engine.snapshot()).toMatchObject({ state: 'ready', restarts: 1, lastExit: { signal: 'SIGSEGV' } });
  });

  it('one conversation a process: each answer comes from a new one, and who comes in between waits', async () => {
    const folder = tempFolder();
    const engine = bitnet(folder, { path: fakeProgram(folder), oneConversation: true });
    await engine.start();
    const file = await ternary(folder, 36);
    await engine.load({ id: file.id, file, options: asSettings }, never());
    const pids = new Set<number | null>();
    for (let round = 0; round < 3; round += 1) {
      const { pid } = await until(engine, ({ state }) => state === 'ready');
      pids.add(pid);
      expect((await answer(engine, file.id, { messages, max_tokens: 2 })).status).toBe(200);
    }
    expect((await answer(engine, file.id, { messages, max_tokens: 2 })).status).toBe(200);
    expect(pids.size).toBe(3);
    expect(engine.snapshot().restarts).toBe(0);
  });

  it('runs a real ternary model (TQ2_0) on a real llama-server', async (context) => {
    const program = testEngine(context, 'llama-server');
    const folder = tempFolder();
    const source = join(folder, 'source.gguf');
    writeFileSync(source, buildTernaryTestModel());
    const quantized = join(folder, 'ternary-tq2_0.gguf');
    const quantize = join(testEnginesFolder(process.env), llamaQuantizeFile);
    execFileSync(quantize, [source, quantized, 'TQ2_0', '1'], { stdio: 'ignore' });
    const [file] = await catalogModels(folder, [quantized]);
    if (!file) throw new Error('there is no model');
    const engine = bitnet(folder, { path: program, contextLength: 256 });
    await engine.start();
    expect(engine.refuses(file)).toBeNull();
    await engine.load({ id: file.id, file, options: asSettings }, never());
    const { json } = await answer(engine, file.id, { messages, temperature: 0, max_tokens: 60 });
    expect(JSON.stringify(json)).toContain('This node can load a model and generate text.');
  });
});
