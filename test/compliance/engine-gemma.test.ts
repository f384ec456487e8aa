import { afterAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { testEngine } from '../fixtures/test-engine.ts';
import { startEngine, type RunningEngine } from './engine-process.ts';
import { ask, engineSuite, get, type EngineUnderTest } from './engine-suite.ts';

/** Figures of one line of llama.cpp's own account, such as "eval time = 12.5 ms / 40 runs". */
function account(lines: readonly string[], what: string): { ms: number; count: number } {
  const line = lines.find((candidate) => candidate.includes(`: ${what}`) || candidate.includes(`  ${what}`));
  const match = /=\s*([\d.]+) ms \/\s*(\d+)/.exec(line ?? '');
  if (!match) throw new Error(`llama.cpp did not say its ${what}: ${lines.join('\n')}`);
  return { ms: Number(match[1]), count: Number(match[2]) };
}

describe('the embedded engine with a real model', () => {
  let engine: RunningEngine | null = null;
  const running = (): EngineUnderTest => {
    if (!engine) throw new Error('the engine is not running');
    return engine;
  };
  // Whichever test comes first loads it, so that each can be run alone.
  const loaded = async (context: TestContext): Promise<RunningEngine> =>
    (engine ??= await startEngine(testEngine(context, 'gemma'), 'gemma', 2_048));
  beforeEach((context) => {
    testEngine(context, 'gemma');
  });
  afterAll(() => engine?.stop());

  it('loads it', async (context) => {
    const engine = await loaded(context);
    console.log(`ready ${Math.round(engine.readyMs)} ms after the start, ${engine.loaded.threads} threads`);
    expect(engine.loaded).toMatchObject({ trainedContextLength: 32_768, hasChatTemplate: false });
  });

  it('its timings agree with those that llama.cpp reports itself within 10 %', async (context) => {
    await loaded(context);
    await get(running(), '/timings');
    const { timings } = await ask(running(), '/v1/completions', {
      prompt: 'The history of horses begins',
      temperature: 0,
      max_tokens: 48,
      logit_bias: { 1: -100, 106: -100 },
    });
    const { lines } = (await get(running(), '/timings')) as { lines: string[] };
    const own = account(lines, 'eval time');
    // The first token comes out of the prompt's evaluation; llama.cpp counts those that were evaluated after it.
    const tokens = (timings?.['predicted_n'] ?? 0) - 1;
    expect(own.count).toBe(tokens);
    const ours = tokens / (timings?.['predicted_ms'] ?? 0);
    const theirs = own.count / own.ms;
    console.log(`${(ours * 1000).toFixed(1)} tokens/s by our clock, ${(theirs * 1000).toFixed(1)} by llama.cpp's`);
    expect(Math.abs(ours - theirs) / theirs).toBeLessThan(0.1);
  });

  it('answers a chat without a template as a transcript, its own line only', async (context) => {
    await loaded(context);
    const messages = [{ role: 'user', content: 'What is the capital of France?' }];
    const { text } = await ask(running(), '/v1/chat/completions', { messages, temperature: 0, max_tokens: 24 });
    expect(text).toBe(text.trimStart());
    expect(text).not.toMatch(/\n(User|Assistant):/);
  });

  describe('as any other', () => {
    engineSuite(running, { longTokens: 400, endTokens: [1, 106], controlTexts: ['<bos>', '<eos>', '<start_of_turn>'] });
  });
});
