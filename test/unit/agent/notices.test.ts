import { describe, expect, it } from 'vitest';
import { noticesFrom, type NoticeFacts } from '../../../electron/agent/notices.ts';
import { engineStateSchema, type EngineSnapshot, type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { plainEngine, plainModel } from '../../fixtures/snapshot-parts.ts';

const since = '2026-01-01T00:00:00.000Z';

function engine(state: EngineSnapshot['state']): EngineSnapshot {
  return {
    id: 'embedded',
    kind: 'embedded',
    ownership: 'owned',
    state,
    since,
    sentence: 'It ended five times within ten minutes.',
    version: null,
    foundAt: null,
    pid: null,
    readyAt: null,
    restarts: 0,
    lastExit: null,
    nextTryAt: null,
    model: null,
    slots: { total: 0, busy: 0 },
    memoryBytes: null,
    ...plainEngine,
  };
}

function model(fields: Partial<ModelSnapshot>): ModelSnapshot {
  return {
    id: 'm',
    name: 'M',
    engineId: null,
    path: null,
    family: null,
    parameters: null,
    quantization: null,
    sizeBytes: 1,
    contextLength: null,
    capabilities: [],
    loaded: false,
    isDefault: false,
    selfTest: false,
    problem: null,
    tokensPerSecond: null,
    ...plainModel,
    ...fields,
  };
}

function facts(fields: Partial<NoticeFacts>): NoticeFacts {
  return { startedAt: since, modelsDir: '/data/models', settingsWarnings: [], engines: [], models: [], ...fields };
}

describe('noticesFrom', () => {
  it('says nothing when nothing needs the operator', () => {
    expect(noticesFrom(facts({ engines: [engine('ready')], models: [model({ isDefault: true })] }))).toEqual([]);
  });

  it('tells a fresh machine that it answers with the self-test model, and where a real one goes', () => {
    const [notice] = noticesFrom(facts({ models: [model({ isDefault: true, selfTest: true })] }));
    expect(notice).toMatchObject({ id: 'self-test-model', fix: { kind: 'path', path: '/data/models' } });
    expect(notice?.sentence).toContain('models.default');
  });

  it('is quiet about the self-test model once another one is the default', () => {
    expect(noticesFrom(facts({ models: [model({ isDefault: true }), model({ id: 's', selfTest: true })] }))).toEqual(
      [],
    );
  });

  it('offers to start a failed or stopped engine', () => {
    for (const state of ['failed', 'stopped'] as const) {
      const [notice] = noticesFrom(facts({ engines: [engine(state)] }));
      expect(notice?.fix).toMatchObject({ kind: 'command', command: 'engines.start', body: { id: 'embedded' } });
    }
  });

  it('has an answer for every engine state', () => {
    for (const state of engineStateSchema.options)
      expect(Array.isArray(noticesFrom(facts({ engines: [engine(state)] })))).toBe(true);
  });

  it('names the setting and the path when models.default leads nowhere, and the line that mends it', () => {
    const problem =
      'models.default names /gone/horse.gguf, which cannot be used: There is no such file. Check the path.';
    const [notice] = noticesFrom(
      facts({ models: [model({ id: 'horse', name: 'horse', path: '/gone/horse.gguf', problem })] }),
    );
    expect(notice).toEqual({
      id: 'model-horse-unusable',
      severity: 'warning',
      sentence: problem,
      since,
      fix: { kind: 'terminal', label: 'Choose another model', line: 'ranch-hand settings set models.default PATH' },
    });
  });

  it('names a file that cannot be used and each problem of the settings', () => {
    const notices = noticesFrom(
      facts({ models: [model({ problem: 'it is cut off.', path: '/m.gguf' })], settingsWarnings: ['A.', 'B.'] }),
    );
    expect(notices.map((notice) => notice.id)).toEqual(['model-m-unusable', 'settings-0', 'settings-1']);
  });
});
