import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultSettings } from '../../electron/agent/config/settings.ts';
import { llamaServerEngine } from '../../electron/agent/engines/llama-server/llama-server-factory.ts';
import { freePort } from '../fixtures/real-ollama.ts';
import { testEngine } from '../fixtures/test-engine.ts';
import { enginePortSuite } from './engine-port-suite.ts';
import { longAnswers, makeEngine, targetOf, untilEngine, writeSelfTest, writeTernary } from './port-rig.ts';

const settings = (path: string) => ({
  llamaServer: { ...defaultSettings.engines.llamaServer, enabled: true, path, parallel: 2, threads: 1 },
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
      target: targetOf(made.model(files[0]), { contextLength: 2_048 }),
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

enginePortSuite('a real llama-server that is adopted', {
  ownership: 'adopted',
  loads: false,
  twoModels: false,
  files: false,
  async make(context, folder) {
    const program = testEngine(context, 'llama-server');
    const file = testEngine(context, 'gemma');
    const port = await freePort();
    const keyFile = join(folder, 'server.key');
    writeFileSync(keyFile, 'key-of-the-operator\n');
    const server = spawn(
      program,
      ['-m', file, '-c', '2048', '--parallel', '2', '-t', '2', '--port', String(port), '--api-key-file', keyFile],
      { stdio: 'ignore' },
    );
    const url = `http://127.0.0.1:${port}`;
    const { llamaServer } = defaultSettings.engines;
    const adopted = { llamaServer: { ...llamaServer, enabled: true, url, keyFile } };
    const made = await makeEngine(folder, llamaServerEngine, adopted, [file]);
    await made.engine.start();
    await untilEngine(made.engine, () => made.engine.snapshot().state === 'adopted');
    const [model] = made.engine.models();
    return {
      engine: made.engine,
      target: { ...targetOf(made.model(file)), id: model?.id ?? '', file: null },
      beside: null,
      longAnswer: { operation: 'completion', body: longAnswers.gemma },
      broken: null,
      foreignPid: server.pid ?? 0,
      cleanUp: async () => {
        const gone = once(server, 'exit');
        server.kill('SIGKILL');
        await gone;
      },
    };
  },
});
