import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../electron/cli/doctor/check.ts';
import { judge } from '../../../../electron/cli/doctor/checks.ts';
import type { AgentFacts, DoctorFacts } from '../../../../electron/cli/doctor/facts.ts';
import { doctorLines, summary } from '../../../../electron/cli/output/doctor-view.ts';
import { makePalette } from '../../../../electron/cli/output/palette.ts';
import { cellWidth } from '../../../../electron/cli/output/text.ts';
import type { NodeSnapshot } from '../../../../electron/contract/snapshot.ts';
import { aModel, aNode, anEngine } from '../node-snapshot.ts';

const gib = 1024 ** 3;

function answering(change: Partial<NodeSnapshot> = {}): AgentFacts {
  const snapshot = aNode(change);
  return { state: 'answering', pid: 7, controlUrl: 'http://127.0.0.1:4000', snapshot, chosenModel: null };
}

/** A node with nothing wrong. */
function fine(change: Partial<DoctorFacts> = {}): DoctorFacts {
  return {
    nodeVersion: '24.21.0',
    dataDir: '/data',
    folder: { state: 'folder', mode: 0o700, ownedByUs: true, writable: true },
    settings: { state: 'in-force' },
    agent: answering(),
    gatewayUrl: 'http://127.0.0.1:8080',
    gateway: { state: 'healthy' },
    disk: { freeBytes: 100 * gib, totalBytes: 200 * gib },
    memory: { availableBytes: 50 * gib, totalBytes: 96 * gib },
    electron: { state: 'unpacked', binary: '/e/electron' },
    desktop: true,
    ...change,
  };
}

function check(id: string, facts: DoctorFacts): Check {
  const found = judge(facts).find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
}

describe('doctor', () => {
  it('finds nothing on a node that is well', () => {
    expect(judge(fine()).map(({ verdict }) => verdict)).toEqual(Array.from({ length: 10 }, () => 'ok'));
  });

  const cases: readonly (readonly [string, Partial<DoctorFacts>, Check['verdict'], RegExp])[] = [
    ['node', { nodeVersion: '20.19.0' }, 'problem', /Node 20\.19\.0; Ranch Hand needs 24/],
    ['data-folder', { folder: { state: 'absent' } }, 'ok', /first start makes it/],
    ['data-folder', { folder: { state: 'not-a-folder' } }, 'problem', /is not a folder/],
    ['data-folder', { folder: { state: 'folder', mode: 0o755, ownedByUs: true, writable: true } }, 'warning', /0755/],
    [
      'data-folder',
      { folder: { state: 'folder', mode: 0o700, ownedByUs: false, writable: true } },
      'problem',
      /another user/,
    ],
    [
      'data-folder',
      { folder: { state: 'folder', mode: 0o500, ownedByUs: true, writable: false } },
      'problem',
      /written/,
    ],
    ['data-folder', { folder: { state: 'folder', mode: null, ownedByUs: true, writable: true } }, 'ok', /yours alone/],
    ['settings', { settings: { state: 'absent' } }, 'ok', /default/],
    ['settings', { settings: { state: 'readable' } }, 'ok', /can be read/],
    ['settings', { settings: { state: 'not-settings', reason: 'it is not JSON.' } }, 'problem', /it is not JSON/],
    ['agent', { agent: { state: 'absent', stale: true } }, 'problem', /ended without a word/],
    ['agent', { agent: { state: 'silent', pid: 7, message: 'Silence.' } }, 'problem', /pid 7 .* Silence/],
    ['gateway', { agent: { state: 'absent', stale: false }, gateway: { state: 'free' } }, 'ok', /free/],
    [
      'gateway',
      { agent: { state: 'absent', stale: false }, gateway: { state: 'held', holder: 'nginx (pid 9)' } },
      'problem',
      /taken by nginx \(pid 9\)/,
    ],
    ['gateway', { gateway: { state: 'no-answer', reason: 'the connection failed.' } }, 'problem', /connection failed/],
    ['engine', { agent: answering({ engines: [] }) }, 'problem', /No engine/],
    [
      'engine',
      { agent: answering({ engines: [anEngine({ state: 'loading', sentence: 'Loading.' })] }) },
      'warning',
      /Loading/,
    ],
    [
      'engine',
      { agent: answering({ engines: [anEngine({ state: 'failed', sentence: 'It died.' })] }) },
      'problem',
      /It died/,
    ],
    ['engine', { agent: { state: 'absent', stale: false } }, 'warning', /Only a running agent/],
    ['model', { agent: answering({ models: [aModel({ selfTest: true })] }) }, 'warning', /self-test/],
    ['model', { agent: answering({ models: [] }) }, 'problem', /No model/],
    ['model', { agent: answering({ models: [aModel({ problem: 'Cut off.' })] }) }, 'problem', /Cut off/],
    ['disk', { disk: { freeBytes: 5 * gib, totalBytes: 200 * gib } }, 'warning', /5 GB of 200 GB/],
    ['disk', { disk: { freeBytes: 0.5 * gib, totalBytes: 200 * gib } }, 'problem', /512 MB/],
    ['disk', { disk: null }, 'warning', /does not tell/],
    ['memory', { memory: { availableBytes: 0.5 * gib, totalBytes: 8 * gib } }, 'warning', /512 MB of 8 GB/],
    ['memory', { memory: { availableBytes: 0.1 * gib, totalBytes: 8 * gib } }, 'problem', /102 MB/],
    ['electron', { electron: { state: 'package-only', folder: '/e' } }, 'warning', /not downloaded/],
    ['electron', { electron: { state: 'absent' } }, 'warning', /not installed/],
    ['electron', { electron: { state: 'absent' }, desktop: false }, 'ok', /no desktop/],
  ];

  it.each(cases)('%s with %o: %s', (id, change, verdict, reason) => {
    const found = check(id, fine(change));
    expect(found.verdict).toBe(verdict);
    expect(found.reason).toMatch(reason);
    if (verdict === 'problem') expect(found.fix).toMatch(/\S/);
    if (verdict === 'ok') expect(found.fix).toBeNull();
  });

  describe('the model that models.default names is not usable', () => {
    const missing = aModel({ id: 'gone', path: '/m/gone.gguf', problem: 'There is no file at that path.' });
    const withChosen = (models: NodeSnapshot['models']): DoctorFacts => {
      const agent = answering({ models });
      return fine({ agent: agent.state === 'answering' ? { ...agent, chosenModel: '/m/gone.gguf' } : agent });
    };

    it('is a problem where there is no other, and the fix names the setting', () => {
      const found = check('model', withChosen([missing, aModel({ selfTest: true })]));
      expect(found).toMatchObject({ verdict: 'problem', reason: 'gone: There is no file at that path.' });
      expect(found.fix).toMatch(/ranch-hand settings set models\.default .*start the node again/);
    });

    it('is a warning where another answers in its place', () => {
      const found = check('model', withChosen([missing, aModel()]));
      expect(found).toMatchObject({ verdict: 'warning' });
      expect(found.reason).toMatch(/gone: .*falcon3-10b-instruct answers in its place/);
      expect(found.fix).toContain('models.default');
    });

    it('any other file that is not usable says nothing of the setting, and a new one needs no restart', () => {
      const other = aModel({ id: 'odd', path: '/data/models/odd.gguf', problem: 'Cut off.' });
      for (const models of [[other], [], [aModel({ selfTest: true })]]) {
        const { fix } = check('model', withChosen(models));
        expect(fix).toMatch(/into \/data\/models.*without a restart/);
        expect(fix).not.toContain('models.default');
      }
    });
  });

  it('prints each with its reason and fix, within the terminal', () => {
    const checks = judge(fine({ agent: { state: 'absent', stale: false }, electron: { state: 'absent' } }));
    const lines = doctorLines(checks, 80, makePalette(false));
    expect(lines).toContain('✗ Agent         It is not running.');
    expect(lines).toContain('                Start it: ranch-hand agent');
    expect(Math.max(...lines.map(cellWidth))).toBeLessThanOrEqual(80);
    expect(summary(checks)).toBe('6 checks fine, 3 warnings, 1 problem.');
  });

  it('B71 disarms a path that holds control sequences', () => {
    const lines = doctorLines(judge(fine({ dataDir: '/\u001b[2J\u202e' })), 80, makePalette(false));
    for (const text of lines) expect(text).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });
});
