import { defaultSettings } from '../../electron/agent/config/settings.ts';
import { llamaServerEngine } from '../../electron/agent/engines/llama-server/llama-server-factory.ts';
import { testEngine } from '../fixtures/test-engine.ts';
import { enginePortSuite } from './engine-port-suite.ts';
import { longAnswers, makeEngine, targetOf, writeSelfTest, writeTernary } from './port-rig.ts';

const settings = (path: string) => ({
  llamaServer: { ...defaultSettings.engines.llamaServer, enabled: true, path, parallel: 2, threads: 2 },
});
const cleanUp = (): Promise<void> => Promise.resolve();

enginePortSuite('a real llama-server with a real model', {
  ownership: 'owned',
  async make(context, folder) {
    const program = testEngine(context, 'llama-server');
    const files = [testEngine(context, 'gemma'), writeSelfTest(folder)] as const;
    const made = await makeEngine(folder, llamaServerEngine, settings(program), files);
    return {
      engine: made.engine,
      target: targetOf(made.model(files[0]), { contextLength: 1_024 }),
      beside: targetOf(made.model(files[1])),
      longAnswer: { operation: 'completion', body: longAnswers.gemma },
      broken: made.broken,
      foreignPid: null,
      cleanUp,
    };
  },
});

enginePortSuite('a real llama-server with a computed ternary model', {
  ownership: 'owned',
  async make(context, folder) {
    const program = testEngine(context, 'llama-server');
    const files = [await writeTernary(folder), writeSelfTest(folder)] as const;
    const made = await makeEngine(folder, llamaServerEngine, settings(program), files);
    return {
      engine: made.engine,
      target: targetOf(made.model(files[0])),
      beside: targetOf(made.model(files[1])),
      longAnswer: { operation: 'completion', body: longAnswers.ternary },
      broken: made.broken,
      foreignPid: null,
      cleanUp,
    };
  },
});
