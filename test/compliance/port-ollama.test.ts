import { join } from 'node:path';
import { defaultSettings } from '../../electron/agent/config/settings.ts';
import type { LoadTarget } from '../../electron/agent/engines/engine.ts';
import { ollamaEngine } from '../../electron/agent/engines/ollama/ollama-factory.ts';
import { RealOllama } from '../fixtures/real-ollama.ts';
import { testEngine } from '../fixtures/test-engine.ts';
import { enginePortSuite } from './engine-port-suite.ts';
import { makeEngine, writeSelfTest } from './port-rig.ts';

const named = (id: string): LoadTarget => ({
  id,
  file: null,
  options: { contextLength: 'auto', parallel: 'auto', kvType: null },
});
// It takes no token out of an answer: a base model without a template goes on by itself.
const longAnswer = {
  operation: 'completion',
  body: { prompt: 'Once upon a time', temperature: 0, max_tokens: 1_900 },
} as const;

/** A library with Gemma and the self-test model, made by a real Ollama. */
async function withLibrary(context: Parameters<typeof testEngine>[0], folder: string): Promise<RealOllama> {
  const program = testEngine(context, 'ollama');
  const gemma = testEngine(context, 'gemma');
  const ollama = await RealOllama.start({ program, folder });
  await ollama.create('gemma', gemma);
  await ollama.create('self-test', writeSelfTest(folder));
  return ollama;
}

enginePortSuite('a real Ollama of ours', {
  ownership: 'owned',
  files: false,
  async make(context, folder) {
    const ollama = await withLibrary(context, folder);
    await ollama.stop();
    const { engine } = await makeEngine(folder, ollamaEngine, {
      ollama: {
        ...defaultSettings.engines.ollama,
        enabled: true,
        // Nobody answers there, so that one of ours is started.
        url: ollama.url,
        path: testEngine(context, 'ollama'),
        modelsDir: join(ollama.folder, 'models'),
        contextLength: 2_048,
        parallel: 2,
      },
    });
    return {
      engine,
      target: named('gemma'),
      beside: named('self-test'),
      longAnswer,
      broken: null,
      foreignPid: null,
      cleanUp: () => Promise.resolve(),
    };
  },
});

enginePortSuite('a real Ollama that is adopted', {
  ownership: 'adopted',
  files: false,
  async make(context, folder) {
    const ollama = await withLibrary(context, folder);
    const { engine } = await makeEngine(folder, ollamaEngine, {
      ollama: { ...defaultSettings.engines.ollama, enabled: true, url: ollama.url },
    });
    return {
      engine,
      target: named('self-test'),
      beside: named('gemma'),
      longAnswer,
      broken: null,
      foreignPid: ollama.pid,
      cleanUp: () => ollama.stop(),
    };
  },
});
