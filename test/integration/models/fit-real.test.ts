import { spawn, execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { estimateFit, machineOf, type FitOptions } from '../../../electron/agent/models/fit.ts';
import { readGgufHeader } from '../../../electron/agent/models/gguf-reader.ts';
import type { ModelShape } from '../../../electron/agent/models/model-shape.ts';
import { gemmaVariant } from '../../fixtures/gemma-variants.ts';
import { skipOrFail, testEngine } from '../../fixtures/test-engine.ts';

type Context = Parameters<typeof testEngine>[0];

const options: FitOptions = { contextLength: 4_096, parallel: 1, kvType: 'f16', engineKind: 'llama-server' };
const machine = machineOf({ ramBytes: 32e9, bandwidthBytesPerS: 20e9 });

async function shapeIn(file: string): Promise<ModelShape> {
  const { shape } = await readGgufHeader(file);
  if (shape === null) throw new Error('no shape');
  return shape;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A llama-server with the model loaded, ended after the test. */
async function serve(context: Context, file: string, more: readonly string[]) {
  const port = await freePort();
  const given = ['--model', file, '--host', '127.0.0.1', '--port', String(port), '--no-webui', '--no-warmup'];
  const child = spawn(testEngine(context, 'llama-server'), [...given, '--cache-ram', '0', ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => line.includes('listening on http') && resolve());
    child.on('exit', (code) => reject(new Error(`llama-server ended with ${code}`)));
  });
  const generate = async (prompt: string, tokens: number): Promise<{ prompt_n: number }> => {
    const response = await fetch(`http://127.0.0.1:${port}/completion`, {
      method: 'POST',
      body: JSON.stringify({ prompt, n_predict: tokens, ignore_eos: true, cache_prompt: false }),
    });
    const answer = (await response.json()) as { timings: { prompt_n: number } };
    return answer.timings;
  };
  return { pid: child.pid ?? 0, generate };
}

async function residentBytes(context: Context, pid: number): Promise<number> {
  if (process.platform === 'win32') skipOrFail(context, 'needs ps');
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1_024;
}

/** Computing takes long while others compute too. */
const slowMs = 300_000;

/** Long enough for a full batch, so that all working memory is in use. */
const longPrompt = 'The horse ran over the hill and stood. '.repeat(60);

const cases = [
  { quantization: 'Q4_K_M', contextLength: 4_096, kvType: 'f16', parallel: 1 },
  { quantization: 'Q8_0', contextLength: 4_096, kvType: 'f16', parallel: 1 },
  { quantization: 'F16', contextLength: 4_096, kvType: 'f16', parallel: 1 },
  { quantization: 'Q8_0', contextLength: 32_768, kvType: 'f16', parallel: 1 },
  { quantization: 'Q8_0', contextLength: 8_192, kvType: 'q8_0', parallel: 4 },
] as const;

for (const { quantization, contextLength, kvType, parallel } of cases) {
  const name = `${quantization}, ${contextLength} tokens in ${kvType}, slots: ${parallel}`;
  const check = async (context: Context): Promise<void> => {
    const file = await gemmaVariant(context, quantization);
    // One thread: it is about memory, and threads that wait for each other are slow on a busy machine.
    const more = ['--ctx-size', String(contextLength * parallel), '--parallel', String(parallel), '--threads', '1'];
    const server = await serve(context, file, [...more, '--cache-type-k', kvType, '--cache-type-v', kvType]);
    expect((await server.generate(longPrompt, 4)).prompt_n).toBeGreaterThan(512);
    const asked = { ...options, contextLength, kvType, parallel };
    const fit = estimateFit({ shape: await shapeIn(file), measured: null }, machine, asked);
    const reckoned = fit.neededBytes - fit.headroomBytes;
    const real = await residentBytes(context, server.pid);
    console.log(`${quantization}: ${Math.round(reckoned / 1e6)} MB reckoned, ${Math.round(real / 1e6)} MB resident`);
    expect(Math.abs(reckoned - real) / real).toBeLessThan(0.15);
  };
  it(`memory of the real model is as reckoned, within 15 %: ${name}`, { timeout: slowMs }, check);
}
