import { describe, expect, it } from 'vitest';
import { recoveryMs } from '../../../../electron/agent/engines/switching/held-upstream.ts';
import {
  ask,
  calm,
  defaultOf,
  enginesWith,
  fitOf,
  libraryModel,
  modelFile,
  selfTest,
  servedAt,
} from './engines-with-fakes.ts';
import { FakeLocalEngine } from './fake-local-engine.ts';

const horse = modelFile('horse', { arrivedMs: 2 });
const cow = modelFile('cow', { arrivedMs: 1 });

async function node(given: Partial<Parameters<typeof enginesWith>[0]> = {}) {
  const engine = new FakeLocalEngine('llama-server', 'llama-server');
  const rig = await enginesWith({ engines: [engine], files: [horse, cow], ...given });
  expect(engine.loadedIds()).toEqual(['horse']);
  return { ...rig, engine };
}

it('counts the tokens of a prompt for a model that is in memory, and loads none for it', async () => {
  const { engines, engine } = await node();
  const [upstream] = engines.upstreams();
  const { signal } = new AbortController();
  expect(await upstream?.countTokens?.('horse', Buffer.from('12345'), signal)).toBe(5);
  expect(await upstream?.countTokens?.('cow', Buffer.from('12345'), signal)).toBeNull();
  expect(await upstream?.countTokens?.('none', Buffer.from('12345'), signal)).toBeNull();
  expect(engine.loadedIds()).toEqual(['horse']);
});

describe('a model that is not in memory', () => {
  it('is loaded by a request that names it, which waits; several wait for one load', async () => {
    const { engines, engine } = await node();
    engine.slowLoads = true;
    expect(servedAt(engines, 'llama-server')).toEqual(['horse*', 'cow']);
    const answers = [1, 2, 3].map(() => ask(engines, 'llama-server', { model: 'cow' }));
    await calm();
    expect(engines.waiting().waiting).toBe(3);
    // Whoever comes now is let in: what it can do is known before the engine tells.
    const [upstream] = engines.upstreams();
    expect(upstream?.describe().models.find(({ id }) => id === 'cow')).toMatchObject({
      loaded: false,
      capabilities: ['chat', 'completion'],
    });
    engine.finishLoad('cow');
    for (const answer of answers) expect(await answer).toContain('"cow"');
    expect(engine.calls.filter((call) => call === 'load cow')).toHaveLength(1);
    expect(engine.loadedIds()).toEqual(['horse', 'cow']);
    expect(defaultOf(engines)).toBe('horse');
  });

  it('is not offered where there is no room beside the others, and a request says what to do', async () => {
    const fit = ({ modelId }: { modelId: string }) => fitOf(modelId === 'cow' ? 'after-unload' : 'fits', ['horse']);
    const { engines, engine } = await node({ fit });
    expect(servedAt(engines, 'llama-server')).toEqual(['horse*']);
    await expect(ask(engines, 'llama-server', { model: 'cow' })).rejects.toMatchObject({
      code: 'engine_not_ready',
      message: expect.stringContaining('models use cow') as string,
    });
    expect(engine.loadedIds()).toEqual(['horse']);
  });

  it('stays while it only finishes its answers before it goes, where somebody asks for it', async () => {
    const fit = ({ modelId }: { modelId: string }) => fitOf(modelId === 'cow' ? 'after-unload' : 'fits', ['horse']);
    const { engines, engine } = await node({ fit });
    engine.hold('cow', cow, 'loaded');
    engine.slowAnswers = true;
    const long = ask(engines, 'llama-server', { model: 'cow' });
    await calm();
    const leaving = engines.unload('cow');
    await calm();
    expect(engines.models().find(({ id }) => id === 'cow')?.state).toBe('unloading');
    const next = ask(engines, 'llama-server', { model: 'cow' });
    await calm();
    expect(engine.answers).toHaveLength(2);
    await leaving;
    engine.answers[1]?.end();
    engine.answers[0]?.end();
    expect(await next).toContain('"cow"');
    expect(await long).toContain('"cow"');
    await calm();
    expect(engine.loadedIds()).toEqual(['horse', 'cow']);
  });

  it('is not offered where the settings say so', async () => {
    const { engines } = await node({ settings: { onDemand: false } });
    expect(servedAt(engines, 'llama-server')).toEqual(['horse*']);
    await expect(ask(engines, 'llama-server', { model: 'cow' })).rejects.toMatchObject({ code: 'engine_not_ready' });
  });

  it('B41 is never replaced by another one', async () => {
    const { engines } = await node();
    await expect(ask(engines, 'llama-server', { model: 'sheep' })).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('tells every request that waits when it cannot be loaded', async () => {
    const { engines, engine } = await node();
    engine.slowLoads = true;
    engine.broken.add('cow');
    const answers = [1, 2].map(() => ask(engines, 'llama-server', { model: 'cow' }));
    const failures = Promise.allSettled(answers);
    await calm();
    engine.finishLoad('cow');
    for (const settled of await failures) {
      expect(settled).toMatchObject({ status: 'rejected', reason: { code: 'model_unusable' } });
    }
    expect(servedAt(engines, 'llama-server')).toEqual(['horse*']);
    expect(engines.models().find(({ id }) => id === 'cow')?.problem).toBe('It is broken.');
  });

  it('F13 is waited for as long as the settings say, then the caller hears that it is still loading', async () => {
    const { engines, engine, clock } = await node({ settings: { holdMs: 60_000 } });
    engine.slowLoads = true;
    const answer = ask(engines, 'llama-server', { model: 'cow' });
    const failure = expect(answer).rejects.toMatchObject({
      code: 'engine_not_ready',
      message: expect.stringContaining('is being loaded') as string,
    });
    await calm();
    clock.advance(59_000);
    await calm();
    expect(engines.waiting().waiting).toBe(1);
    clock.advance(1_000);
    await failure;
    // The load itself goes on: the next request finds the model.
    engine.finishLoad('cow');
    await calm();
    expect(await ask(engines, 'llama-server', { model: 'cow' })).toContain('"cow"');
  });

  it('is given up by a caller who hangs up', async () => {
    const { engines, engine } = await node();
    engine.slowLoads = true;
    const caller = new AbortController();
    const answer = ask(engines, 'llama-server', { model: 'cow' }, caller.signal);
    await calm();
    caller.abort();
    await expect(answer).rejects.toMatchObject({ code: 'caller_gone' });
    expect(engines.waiting().waiting).toBe(0);
  });

  it('keeps nobody waiting when the node stops', async () => {
    const { engines, engine } = await node();
    engine.slowLoads = true;
    const failure = expect(ask(engines, 'llama-server', { model: 'cow' })).rejects.toMatchObject({
      code: 'shutting_down',
    });
    await calm();
    await engines.stop();
    await failure;
  });
});

describe('an engine that falls', () => {
  it('F1 is waited for by requests that come before it is back', async () => {
    const { engines, engine } = await node();
    expect(servedAt(engines, 'llama-server')).toContain('horse*');
    engine.hold('horse', horse, 'idle');
    engine.turn('backoff');
    const answer = ask(engines, 'llama-server', { model: 'horse' });
    await calm();
    expect(engines.upstreams()[0]?.describe()).toMatchObject({ ready: true, slots: 2 });
    engine.hold('horse', horse, 'loaded');
    engine.turn('ready');
    expect(await answer).toContain('"horse"');
  });

  it('is not waited for longer than it takes an engine that comes back at all', async () => {
    const { engines, engine, clock } = await node();
    engine.hold('horse', horse, 'idle');
    engine.turn('backoff');
    const failure = expect(ask(engines, 'llama-server', { model: 'horse' })).rejects.toMatchObject({
      code: 'engine_not_ready',
    });
    await calm();
    clock.advance(recoveryMs);
    await failure;
  });

  it('is not waited for when its next start is far off', async () => {
    const { engines, engine, clock } = await node();
    engine.hold('horse', horse, 'idle');
    engine.nextTryAt = new Date(clock.now() + 60_000).toISOString();
    engine.turn('backoff');
    expect(engines.upstreams()[0]?.describe().ready).toBe(false);
  });

  it('gives its model to another engine when it has failed for good', async () => {
    const embedded = new FakeLocalEngine('embedded', 'embedded');
    const server = new FakeLocalEngine('llama-server', 'llama-server');
    const { engines } = await enginesWith({ engines: [server, embedded], files: [horse] });
    expect([server.loadedIds(), embedded.loadedIds()]).toEqual([['horse'], []]);
    server.hold('horse', horse, 'idle');
    server.turn('failed');
    await calm();
    expect(embedded.loadedIds()).toEqual(['horse']);
    expect(await ask(engines, 'embedded', { model: 'horse', byDefault: true })).toContain('"embedded"');
  });
});

describe('an Ollama that comes and goes', () => {
  async function withOllama() {
    const ollama = new FakeLocalEngine('ollama', 'ollama');
    ollama.refusal = 'Ollama loads what is in its library.';
    ollama.ownership = 'adopted';
    ollama.state = 'adopted';
    ollama.library.set('llama3.2', libraryModel('llama3.2', { modifiedMs: 1 }));
    ollama.library.set('qwen3', libraryModel('qwen3', { modifiedMs: 2 }));
    const embedded = new FakeLocalEngine('embedded', 'embedded');
    const rig = await enginesWith({ engines: [ollama, embedded], files: [selfTest] });
    return { ...rig, ollama, embedded };
  }
  const leave = (ollama: FakeLocalEngine) => {
    ollama.library.clear();
    ollama.turn('absent');
  };

  it('answers with its latest model, which is loaded by the first request; the embedded engine stands by', async () => {
    const { engines, ollama, embedded } = await withOllama();
    expect(defaultOf(engines)).toBe('qwen3');
    expect([...ollama.calls, ...embedded.calls]).toEqual(['start', 'start']);
    expect(await ask(engines, 'ollama', { model: 'qwen3', byDefault: true })).toContain('"ollama"');
    expect(ollama.calls).toContain('load qwen3');
  });

  it('prefers the one that is loaded already', async () => {
    const { engines, ollama } = await withOllama();
    leave(ollama);
    await calm();
    ollama.library.set('qwen3', libraryModel('qwen3', { modifiedMs: 2 }));
    ollama.library.set('llama3.2', libraryModel('llama3.2', { modifiedMs: 1 }));
    ollama.hold('llama3.2', null, 'loaded');
    ollama.turn('adopted');
    await calm();
    expect(defaultOf(engines)).toBe('llama3.2');
  });

  it('gives way to the embedded engine when it goes, and takes over when it is back', async () => {
    const { engines, ollama, embedded } = await withOllama();
    leave(ollama);
    await calm();
    expect(defaultOf(engines)).toBe('self-test');
    expect(embedded.loadedIds()).toEqual(['self-test']);
    expect(engines.models().map(({ id }) => id)).toEqual(['self-test']);
    ollama.library.set('qwen3', libraryModel('qwen3'));
    ollama.turn('adopted');
    await calm();
    expect(defaultOf(engines)).toBe('qwen3');
    expect(embedded.loadedIds()).toEqual([]);
  });

  it('is asked again, once it is back, for a model whose load it broke off by going; not each time it comes', async () => {
    const { engines, ollama, clock } = await withOllama();
    const fallAndReturn = async (): Promise<void> => {
      ollama.broken.add('qwen3');
      await expect(ask(engines, 'ollama', { model: 'qwen3' })).rejects.toMatchObject({ code: 'model_unusable' });
      ollama.broken.delete('qwen3');
      leave(ollama);
      await calm();
      ollama.library.set('qwen3', libraryModel('qwen3', { modifiedMs: 2 }));
      ollama.turn('adopted');
      await calm();
    };
    await fallAndReturn();
    expect(defaultOf(engines)).toBe('qwen3');
    await fallAndReturn();
    expect(defaultOf(engines)).toBe('self-test');
    expect(engines.models().find(({ id }) => id === 'qwen3')?.problem).toBe('It is broken.');
    clock.advance(10 * 60_000);
    leave(ollama);
    ollama.library.set('qwen3', libraryModel('qwen3', { modifiedMs: 2 }));
    ollama.turn('adopted');
    await calm();
    expect(defaultOf(engines)).toBe('qwen3');
  });

  it('F10 keeps its own models loaded: they are not ours to unload', async () => {
    const { engines, ollama, clock } = await withOllama();
    ollama.hold('llama3.2', null, 'loaded');
    clock.advance(60 * 60_000);
    await calm();
    engines.use('qwen3');
    await calm();
    expect(ollama.calls.filter((call) => call.startsWith('unload'))).toEqual([]);
    expect(defaultOf(engines)).toBe('qwen3');
  });

  it('a model of its library that is named like a file gets its engine’s name, and is asked by its own', async () => {
    const { engines, ollama, setFiles } = await withOllama();
    setFiles([modelFile('qwen3'), selfTest]);
    await calm();
    expect(engines.models().map(({ id }) => id)).toEqual(['qwen3', 'self-test', 'llama3.2', 'qwen3@ollama']);
    const answer = await ask(engines, 'ollama', { model: 'qwen3@ollama' });
    expect(JSON.parse(answer)).toMatchObject({ model: 'qwen3', engine: 'ollama' });
    expect(ollama.loadedIds()).toEqual(['qwen3']);
  });
});

describe('an engine that the operator stopped', () => {
  it('gets no model until it is started again', async () => {
    const { engines, engine } = await node();
    await engines.stopEngine('llama-server');
    await calm();
    expect(engine.loadedIds()).toEqual([]);
    await expect(ask(engines, 'llama-server', { model: 'horse' })).rejects.toMatchObject({ code: 'engine_not_ready' });
    expect(engines.upstreams()[0]?.describe().ready).toBe(false);
    expect(() => engines.use('cow')).toThrow(expect.objectContaining({ code: 'engine_not_ready' }));
    await engines.startEngine('llama-server');
    await calm();
    expect(engine.loadedIds()).toEqual(['horse']);
  });
});
