import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, EngineModel, LoadTarget } from '../../electron/agent/engines/engine.ts';
import type { Operation } from '../../electron/agent/inference/request.ts';
import type { ServedModel } from '../../electron/agent/inference/upstream.ts';
import { engineSchema } from '../../electron/contract/snapshot.ts';
import type { testEngine } from '../fixtures/test-engine.ts';
import { makeTempFolder, removeFolder } from '../fixtures/temp-folder.ts';
import { abilityTests, answerOf, textOf } from './abilities.ts';
import { goneProcess, isAlive, never, readBody, requestFor, untilEngine } from './port-rig.ts';

/** An engine under test, not started yet. */
export interface PortUnderTest {
  readonly engine: Engine;
  readonly target: LoadTarget;
  /** A second model that fits beside the first; null where there is only one. */
  readonly beside: LoadTarget | null;
  /** An answer that goes on for seconds, whatever the model. */
  readonly longAnswer: { readonly operation: Operation; readonly body: Readonly<Record<string, unknown>> };
  /** A target that looks like a model and cannot be loaded; null where the engine has no files of its own choice. */
  readonly broken: ((folder: string) => LoadTarget | Promise<LoadTarget>) | null;
  /** Process of an engine that is only adopted, and must outlive everything; null for owned ones. */
  readonly foreignPid: number | null;
  /** Takes away what the test made beside the engine. */
  readonly cleanUp: () => Promise<void>;
}

export interface PortSuiteOptions {
  /** Throws or skips where something is missing. */
  readonly make: (context: Parameters<typeof testEngine>[0], folder: string) => Promise<PortUnderTest>;
  readonly ownership: 'owned' | 'adopted';
  /** False for an adopted server that has the one model its owner gave it. Left out: true. */
  readonly loads?: boolean;
  /** False where {@link PortUnderTest.beside} is null. Left out: true. */
  readonly twoModels?: boolean;
  /** False where {@link PortUnderTest.broken} is null. Left out: true. */
  readonly files?: boolean;
}

const short = { prompt: 'Once upon a time', temperature: 0, max_tokens: 4 };
const shortChat = { messages: [{ role: 'user', content: 'Hello.' }], temperature: 0, max_tokens: 4 };
const restartLimitMs = 120_000;
/** How long an engine may work on for a caller who has gone; less than the long answer of a real model takes. */
const freeLimitMs = 20_000;

/**
 * What every engine must do that the node runs models on, whichever kind it is, seen through the port alone. Its tests
 * follow one engine through its life, so they run in order.
 */
export function enginePortSuite(name: string, options: PortSuiteOptions): void {
  describe(`engine port: ${name}`, { timeout: 300_000 }, () => {
    const owned = options.ownership === 'owned';
    const { loads = true, twoModels = true, files = true } = options;
    const folder = makeTempFolder();
    const pids = new Set<number>();
    let under: PortUnderTest | null = null;
    let missing = '';

    beforeAll(async () => {
      const skip = (note: string): never => {
        throw new Missing(note);
      };
      try {
        under = await options.make({ skip }, folder);
      } catch (error) {
        // Each test is then skipped with the reason.
        if (!(error instanceof Missing)) throw error;
        missing = error.message;
      }
      await under?.engine.start();
    }, 300_000);
    afterAll(async () => {
      await under?.engine.stop();
      await under?.cleanUp();
      removeFolder(folder);
    });

    const engine = (): Engine => required().engine;
    const required = (): PortUnderTest => {
      if (!under) throw new Error('the engine is not there');
      return under;
    };
    const id = (): string => required().target.id;
    const modelOf = (target: LoadTarget): EngineModel | undefined =>
      engine()
        .models()
        .find((model) => model.id === target.id);
    const served = (): ServedModel => {
      const model = engine()
        .upstream.describe()
        .models.find((candidate) => candidate.id === id());
      if (!model) throw new Error('the upstream does not have the model');
      return model;
    };
    /** One word from the model that proves it answers. */
    const answers = async (model = id()): Promise<string> => {
      const operation = served().capabilities.includes('chat') ? 'chat' : 'completion';
      return textOf(await answerOf(engine(), model, operation, operation === 'chat' ? shortChat : short));
    };
    const processes = (): number[] => {
      const { pid, processes: all } = engine().snapshot();
      const found = [...new Set([...(pid === null ? [] : [pid]), ...all.map((entry) => entry.pid)])];
      for (const each of found) pids.add(each);
      return found;
    };
    const test = (title: string, run: () => Promise<void>): void => {
      it(title, async (context) => {
        if (!under) context.skip(missing);
        await run();
      });
    };
    /** Declared only for engines that it is about: none passes by doing nothing. */
    const testIf = (applies: boolean, title: string, run: () => Promise<void>): void => {
      if (applies) test(title, run);
    };

    test('starts, and says what it is before anything is loaded', async () => {
      const snapshot = engine().snapshot();
      expect(engineSchema.parse(snapshot)).toEqual(snapshot);
      expect(snapshot).toMatchObject({ id: engine().id, kind: engine().kind, ownership: options.ownership });
      expect(snapshot.sentence).toMatch(/^\S.*\.$/s);
      await Promise.resolve();
    });

    test('loads a model, and lists it with what is in force', async () => {
      await engine().load(required().target, never);
      const model = modelOf(required().target);
      expect(model).toMatchObject({ state: 'loaded', path: required().target.file?.path ?? null });
      expect(model?.contextLength).toBeGreaterThan(0);
      expect(model?.slots).toBeGreaterThan(0);
      const snapshot = engine().snapshot();
      expect(engineSchema.parse(snapshot)).toEqual(snapshot);
      expect(snapshot.state).toBe(owned ? 'ready' : 'adopted');
      expect(snapshot.slots.busy).toBe(0);
      if (owned) expect(processes().every(isAlive)).toBe(true);
      const description = engine().upstream.describe();
      expect(description).toMatchObject({ ready: true, route: 'local' });
      expect(served()).toMatchObject({ loaded: true, contextLength: model?.contextLength ?? null });
      expect(await answers()).not.toBe('');
    });

    test('leaves a model alone that is loaded already', async () => {
      const before = processes();
      await engine().load(required().target, never);
      expect(processes()).toEqual(before);
    });

    test('does everything that it says it can do', async () => {
      const { capabilities } = served();
      expect(capabilities.length).toBeGreaterThan(0);
      for (const capability of capabilities) await abilityTests[capability](engine(), id());
    });

    test('answers a bad request with an error and goes on', async () => {
      const operation = required().longAnswer.operation;
      const bad = operation === 'chat' ? { messages: 'not a list' } : { prompt: { not: 'a text' } };
      const response = await engine().upstream.generate(requestFor(id(), operation, bad), never);
      const { text } = await readBody(response);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(JSON.parse(text)).toHaveProperty('error');
      expect(await answers()).not.toBe('');
    });

    test('refuses a model that it does not have', async () => {
      const asked = engine()
        .upstream.generate(requestFor('no-such-model', 'chat', shortChat), never)
        .then(async (response) => {
          await readBody(response);
          if (response.status >= 400) throw new Error(`status ${response.status}`);
        });
      await expect(asked).rejects.toThrow();
    });

    test('stops working for a caller who has gone: the slot is free', async () => {
      const { slots } = engine().upstream.describe();
      for (let slot = 0; slot < Math.max(slots, 1); slot += 1) await begunAndGone();
      const startMs = performance.now();
      expect(await answers()).not.toBe('');
      expect(performance.now() - startMs).toBeLessThan(freeLimitMs);
      await untilEngine(engine(), () => engine().snapshot().slots.busy === 0, freeLimitMs);
    });

    async function begunAndGone(): Promise<void> {
      const { operation, body } = required().longAnswer;
      const caller = new AbortController();
      const response = await engine().upstream.generate(
        requestFor(id(), operation, { ...body, stream: true }),
        caller.signal,
      );
      const { error } = await readBody(response, () => caller.abort());
      expect(error).toMatchObject({ code: 'caller_gone' });
    }

    test('works on as many requests side by side as it says', async () => {
      const { slots } = engine().upstream.describe();
      const { operation, body } = required().longAnswer;
      const callers = Array.from({ length: Math.min(slots, 2) }, () => new AbortController());
      const begun = callers.map(() => Promise.withResolvers<null>());
      const answered = callers.map(async (caller, index) => {
        const request = requestFor(id(), operation, { ...body, stream: true });
        const response = await engine().upstream.generate(request, caller.signal);
        return readBody(response, (text) => {
          if (text.split('\n\n').length > 3) begun[index]?.resolve(null);
        });
      });
      // Each has had several pieces while none was over: had they been done one after another, this would not end.
      await Promise.all(begun.map(({ promise }) => promise));
      for (const caller of callers) caller.abort();
      for (const { error } of await Promise.all(answered)) expect(error).toMatchObject({ code: 'caller_gone' });
    });

    testIf(owned, 'keeps what it wrote in its log', async () => {
      await Promise.resolve();
      const lines = engine().log.tail(50);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.every(({ at, text }) => !Number.isNaN(Date.parse(at)) && text !== '')).toBe(true);
    });

    testIf(files, 'tells of a model that cannot be loaded, and keeps the one that is', async () => {
      const target = await promised(required().broken)(folder);
      await expect(engine().load(target, never)).rejects.toMatchObject({ code: 'model_unusable' });
      expect(modelOf(target)?.state ?? 'idle').toBe('idle');
      expect(await answers()).not.toBe('');
    });

    testIf(twoModels, 'loads a second model beside the first, and unloads it again', async () => {
      const beside = promised(required().beside);
      await engine().load(beside, never);
      expect([modelOf(required().target)?.state, modelOf(beside)?.state]).toEqual(['loaded', 'loaded']);
      expect(await answers(beside.id)).not.toBe('');
      expect(await answers()).not.toBe('');
      await engine().unload(beside.id, { drainMs: 2_000 });
      expect(modelOf(beside)?.state ?? 'idle').toBe('idle');
      expect(await answers()).not.toBe('');
    });

    testIf(twoModels, 'gives up a load whose caller has gone', async () => {
      const beside = promised(required().beside);
      const caller = new AbortController();
      const loading = engine().load(beside, caller.signal);
      caller.abort();
      await expect(loading).rejects.toMatchObject({ code: 'caller_gone' });
      await untilEngine(engine(), () => (modelOf(beside)?.state ?? 'idle') === 'idle', restartLimitMs);
      expect(await answers()).not.toBe('');
    });

    testIf(loads, 'finishes answers under way before it unloads', async () => {
      const { operation, body } = required().longAnswer;
      const begun = Promise.withResolvers<null>();
      const request = requestFor(id(), operation, { ...body, max_tokens: 12, stream: true });
      const response = await engine().upstream.generate(request, never);
      const answered = readBody(response, () => begun.resolve(null));
      await begun.promise;
      const unloaded = engine().unload(id(), { drainMs: 120_000 });
      expect(await answered).toMatchObject({ error: null, text: expect.stringContaining('[DONE]') as string });
      await unloaded;
      expect(modelOf(required().target)?.state ?? 'idle').toBe('idle');
      await engine().load(required().target, never);
      expect(await answers()).not.toBe('');
    });

    testIf(!loads, 'leaves the model of its owner alone', async () => {
      await expect(engine().unload(id(), { drainMs: 1_000 })).rejects.toMatchObject({ code: 'conflict' });
      expect(await answers()).not.toBe('');
    });

    testIf(owned, 'restarts with the models that it had', async () => {
      const before = processes();
      await engine().restart();
      await untilEngine(engine(), () => loadedAgain(before), restartLimitMs);
      expect(await answers()).not.toBe('');
      expect(before.filter(isAlive)).toEqual([]);
    });

    /** The model is loaded, in a process that was not there before. */
    function loadedAgain(before: readonly number[]): boolean {
      const { state, pid } = engine().snapshot();
      const model = modelOf(required().target);
      return state === 'ready' && pid !== null && !before.includes(pid) && model?.state === 'loaded';
    }

    testIf(owned, 'F1 kill -9 mid-stream: the answer fails, and it comes back with its model', async () => {
      const before = processes();
      const { pid } = engine().snapshot();
      const { operation, body } = required().longAnswer;
      const response = await engine().upstream.generate(requestFor(id(), operation, { ...body, stream: true }), never);
      let killed = false;
      const { text, error } = await readBody(response, () => {
        if (killed || pid === null) return;
        killed = true;
        process.kill(pid, 'SIGKILL');
      });
      expect(error).not.toBeNull();
      expect(text).not.toContain('[DONE]');
      await untilEngine(engine(), () => loadedAgain(before), restartLimitMs);
      expect(engine().snapshot().lastExit).toMatchObject({ signal: 'SIGKILL' });
      expect(await answers()).not.toBe('');
      await Promise.all(before.map(goneProcess));
    });

    testIf(loads, 'unloads: the memory is free', async () => {
      const before = processes();
      await engine().unload(id(), { drainMs: 1_000 });
      expect(modelOf(required().target)?.state ?? 'idle').toBe('idle');
      const left = engine().snapshot();
      expect(left.processes.filter(({ model }) => model === id())).toEqual([]);
      // Where the model had a process of its own, that is gone.
      if (left.pid === null) await Promise.all(before.map(goneProcess));
      await engine().load(required().target, never);
      expect(await answers()).not.toBe('');
    });

    test('stops, and starts again when it is told to', async () => {
      processes();
      await engine().stop();
      const { state, pid } = engine().snapshot();
      if (owned) expect(pid).toBeNull();
      expect(['stopped', 'absent', 'adopted']).toContain(state);
      expect(engine().upstream.describe().ready).toBe(false);
      if (owned) expect([...pids].filter(isAlive)).toEqual([]);
      await engine().start();
      await engine().load(required().target, never);
      expect(await answers()).not.toBe('');
    });

    test('killNow leaves no process', async () => {
      const { foreignPid } = required();
      processes();
      engine().killNow();
      if (foreignPid === null) await Promise.all([...pids].map(goneProcess));
      else expect(isAlive(foreignPid)).toBe(true);
      await engine().stop();
      expect([...pids].filter((pid) => pid !== foreignPid && isAlive(pid))).toEqual([]);
      if (foreignPid !== null) expect(isAlive(foreignPid)).toBe(true);
    });
  });
}

/** What the options of the suite promise to be there. */
function promised<Part>(part: Part | null): Part {
  if (part === null) throw new Error('the options of this suite promise what was not made');
  return part;
}

class Missing extends Error {}
