import { describe, expect, it } from 'vitest';
import { routeReasons } from '../../../../electron/contract/routing.ts';
import { engineStateSchema, type NodeSnapshot } from '../../../../electron/contract/snapshot.ts';
import { announcements, type Announced } from '../../../../renderer/format/announcements.ts';
import { engineActions, handsOffReason, managerWords } from '../../../../renderer/format/engine-actions.ts';
import { activityStatus, reasonWords } from '../../../../renderer/format/words.ts';
import { fakeSnapshot } from '../../../fakes/fake-snapshot.ts';

describe('words', () => {
  it('every reason of the closed list has words of its own', () => {
    const words = routeReasons.map((reason) => reasonWords(reason));
    expect(new Set(words).size).toBe(routeReasons.length);
    for (const [index, reason] of routeReasons.entries()) expect(words[index]).not.toBe(reason);
  });

  it('a reason newer than the page is shown as it is', () => {
    expect(reasonWords('newer-than-this')).toBe('newer-than-this');
    expect(reasonWords('constructor')).toBe('constructor');
  });

  it('a failed request shows its status', () => {
    const [entry] = fakeSnapshot(0).activity.filter(({ state }) => state === 'failed');
    if (entry === undefined) throw new Error('no failed request in the fake');
    expect(activityStatus(entry)).toEqual({ word: 'Failed 404', tone: 'wrong' });
    expect(activityStatus({ ...entry, status: null }).word).toBe('Failed');
  });
});

describe('engine actions', () => {
  it('an engine that others run says who does and how it is restarted', () => {
    const managers = ['systemd', 'windows-app', 'someone-else'] as const;
    expect(new Set(managers.map((manager) => handsOffReason({ manager }))).size).toBe(3);
    for (const manager of managers) {
      expect(managerWords(manager)).not.toBeNull();
      expect(handsOffReason({ manager })).toContain('never stops it');
    }
    expect(managerWords('ranch-hand')).toBeNull();
  });

  it('an engine that others run is left alone in every state', () => {
    for (const state of engineStateSchema.options) expect(engineActions({ state, ownership: 'adopted' })).toEqual([]);
  });

  it('nothing is offered while a stop is under way', () => {
    for (const state of ['draining', 'stopping', 'absent'] as const) {
      expect(engineActions({ state, ownership: 'owned' })).toEqual([]);
    }
  });

  it('a ready engine can be restarted and stopped, a stopped one started', () => {
    const labels = (state: 'ready' | 'stopped' | 'backoff' | 'failed'): string[] =>
      engineActions({ state, ownership: 'owned' }).map(({ label }) => label);
    expect(labels('ready')).toEqual(['Restart', 'Stop']);
    expect(labels('stopped')).toEqual(['Start']);
    expect(labels('backoff')).toEqual(['Start now', 'Stop']);
    expect(labels('failed')).toContain('Start');
  });
});

describe('announcements', () => {
  const snapshot = fakeSnapshot(0);

  it('figures that move are not said', () => {
    const moved = { ...snapshot, node: { ...snapshot.node, sentence: 'Serving at 18 tokens a second.' } };
    expect(announcements({ phase: 'live', snapshot }, { phase: 'live', snapshot: moved })).toEqual([]);
  });

  it('a new state, an engine’s new state and a new notice are said', () => {
    const [engine] = snapshot.engines;
    if (engine === undefined) throw new Error('no engine in the fake');
    const after = {
      ...snapshot,
      node: { ...snapshot.node, state: 'problem' as const, sentence: 'The engine failed.' },
      engines: [{ ...engine, state: 'failed' as const }],
      notices: [
        ...snapshot.notices,
        { id: 'new', severity: 'problem' as const, sentence: 'Look at the log.', since: '', fix: null },
      ],
    };
    expect(announcements({ phase: 'live', snapshot }, { phase: 'live', snapshot: after })).toEqual([
      'The engine failed.',
      'Engine embedded: Failed.',
      'Look at the log.',
    ]);
  });

  it('a switch is said phase by phase, and its end with its sentence', () => {
    const switching = {
      id: 's-1',
      to: 'b',
      from: 'a',
      engineId: 'embedded',
      phase: 'loading' as const,
      progress: 0.2,
      startedAt: '',
      since: '',
      sentence: 'Loading it beside the old one.',
      error: null,
    };
    const at = (over: Partial<typeof snapshot>): Announced => ({ phase: 'live', snapshot: { ...snapshot, ...over } });
    expect(announcements(at({}), at({ switching }))).toEqual(['Switch to b: Loading.']);
    const further = { ...switching, progress: 0.9 };
    expect(announcements(at({ switching }), at({ switching: further }))).toEqual([]);
    const over = { ...switching, phase: 'rolled-back' as const, sentence: 'It did not answer; a stays in use.' };
    expect(announcements(at({ switching }), at({ switching: over }))).toEqual(['It did not answer; a stays in use.']);
  });

  it('a pull is said at each quarter and when its state changes, an install at each step', () => {
    const [pull] = snapshot.pulls;
    if (pull === undefined) throw new Error('no pull in the fake');
    const at = (share: number, state: typeof pull.state = 'running'): Announced => ({
      phase: 'live',
      snapshot: { ...snapshot, pulls: [{ ...pull, name: 'm', state, receivedBytes: share * 100, totalBytes: 100 }] },
    });
    expect(announcements(at(0.1), at(0.2))).toEqual([]);
    expect(announcements(at(0.2), at(0.3))).toEqual(['m: 25 % are here.']);
    expect(announcements(at(0.3), at(0.2))).toEqual([]);
    expect(announcements(at(0.3), at(0.3, 'paused'))).toEqual(['m: Paused.']);
    const install = {
      kind: 'bitnet' as const,
      state: 'running' as const,
      step: 1,
      steps: 3,
      sentence: '',
      progress: 0.1,
      startedAt: '',
      endedAt: null,
    };
    const installing = (over: Partial<NodeSnapshot['installs'][number]>): Announced => ({
      phase: 'live',
      snapshot: { ...snapshot, installs: [{ ...install, ...over }] },
    });
    expect(announcements(installing({}), installing({ progress: 0.9 }))).toEqual([]);
    expect(announcements(installing({}), installing({ step: 2 }))).toEqual(['BitNet: step 2 of 3.']);
    expect(announcements(installing({}), installing({ state: 'failed' }))).toEqual(['BitNet: Not installed.']);
  });

  it('losing the agent and finding it again is said once each', () => {
    expect(announcements({ phase: 'live', snapshot }, { phase: 'lost', snapshot })).toHaveLength(1);
    expect(announcements({ phase: 'lost', snapshot }, { phase: 'lost', snapshot })).toEqual([]);
    expect(announcements({ phase: 'lost', snapshot }, { phase: 'live', snapshot })).toEqual([
      'Connected to the agent again.',
    ]);
  });
});
