import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { Gateway } from '../../../electron/agent/gateway/gateway.ts';
import { runAborts } from '../../bench/aborts.ts';
import { writeSelfTest } from '../../compliance/port-rig.ts';
import { freePort } from '../../fixtures/real-ollama.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { asSettings, catalogModels, llamaServer, never } from './llama-server-rig.ts';

/** The long form, of a thousand and more and with a real model, is `npm run soak:aborts`; it holds the times too. */
const count = Number(process.env['RANCH_HAND_ABORTS'] ?? '60');
/** Far less than the answers would take: nothing is waited out. */
const limitMs = 8_000;

it.for([
  ['streamed', true],
  ['whole', false],
] as const)(
  'callers who leave %s answers of a real llama-server at random moments leave no slot at work and no socket behind',
  { timeout: 600_000 },
  async ([, streamed], context) => {
    const program = testEngine(context, 'llama-server');
    const model = writeSelfTest(tempFolder());
    const result = await runAborts({ program, model, count, longTokens: 12_000, streamed, seed: 7 });
    console.log(JSON.stringify(result));
    expect(result.left.beforeHead + result.left.inAnswer).toBeGreaterThan(count / 2);
    expect(result.idleMs).toBeLessThan(limitMs);
    expect(result.socketsLeft ?? 0).toBe(0);
    expect(result.restarts).toBe(0);
  },
);

/** Tokens that no answer may end with; it goes on until its limit, for half a minute and more. */
const endless = { max_tokens: 900, temperature: 0, logit_bias: { 1: -100, 106: -100 } };

it(
  'L4 a slot of a real llama-server is free soon after the caller of a whole answer left, while another streams',
  { timeout: 120_000 },
  async (context) => {
    const folder = tempFolder();
    const [file] = await catalogModels(folder, [testEngine(context, 'gemma')]);
    if (!file) throw new Error('there is no model');
    const port = await freePort();
    const program = testEngine(context, 'llama-server');
    const engine = llamaServer(folder, program, { pickPort: () => Promise.resolve(port) });
    const gateway = new Gateway(
      { host: '127.0.0.1', port: 0, nodeId: 'node', drainMs: 100 },
      { upstreams: () => [engine.upstream], clock: systemClock, logger: silentLogger },
    );
    const leaving = new AbortController();
    const staying = new AbortController();
    try {
      await engine.start();
      await engine.load({ id: file.id, file, options: asSettings }, never());
      const { url } = await gateway.listen();
      const ask = (stream: boolean, content: string, signal: AbortSignal): Promise<Response> =>
        fetch(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...endless, model: file.id, stream, messages: [{ role: 'user', content }] }),
          signal,
        });
      const streamed = await ask(true, 'Tell me of a horse.', staying.signal);
      const reader = streamed.body?.getReader();
      await reader?.read();
      const whole = ask(false, 'Tell me of a cow.', leaving.signal);
      const slots = (): Promise<number> => slotsAtWork(port, join(folder, 'data', 'run'));
      while ((await slots()) < 2) await reader?.read();
      leaving.abort();
      const leftMs = performance.now();
      await expect(whole).rejects.toThrow();
      while ((await slots()) > 1) await reader?.read();
      console.log(`free ${Math.round(performance.now() - leftMs)} ms after its caller left`);
      // The other one began earlier, has as much to say, and was not over meanwhile: this one was broken off.
      expect(await slots()).toBe(1);
      expect((await reader?.read())?.done).toBe(false);
      const short = { model: file.id, max_tokens: 4, messages: [{ role: 'user', content: 'Hi' }] };
      const next = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(short),
      });
      expect(await next.json()).toMatchObject({
        object: 'chat.completion',
        model: file.id,
        system_fingerprint: expect.any(String) as unknown,
        choices: [{ message: { role: 'assistant', content: expect.any(String) as unknown }, finish_reason: 'length' }],
        usage: { completion_tokens: 4 },
        timings: { predicted_n: 4, predicted_per_second: expect.any(Number) as unknown },
      });
    } finally {
      staying.abort();
      await gateway.close();
      await engine.stop();
    }
  },
);

async function slotsAtWork(port: number, keyDir: string): Promise<number> {
  const keyFile = readdirSync(keyDir).find((name) => name.endsWith('.key'));
  if (keyFile === undefined) throw new Error('the server has no key');
  const headers = { authorization: `Bearer ${readFileSync(join(keyDir, keyFile), 'utf8').trim()}` };
  const answer = await fetch(`http://127.0.0.1:${port}/slots`, { headers });
  return ((await answer.json()) as { is_processing: boolean }[]).filter((slot) => slot.is_processing).length;
}
