import { afterAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../electron/agent/config/settings.ts';
import { embeddedEngine } from '../../electron/agent/engines/embedded/embedded-factory.ts';
import type { Engine, LoadTarget } from '../../electron/agent/engines/engine.ts';
import { llamaServerEngine } from '../../electron/agent/engines/llama-server/llama-server-factory.ts';
import { ollamaEngine } from '../../electron/agent/engines/ollama/ollama-factory.ts';
import { RealOllama } from '../fixtures/real-ollama.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { testEngine } from '../fixtures/test-engine.ts';
import { createToolCallModel, toolCall, tools, writeToolCallModel } from '../fixtures/tool-call-model.ts';
import { makeEngine, never, readBody, requestFor, targetOf, untilEngine } from './port-rig.ts';

type Context = Parameters<typeof testEngine>[0];
type Json = Readonly<Record<string, unknown>>;

interface Under {
  readonly engine: Engine;
  readonly target: LoadTarget;
}

const messages = [{ role: 'user', content: 'What is the weather in Oslo?' }];
const endings: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function folderOfTest(): string {
  const folder = makeTempFolder();
  endings.push(() => {
    removeFolder(folder);
    return Promise.resolve();
  });
  return folder;
}

async function ready({ engine, target }: Under): Promise<Under> {
  endings.push(() => engine.stop());
  await engine.start();
  return { engine, target };
}

const makers: Readonly<Record<string, (context: Context) => Promise<Under>>> = {
  async 'the embedded engine'() {
    const folder = folderOfTest();
    const file = writeToolCallModel(folder);
    const embedded = { ...defaultSettings.engines.embedded, enabled: true, parallel: 2 } as const;
    const made = await makeEngine(folder, embeddedEngine, { embedded }, [file]);
    return ready({ engine: made.engine, target: targetOf(made.model(file), { contextLength: 4_096 }) });
  },
  async 'a real llama-server'(context) {
    const path = testEngine(context, 'llama-server');
    const folder = folderOfTest();
    const file = writeToolCallModel(folder);
    const llamaServer = { ...defaultSettings.engines.llamaServer, enabled: true, path, parallel: 2, threads: 1 };
    const made = await makeEngine(folder, llamaServerEngine, { llamaServer }, [file]);
    return ready({ engine: made.engine, target: targetOf(made.model(file), { contextLength: 4_096 }) });
  },
  async 'a real Ollama'(context) {
    const program = testEngine(context, 'ollama');
    const folder = folderOfTest();
    const ollama = await RealOllama.start({ program, folder });
    endings.push(() => ollama.stop());
    await createToolCallModel(ollama, folder);
    const made = await makeEngine(folder, ollamaEngine, {
      ollama: { ...defaultSettings.engines.ollama, enabled: true, url: ollama.url },
    });
    const under = await ready({
      engine: made.engine,
      target: {
        id: 'tool-call',
        file: null,
        options: { contextLength: 'auto', parallel: 'auto', kvType: null },
      },
    });
    const told = (): boolean =>
      made.engine.upstream
        .describe()
        .models.some(({ id, capabilities }) => id === 'tool-call' && capabilities.includes('tools'));
    await untilEngine(made.engine, told);
    return under;
  },
};

interface Call {
  readonly function: { readonly name?: string; readonly arguments?: string };
}

async function textOf(engine: Engine, body: Json, dialect: 'openai' | 'ollama' = 'openai'): Promise<string> {
  const request = { ...requestFor('tool-call', 'chat', { messages, tools, ...body }), dialect };
  const response = await engine.upstream.generate(request, never);
  const { text, error } = await readBody(response);
  if (error) throw error;
  expect(response.status, text).toBe(200);
  return text;
}

for (const [name, make] of Object.entries(makers)) {
  describe(`tools on ${name}`, { timeout: 300_000 }, () => {
    let under: Under | null = null;
    const engineOf = async (context: Context): Promise<Engine> => {
      under ??= await make(context);
      await under.engine.load(under.target, never);
      return under.engine;
    };

    it('are among what the model can do, with what lists of models tell', async (context) => {
      const engine = await engineOf(context);
      const model = engine.upstream.describe().models.find(({ id }) => id === 'tool-call');
      expect(model?.capabilities).toContain('tools');
      expect(model?.details).toMatchObject({
        architecture: 'llama',
        blockCount: 1,
        embeddingLength: 288,
        trainedContextLength: 16_384,
        hasTemplate: true,
      });
    });

    it('are called, in a whole answer and in a stream', async (context) => {
      const engine = await engineOf(context);
      const whole = JSON.parse(await textOf(engine, {})) as {
        choices: { finish_reason: string; message: { tool_calls?: Call[] } }[];
      };
      expect(whole.choices[0]?.finish_reason).toBe('tool_calls');
      const [call] = whole.choices[0]?.message.tool_calls ?? [];
      expect(call?.function.name).toBe(toolCall.name);
      expect(JSON.parse(call?.function.arguments ?? '')).toEqual(toolCall.arguments);

      const events = (await textOf(engine, { stream: true })).split('\n\n').flatMap((event) => {
        if (!event.startsWith('data: {')) return [];
        const { choices } = JSON.parse(event.slice('data: '.length)) as {
          choices: { finish_reason: string | null; delta: { tool_calls?: Call[] } }[];
        };
        return choices;
      });
      const calls = events.flatMap(({ delta }) => delta.tool_calls ?? []);
      expect(calls.map((piece) => piece.function.name ?? '').join('')).toBe(toolCall.name);
      expect(JSON.parse(calls.map((piece) => piece.function.arguments ?? '').join(''))).toEqual(toolCall.arguments);
      expect(events.map(({ finish_reason }) => finish_reason).filter((reason) => reason !== null)).toEqual([
        'tool_calls',
      ]);
    });

    it('have results that go on with the conversation', async (context) => {
      const engine = await engineOf(context);
      const call = {
        id: 'call00001',
        type: 'function',
        function: { name: toolCall.name, arguments: JSON.stringify(toolCall.arguments) },
      };
      const talk = [
        ...messages,
        { role: 'assistant', content: '', tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'It rains.' },
      ];
      expect(await textOf(engine, { messages: talk })).toContain(toolCall.name);
    });

    if (name === 'a real Ollama') {
      it('are called in its own dialect too', async (context) => {
        const engine = await engineOf(context);
        const answer = JSON.parse(await textOf(engine, { stream: false }, 'ollama')) as {
          message: { tool_calls?: { function: object }[] };
        };
        expect(answer.message.tool_calls?.[0]?.function).toMatchObject(toolCall);
      });
    }
  });
}
