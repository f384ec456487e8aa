import { expect, it } from 'vitest';
import { systemClock } from '../../../electron/agent/base/clock.ts';
import { TokenMeter } from '../../../electron/agent/gateway/answer/token-meter.ts';
import { RealOllama } from '../../fixtures/real-ollama.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';

interface NativeLine {
  readonly response: string;
  readonly done: boolean;
  readonly prompt_eval_count?: number;
  readonly eval_count?: number;
  readonly eval_duration?: number;
}

/** Lines of an NDJSON body as they arrive. */
async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<NativeLine> {
  let rest = '';
  for await (const bytes of body) {
    const parts = (rest + Buffer.from(bytes).toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '') yield JSON.parse(part) as NativeLine;
  }
}

/**
 * Ollama tells how long it decoded on its native route alone, and the gateway asks the other one. So that both figures
 * are of one and the same answer, its native stream goes through the meter in the events that the other route makes of
 * it: the load of the machine moves both alike.
 */
async function compare(url: string): Promise<number> {
  const response = await fetch(`${url}/api/generate`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'gemma',
      prompt: 'Once upon a time',
      raw: true,
      options: { num_predict: 48, seed: 7, temperature: 0 },
    }),
  });
  if (!response.body) throw new Error('no body');
  const meter = new TokenMeter(
    { dialect: 'openai', stream: true, arrivedMs: systemClock.monotonic() },
    { clock: systemClock, speed: null },
  );
  let native: number | null = null;
  for await (const line of lines(response.body)) {
    const usage = {
      prompt_tokens: line.prompt_eval_count ?? 0,
      completion_tokens: line.eval_count ?? 0,
    };
    const event = { choices: line.done ? [] : [{ text: line.response }], ...(line.done ? { usage } : {}) };
    const bytes = Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
    meter.scan(bytes, 0, bytes.length);
    if (line.done) native = ((line.eval_count ?? 0) * 1e9) / (line.eval_duration ?? 1);
  }
  const { tokensPerSecond } = meter.end();
  if (tokensPerSecond === null || native === null) throw new Error('not measured');
  return tokensPerSecond / native;
}

it('tokens per second agree with the eval_duration that Ollama itself tells, within 5 %', async (context) => {
  const program = testEngine(context, 'ollama');
  const gemma = testEngine(context, 'gemma');
  const folder = tempFolder();
  await using ollama = await RealOllama.start({ program, folder });
  await ollama.create('gemma', gemma);
  const ratios: number[] = [];
  for (let count = 0; count < 3; count += 1) ratios.push(await compare(ollama.url));
  ratios.sort((a, b) => a - b);
  expect(Math.abs((ratios[1] ?? 0) - 1)).toBeLessThan(0.05);
}, 240_000);
