import { describe, expect, it } from 'vitest';
import { noticesFrom, type NoticeFacts } from '../../../electron/agent/notices.ts';
import { engineStateSchema, type EngineSnapshot, type ModelSnapshot } from '../../../electron/contract/snapshot.ts';
import { settingLines } from '../../../electron/agent/engines/ollama/advice.ts';
import { plainEngine, plainModel } from '../../fixtures/snapshot-parts.ts';
import { aFit, aPull, aSwitch } from '../cli/node-snapshot.ts';

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
  return {
    startedAt: since,
    settingsWarnings: [],
    engines: [],
    models: [],
    pulls: [],
    switching: null,
    disk: null,
    serving: [],
    ...fields,
  };
}

describe('noticesFrom', () => {
  it('says nothing when nothing needs the operator', () => {
    expect(noticesFrom(facts({ engines: [engine('ready')], models: [model({ isDefault: true })] }))).toEqual([]);
  });

  it('tells a fresh machine that it answers with the self-test model, and how to get a real one', () => {
    const [notice] = noticesFrom(facts({ models: [model({ isDefault: true, selfTest: true })] }));
    expect(notice).toMatchObject({ id: 'self-test-model', fix: { line: 'ranch-hand models pull NAME --use' } });
    expect(notice?.sentence).toContain('models folder');
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

  it('does not worry about an engine that stands by while another answers', () => {
    expect(noticesFrom(facts({ engines: [engine('stopped'), { ...engine('adopted'), id: 'ollama' }] }))).toEqual([]);
  });

  it('shows advice as a command to run, after what is worse', () => {
    const lines = ['ranch-hand engines stop ollama', 'ranch-hand engines start ollama'];
    const advice = [{ sentence: 'Another Ollama answers.', lines }];
    const notices = noticesFrom(facts({ engines: [{ ...engine('adopted'), advice }, engine('failed')] }));
    expect(notices.map(({ id }) => id)).toEqual(['engine-embedded-failed', 'engine-embedded-advice-0']);
    expect(notices[1]?.fix).toMatchObject({ line: lines.join(' && ') });
  });

  it.each([
    ['systemd', 'linux'],
    ['someone-else', 'linux'],
    ['someone-else', 'darwin'],
    ['windows-app', 'win32'],
  ] as const)('makes no one line of steps that a shell cannot run as they stand: %s on %s', (keeper, platform) => {
    const lines = settingLines(keeper, platform, 'OLLAMA_CONTEXT_LENGTH', '32768');
    const advice = [{ sentence: 'Its context is 4096 tokens.', lines }];
    const [notice] = noticesFrom(facts({ engines: [{ ...engine('adopted'), advice }] }));
    expect(notice?.fix).toEqual({ kind: 'terminal', label: 'See the steps', line: 'ranch-hand engines' });
  });

  it('tells a switch that was not made and a pull that failed, each with a way to try again', () => {
    const notices = noticesFrom(
      facts({ switching: aSwitch({ phase: 'rolled-back' }), pulls: [aPull({ state: 'failed' }), aPull({ id: 'p2' })] }),
    );
    expect(notices.map(({ fix }) => fix)).toMatchObject([
      { command: 'models.use', body: { model: 'llama' } },
      { command: 'models.resumePull', body: { id: 'p1' } },
    ]);
    expect(noticesFrom(facts({ switching: aSwitch({ phase: 'loading' }) }))).toEqual([]);
  });

  it('tells that the disk is short, with the numbers', () => {
    const disk = { freeBytes: 1.5 * 2 ** 30, reserveBytes: 2 * 2 ** 30, since };
    const [notice] = noticesFrom(facts({ disk }));
    expect(notice).toMatchObject({
      id: 'disk-low',
      sentence: expect.stringMatching(/1\.5 GB free.*2\.0 GB/) as string,
    });
    expect(noticesFrom(facts({ disk: { ...disk, freeBytes: 2 ** 40 } }))).toEqual([]);
  });

  it('tells that the model which is to answer does not fit, and only of that one', () => {
    const fit = aFit({ verdict: 'too-big', sentence: 'Needs 58 GB, 41 are free.' });
    const [notice] = noticesFrom(facts({ models: [model({ isDefault: true, fit })] }));
    expect(notice).toMatchObject({ severity: 'problem', sentence: 'Needs 58 GB, 41 are free.' });
    expect(noticesFrom(facts({ models: [model({ fit }), model({ isDefault: true, loaded: true, fit })] }))).toEqual([]);
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
