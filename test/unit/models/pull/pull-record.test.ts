import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pullSchema } from '../../../../electron/contract/snapshot.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { Progress } from '../../../../electron/agent/models/pull/progress.ts';
import {
  compareRecords,
  toSnapshot,
  type PullRecord,
  type PullState,
} from '../../../../electron/agent/models/pull/pull-record.ts';
import { PullStore } from '../../../../electron/agent/models/pull/pull-store.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const states: PullState[] = [
  { kind: 'queued' },
  { kind: 'running', note: null },
  { kind: 'running', note: 'Cut.' },
  { kind: 'verifying' },
  { kind: 'paused' },
  { kind: 'done', endedAt: 20, model: 'horse', notUsed: null },
  { kind: 'done', endedAt: 21, model: 'mare', notUsed: 'It needs another engine.' },
  { kind: 'failed', endedAt: 30, message: 'No.' },
  { kind: 'cancelled', endedAt: 10 },
];

function record(state: PullState, startedAt = 0): PullRecord {
  return {
    id: '0123456789abcdef',
    job: { kind: 'fetch', reference: 'hf.co/a/b', sha256: null },
    name: 'b',
    source: 'hugging-face',
    use: false,
    state,
    files: [{ name: 'b.gguf', url: 'https://x/b.gguf', sizeBytes: 1, digest: null, validator: '"x"' }],
    receivedBytes: 1,
    totalBytes: 2,
    startedAt,
  };
}

it('every state is a snapshot that the contract takes, with a sentence', () => {
  for (const state of states) {
    const snapshot = pullSchema.parse(toSnapshot(record(state), new Progress(1, 2), 0));
    expect(snapshot.sentence).not.toBe('');
    expect(snapshot.endedAt === null).toBe(!('endedAt' in state));
  }
});

it('a pull whose model cannot be used as wished says why, and that no switch follows', () => {
  const ended = (notUsed: string | null) =>
    toSnapshot({ ...record({ kind: 'done', endedAt: 1, model: 'mare', notUsed }), use: true }, new Progress(2, 2), 0);
  expect(ended(null)).toMatchObject({ thenUse: true, sentence: 'It is here.' });
  expect(ended('It needs another engine.')).toMatchObject({
    thenUse: false,
    sentence: 'It is here, but it is not switched to: It needs another engine.',
  });
});

it('lists what runs first, then what waits by age, then what ended, newest first', () => {
  const order = states.map((state, index) => record(state, index)).sort(compareRecords);
  expect(order.map(({ state }) => state.kind)).toEqual([
    'running',
    'running',
    'verifying',
    'queued',
    'paused',
    'failed',
    'done',
    'done',
    'cancelled',
  ]);
});

it('F18 the list survives, a damaged entry is left out, a damaged file put aside', () => {
  const folder = tempFolder();
  const file = join(folder, 'deep', 'pulls.json');
  const store = new PullStore({ file }, { logger: silentLogger });
  expect(store.load()).toEqual([]);
  const kept = states.map((state) => record(state));
  store.save(kept);
  expect(store.load()).toEqual(kept);
  writeFileSync(
    file,
    JSON.stringify({ pulls: [{ ...kept[0], id: '../../x' }, { ...kept[0], files: [{ name: '../x' }] }, kept[1]] }),
  );
  expect(store.load()).toEqual([kept[1]]);
  writeFileSync(file, '{"pulls": [');
  expect(store.load()).toEqual([]);
  expect(readdirSync(join(folder, 'deep'))).toEqual(['pulls.json.corrupt']);
});
