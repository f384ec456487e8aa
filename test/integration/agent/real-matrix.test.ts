import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toolCall } from '../../fixtures/tool-call-model.ts';
import { callers, type Question } from '../gateway/matrix/callers.ts';
import { askers, modes } from '../gateway/matrix/cells.ts';
import { sdkAnthropic } from './sdk-anthropic.ts';
import { sdkOllama } from './sdk-ollama.ts';
import { sdkOpenAi } from './sdk-openai.ts';
import { longTask, realEngines, SdkSite } from './sdk-site.ts';

/**
 * A llama-server that reads a prompt, or makes an answer that is not streamed, looks after its caller once a second;
 * beyond that is room for a machine where others work too. An answer that goes on takes many times as long.
 */
const leastRestLimitMs = 4_000;
/** Tokens of a short answer, and of one that is broken off. */
const tokens = { short: 24, long: 700 } as const;

// One agent for each engine, and all that is asked of it in one file: starting engines is what takes long.
describe.each(realEngines)('the client libraries on a real %s', { timeout: 120_000 }, (engine) => {
  let started: SdkSite | null = null;
  /** The longest that a short answer took: on a machine that is busy, all of this takes longer. */
  let shortMs = 0;
  const restLimitMs = (): number => Math.max(leastRestLimitMs, ((shortMs / tokens.short) * tokens.long) / 3);
  let missing: string | null = null;

  beforeAll(async () => {
    const skip = (note: string): never => {
      missing = note;
      throw new Error(note);
    };
    try {
      started = await SdkSite.start(engine, { skip });
    } catch (error) {
      if (missing === null) throw error;
    }
  }, 180_000);

  afterAll(() => started?.[Symbol.asyncDispose]());

  // Nobody waits here, and a client may be content with an answer's last event before the answer has quite ended.
  beforeEach(() => started?.free());

  const site = (context: { skip(note: string): never }): SdkSite => {
    if (started === null) return context.skip(missing ?? 'the engine did not start');
    return started;
  };

  for (const asker of askers) {
    for (const mode of modes) {
      describe(`${asker}, ${mode}`, () => {
        const ask = (at: SdkSite, signal: AbortSignal, more: Partial<Question> = {}) =>
          callers[asker](at.url, {
            signal,
            says: longTask,
            model: at.talker,
            stream: mode === 'stream',
            with: 'nothing',
            tokens: tokens.short,
            // Drawn by lot, a small model now and then ends at once, or fills up with the white space that JSON allows.
            temperature: 0,
            ...more,
          });

        it('text', async (context) => {
          const askedMs = performance.now();
          const heard = await ask(site(context), context.signal);
          shortMs = Math.max(shortMs, performance.now() - askedMs);
          expect(heard.text.length).toBeGreaterThan(0);
          expect(heard.calls).toEqual([]);
          expect(['stop', 'length', 'max_tokens', 'incomplete']).toContain(heard.finish);
          // The Anthropic dialect counts what was found in a cache elsewhere.
          expect(heard.promptTokens).toBeGreaterThan(0);
          expect(heard.completionTokens).toBeGreaterThan(0);
        });

        it('tool call', async (context) => {
          const at = site(context);
          const heard = await ask(at, context.signal, { model: at.caller, with: 'tools', tokens: 100 });
          expect(heard.calls).toEqual([{ name: toolCall.name, input: toolCall.arguments }]);
          expect(heard.finish).toBe('tool_calls');
        });

        it('JSON schema', async (context) => {
          const { text } = await ask(site(context), context.signal, {
            with: 'schema',
            says: 'Say yes or no, as JSON: {"ok": true}',
            tokens: 400,
          });
          expect(JSON.parse(text)).toEqual({ ok: expect.any(Boolean) as boolean });
        });

        it('abort: the engine is idle soon', async (context) => {
          const at = site(context);
          const gone = new AbortController();
          const onPiece = mode === 'stream' ? { onPiece: () => gone.abort() } : {};
          // A short answer may be here whole with its first piece, and then there is nothing left to abort.
          const answer = ask(at, gone.signal, { says: longTask, tokens: tokens.long, ...onPiece }).then(
            () => null,
            (error: unknown) => error,
          );
          if (mode === 'plain') {
            await at.working();
            gone.abort();
          }
          expect(await answer).toBeInstanceOf(Error);
          await at.idle(restLimitMs());
          await at.engineAtRest(restLimitMs());
        });
      });
    }
  }

  sdkOpenAi(site);
  sdkAnthropic(site);
  sdkOllama(site);
});
