import { describe, expect, it } from 'vitest';
import { startAgent, type AgentProcess } from '../../fixtures/agent-process.ts';
import { freePort, RealOllama } from '../../fixtures/real-ollama.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { testEngine } from '../../fixtures/test-engine.ts';
import { chat, clientOf, complete, snapshotWhere } from './real-agent.ts';

/** Waits until callers who name no model get that one; how long that took, in milliseconds. */
async function defaultIs(agent: AgentProcess, engineId: string, model: RegExp, timeoutMs: number): Promise<number> {
  const startMs = performance.now();
  await snapshotWhere(
    agent,
    ({ models, engines }) =>
      models.some(({ id, isDefault }) => isDefault && model.test(id)) && engines[0]?.id === engineId,
    timeoutMs,
  );
  return performance.now() - startMs;
}

describe('a real Ollama that is there already', () => {
  it('F10 is adopted and answers; gone, the embedded engine takes over; back, it has its place again; untouched at the end', async (context) => {
    const program = testEngine(context, 'ollama');
    const gemma = testEngine(context, 'gemma');
    const folder = tempFolder();
    const port = await freePort();
    let ollama = await RealOllama.start({ program, folder, port });
    try {
      await ollama.create('horse', gemma);
      await using agent = await startAgent({
        env: { RANCH_HAND_ENGINES_OLLAMA_ENABLED: 'true', RANCH_HAND_ENGINES_OLLAMA_URL: ollama.url },
      });
      await defaultIs(agent, 'ollama', /^horse/, 30_000);
      const first = await clientOf(agent).snapshot();
      expect(first.engines[0]).toMatchObject({ id: 'ollama', state: 'adopted', ownership: 'adopted' });
      expect(first.models.find(({ isDefault }) => isDefault)).toMatchObject({
        quantization: 'Q4_K_M',
        engines: ['ollama'],
      });
      // The embedded engine stands by: it has no process as long as it is not needed.
      expect(first.engines.find(({ id }) => id === 'embedded')?.pid).toBeNull();
      const answer = await complete(agent, { prompt: 'A horse is', max_tokens: 4 });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-ranch-upstream')).toBe('ollama');

      await ollama.stop();
      const goneMs = performance.now();
      await snapshotWhere(
        agent,
        ({ engines, models }) =>
          engines.every(({ state }) => state !== 'adopted') && models.every(({ id }) => !id.startsWith('horse')),
        30_000,
      );
      const shownMs = performance.now() - goneMs;
      const takenOverMs = shownMs + (await defaultIs(agent, 'embedded', /^self-test$/, 30_000));
      const meanwhile = await chat(agent, { messages: [{ role: 'user', content: 'hello' }] });
      expect(meanwhile.status).toBe(200);
      expect(meanwhile.headers.get('x-ranch-upstream')).toBe('embedded');

      ollama = await RealOllama.start({ program, folder, port });
      const backMs = await defaultIs(agent, 'ollama', /^horse/, 30_000);
      const again = await complete(agent, { prompt: 'A horse is', max_tokens: 4 });
      expect(again.headers.get('x-ranch-upstream')).toBe('ollama');
      const [shown, taken, back] = [shownMs, takenOverMs, backMs].map(Math.round);
      console.log(`Ollama gone: shown after ${shown} ms, embedded took over after ${taken} ms; back after ${back} ms`);

      await agent.stop();
      const version = await fetch(`${ollama.url}/api/version`);
      expect(version.status).toBe(200);
      expect(() => process.kill(ollama.pid, 0)).not.toThrow();
    } finally {
      await ollama.stop();
    }
  }, 240_000);
});
