import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { readGgufHeader } from '../../../electron/agent/models/gguf-reader.ts';
import { LlamaQuantize } from '../../../electron/agent/models/pull/llama-quantize.ts';
import type { LibraryProgress, LibraryPuller } from '../../../electron/agent/models/pull/library.ts';
import { FakeRegistry } from '../../fakes/fake-registry-process.ts';
import { makeTempFolder, removeFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { neverFalls, PullsRig } from './pulls-rig.ts';

let folder: string;
beforeAll(() => {
  folder = makeTempFolder();
});
afterAll(() => removeFolder(folder));

type Context = Parameters<typeof testEngine>[0];

function quantizeProgram(context: Context): string {
  return join(dirname(testEngine(context, 'llama-server')), 'llama-quantize');
}

/** The model of the tests in F16: its weights come from Q4_K_M, which is all the same to the format. */
function sourceFile(context: Context): string {
  const file = join(folder, 'Gemma-270M-F16.gguf');
  const gemma = testEngine(context, 'gemma');
  try {
    statSync(file);
  } catch {
    execFileSync(quantizeProgram(context), ['--allow-requantize', gemma, file, 'F16'], { stdio: 'ignore' });
  }
  return file;
}

function quantizer(program: string | null): LlamaQuantize {
  return new LlamaQuantize({ program: () => program, clock: systemClock, logger: silentLogger });
}

describe('making a quantization here', () => {
  it('makes Q8_0 from F16 with progress, and lists it only when whole', async (context) => {
    const source = sourceFile(context);
    const rig = await PullsRig.start({}, { quantizer: quantizer(quantizeProgram(context)) });
    const id = rig.pulls.quantize({ from: 'gemma-270m-f16', path: source, quantization: 'q8_0', use: false });
    expect(rig.pulls.quantize({ from: 'gemma-270m-f16', path: source, quantization: 'Q8_0', use: true })).toBe(id);
    await expect(rig.pulls.pause(id)).rejects.toThrow('cannot be paused');
    const pull = await rig.ended(id);
    expect(pull).toMatchObject({
      state: 'done',
      source: 'quantize',
      thenUse: true,
      reference: 'gemma-270m-f16 as Q8_0',
    });
    expect(rig.models()).toEqual(['Gemma-270M-Q8_0.gguf']);
    expect((await readGgufHeader(join(rig.modelsDir, 'Gemma-270M-Q8_0.gguf'))).quantization).toBe('Q8_0');
    const shares = new Set(rig.seen.map(({ receivedBytes }) => receivedBytes));
    expect(shares.size).toBeGreaterThan(3);
    expect(neverFalls(rig.seen)).toBe(true);
    expect(rig.records.list()[0]?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('is cancelled without a trace, process and all', async (context) => {
    const source = sourceFile(context);
    const rig = await PullsRig.start({}, { quantizer: quantizer(quantizeProgram(context)) });
    const id = rig.pulls.quantize({ from: 'gemma-270m-f16', path: source, quantization: 'Q2_K', use: false });
    await rig.until(id, ({ receivedBytes }) => receivedBytes > 0);
    await rig.pulls.cancel(id);
    expect(rig.pulls.list()[0]).toMatchObject({ state: 'cancelled' });
    expect([rig.models(), rig.parts()]).toEqual([[], []]);
  });

  it('says what is missing, and what llama-quantize says when it fails', async (context) => {
    const gemma = testEngine(context, 'gemma');
    const without = await PullsRig.start({}, { quantizer: quantizer(null) });
    const none = without.pulls.quantize({ from: 'x', path: gemma, quantization: 'Q8_0', use: false });
    expect((await without.ended(none)).sentence).toContain('engines install llama-server');
    const rig = await PullsRig.start({}, { quantizer: quantizer(quantizeProgram(context)) });
    // Already quantized: llama-quantize refuses to do it again.
    const again = rig.pulls.quantize({ from: 'x', path: gemma, quantization: 'Q3_K_M', use: false });
    expect((await rig.ended(again)).sentence).toContain('could not make Q3_K_M');
    const unknown = rig.pulls.quantize({ from: 'x', path: gemma, quantization: 'Q9_Z', use: false });
    expect((await rig.ended(unknown)).sentence).toContain('cannot be made here');
    expect([rig.models(), rig.parts()]).toEqual([[], []]);
  });
});

/** A real Ollama over a folder of its own; its library is the fake registry. */
async function realLibrary(context: Context, registry: FakeRegistry): Promise<LibraryPuller> {
  const program = testEngine(context, 'ollama');
  const port = await freePort();
  const home = tempFolder();
  const child = spawn(program, ['serve'], {
    env: { HOME: home, OLLAMA_MODELS: join(home, 'models'), OLLAMA_HOST: `127.0.0.1:${port}` },
    stdio: 'ignore',
  });
  onTestFinished(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  await untilAnswers(`http://127.0.0.1:${port}/api/version`);
  return {
    async pullModel(name, onProgress, signal) {
      const model = `http://127.0.0.1:${registry.port}/library/${name}`;
      const response = await fetch(`http://127.0.0.1:${port}/api/pull`, {
        method: 'POST',
        body: JSON.stringify({ model, insecure: true }),
        signal,
      });
      if (!response.body) throw new Error('no body');
      for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
        const told = JSON.parse(line) as {
          status?: string;
          digest?: string;
          total?: number;
          completed?: number;
          error?: string;
        };
        if (told.error !== undefined) throw new Error(told.error);
        const progress: LibraryProgress = {
          status: told.status ?? '',
          digest: told.digest ?? null,
          receivedBytes: told.completed ?? null,
          totalBytes: told.total ?? null,
        };
        onProgress(progress);
      }
    },
    createQuantized: () => Promise.reject(new Error('not in this test')),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

async function untilAnswers(url: string): Promise<void> {
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('the Ollama library', () => {
  it('is pulled from by a real Ollama, with one progress over its layers', async (context) => {
    const gemma = testEngine(context, 'gemma');
    await using registry = await FakeRegistry.start(folder, [
      { name: 'library/gemma', tag: '270m', file: gemma, type: '268.10M', quantization: 'Q4_K_M' },
    ]);
    const rig = await PullsRig.start({}, { library: await realLibrary(context, registry) });
    const id = rig.pulls.start({ reference: 'gemma:270m', use: true });
    const pull = await rig.ended(id);
    expect(pull).toMatchObject({ state: 'done', source: 'ollama', name: 'gemma:270m', model: 'gemma:270m' });
    expect(pull.receivedBytes).toBeGreaterThanOrEqual(statSync(gemma).size);
    expect(pull.totalBytes).toBe(pull.receivedBytes);
    expect(neverFalls(rig.seen)).toBe(true);
    expect(rig.arrivals).toEqual([{ kind: 'library', name: 'gemma:270m' }]);
  });

  it('says so where no Ollama is set up, and passes on what Ollama says', async () => {
    const none = await PullsRig.start({});
    expect((await none.ended(none.pulls.start({ reference: 'gemma:270m', use: false }))).sentence).toContain(
      'none answers here',
    );
    expect(() => none.pulls.start({ reference: 'gemma:270m', sha256: `sha256:${'0'.repeat(64)}`, use: false })).toThrow(
      'Leave the digest out',
    );
  });
});
