import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../electron/agent/config/settings.ts';
import { bitnetEngine } from '../../electron/agent/engines/bitnet/bitnet-factory.ts';
import type { Engine } from '../../electron/agent/engines/engine.ts';
import { freePort } from '../fixtures/real-ollama.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { testEngine } from '../fixtures/test-engine.ts';
import { answerOf, textOf } from './abilities.ts';
import { enginePortSuite } from './engine-port-suite.ts';
import { makeEngine, never, readBody, requestFor, targetOf, untilEngine, writeTernary } from './port-rig.ts';

const fakeBitnet = join(import.meta.dirname, '../fakes/fake-bitnet.ts');
const settings = (path: string, more: { oneConversation?: boolean } = {}) => ({
  bitnet: { ...defaultSettings.engines.bitnet, enabled: true, path, ...more },
});
const longAnswer = {
  operation: 'chat',
  body: { messages: [{ role: 'user', content: 'Go on.' }], max_tokens: 900 },
} as const;

/** The fake as a program of the name that the fork's has. */
function program(folder: string, ...words: readonly string[]): string {
  const file = join(folder, 'llama-server');
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${fakeBitnet}' ${words.join(' ')} "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

describe.skipIf(process.platform === 'win32')('the BitNet engine', () => {
  enginePortSuite('bitnet with a server of October 2024', {
    ownership: 'owned',
    twoModels: false,
    files: false,
    async make(context, folder) {
      // Its models are ternary; the fake loads any file, and the real quantizer makes a true one.
      testEngine(context, 'llama-server');
      const file = await writeTernary(folder);
      const made = await makeEngine(folder, bitnetEngine, settings(program(folder)), [file]);
      return {
        engine: made.engine,
        target: targetOf(made.model(file)),
        beside: null,
        longAnswer,
        broken: null,
        foreignPid: null,
        cleanUp: () => Promise.resolve(),
      };
    },
  });

  enginePortSuite('bitnet that is adopted', {
    ownership: 'adopted',
    loads: false,
    twoModels: false,
    files: false,
    async make(context, folder) {
      testEngine(context, 'llama-server');
      const file = await writeTernary(folder);
      const port = await freePort();
      const server = spawn(
        program(folder),
        [
          '-m',
          file,
          '-c',
          '2048',
          '-t',
          '1',
          '-np',
          '1',
          '-ngl',
          '0',
          '-cb',
          '--host',
          '127.0.0.1',
          '--port',
          String(port),
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      await once(server.stderr, 'data');
      server.stderr.resume();
      const { bitnet } = defaultSettings.engines;
      const url = `http://127.0.0.1:${port}`;
      const made = await makeEngine(folder, bitnetEngine, { bitnet: { ...bitnet, enabled: true, url } }, [file]);
      await made.engine.start();
      await untilEngine(made.engine, () => made.engine.snapshot().state === 'adopted');
      const [model] = made.engine.models();
      return {
        engine: made.engine,
        target: { ...targetOf(made.model(file)), id: model?.id ?? '', file: null },
        beside: null,
        longAnswer,
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

  describe('a build that dies of the second message', () => {
    const engines: Engine[] = [];
    const folders: string[] = [];
    afterAll(async () => {
      for (const engine of engines) await engine.stop();
      for (const folder of folders) removeFolder(folder);
    });

    async function loaded(context: Parameters<typeof testEngine>[0], oneConversation: boolean) {
      testEngine(context, 'llama-server');
      const folder = makeTempFolder();
      folders.push(folder);
      const file = await writeTernary(folder);
      const path = program(folder, '--dies-on-second-message');
      const made = await makeEngine(folder, bitnetEngine, settings(path, { oneConversation }), [file]);
      engines.push(made.engine);
      const target = targetOf(made.model(file));
      await made.engine.start();
      await made.engine.load(target, never);
      return { engine: made.engine, id: target.id };
    }

    const first = { messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 3 };
    const second = {
      messages: [...first.messages, { role: 'assistant', content: 'one' }, { role: 'user', content: 'Again.' }],
      max_tokens: 3,
    };

    it('F1 the caller is told, and the engine is back for the next one', async (context) => {
      const { engine, id } = await loaded(context, false);
      expect(textOf(await answerOf(engine, id, 'chat', first))).toBe('one small weight');
      await expect(
        engine.upstream.generate(requestFor(id, 'chat', second), never).then(readBody),
      ).rejects.toMatchObject({ code: 'upstream_failed' });
      await untilEngine(engine, () => engine.snapshot().restarts === 1 && engine.snapshot().state === 'ready');
      expect(engine.snapshot().lastExit).toMatchObject({ signal: 'SIGSEGV' });
      expect(textOf(await answerOf(engine, id, 'chat', first))).toBe('one small weight');
    });

    it('one conversation for each process: every answer has a new one', async (context) => {
      const { engine, id } = await loaded(context, true);
      const pids = new Set<number | null>();
      for (let round = 0; round < 3; round += 1) {
        expect(textOf(await answerOf(engine, id, 'chat', first))).toBe('one small weight');
        const { pid } = engine.snapshot();
        pids.add(pid);
        await untilEngine(engine, () => engine.snapshot().pid !== pid && engine.snapshot().state === 'ready');
      }
      expect(pids.size).toBe(3);
      expect(engine.snapshot().lastExit).toBeNull();
    });
  });
});
