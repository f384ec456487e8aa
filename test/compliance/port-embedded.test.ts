import { defaultSettings } from '../../electron/agent/config/settings.ts';
import { embeddedEngine } from '../../electron/agent/engines/embedded/embedded-factory.ts';
import { testEngine } from '../fixtures/test-engine.ts';
import { enginePortSuite } from './engine-port-suite.ts';
import { longAnswers, makeEngine, targetOf, writeSelfTest } from './port-rig.ts';

const settings = { embedded: { ...defaultSettings.engines.embedded, enabled: true, parallel: 2 } } as const;
const cleanUp = (): Promise<void> => Promise.resolve();

enginePortSuite('the embedded engine with the self-test model', {
  ownership: 'owned',
  async make(_, folder) {
    const files = [writeSelfTest(folder), writeSelfTest(folder, 'another.gguf')] as const;
    const made = await makeEngine(folder, embeddedEngine, settings, files);
    return {
      engine: made.engine,
      target: targetOf(made.model(files[0]), { contextLength: 8_192 }),
      beside: targetOf(made.model(files[1])),
      longAnswer: { operation: 'completion', body: { ...longAnswers.selfTest, max_tokens: 7_000 } },
      broken: made.broken,
      foreignPid: null,
      cleanUp,
    };
  },
});

enginePortSuite('the embedded engine with a real model', {
  ownership: 'owned',
  async make(context, folder) {
    const files = [testEngine(context, 'gemma'), writeSelfTest(folder)] as const;
    const made = await makeEngine(folder, embeddedEngine, settings, files);
    return {
      engine: made.engine,
      target: targetOf(made.model(files[0]), { contextLength: 2_048 }),
      beside: targetOf(made.model(files[1])),
      longAnswer: { operation: 'completion', body: longAnswers.gemma },
      broken: made.broken,
      foreignPid: null,
      cleanUp,
    };
  },
});
