import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { TraceStore } from '../../../electron/agent/telemetry/trace-store.ts';
import type { Trace } from '../../../electron/contract/trace.ts';
import { aTrace } from '../../fixtures/example-trace.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

function rig(kept = 10_000) {
  const folder = tempFolder();
  const file = join(folder, 'traces.db');
  const clock = new ManualClock();
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
  const open = (most = kept): TraceStore => {
    const store = new TraceStore({ file, kept: most }, { clock, logger });
    onTestFinished(() => store.close());
    return store;
  };
  return { folder, file, clock, warnings, open };
}

const idOf = (index: number): string => index.toString(16).padStart(16, '0');
const numbered = (index: number, change: Partial<Trace> = {}): Trace => aTrace({ trace: idOf(index), ...change });
const ids = ({ traces }: { traces: Trace[] }): number[] => traces.map(({ trace }) => parseInt(trace, 16));

describe('TraceStore', () => {
  it('keeps decisions as they were, also over a restart', () => {
    const { open } = rig();
    const first = open();
    first.record(numbered(1));
    first.close();
    expect(open().byId(idOf(1))).toEqual(numbered(1));
  });

  it('writes together and later, and shows at once what it has not written', () => {
    const { open, clock, file } = rig();
    const store = open();
    const written = (): number => {
      const database = new DatabaseSync(file);
      const [row] = database.prepare('SELECT count(*) AS n FROM traces').all();
      database.close();
      return Number(row?.['n']);
    };
    store.record(numbered(1));
    store.record(numbered(2));
    expect(written()).toBe(0);
    clock.advance(500);
    expect(written()).toBe(2);
    store.record(numbered(3));
    expect(ids(store.list({ limit: 10 }))).toEqual([3, 2, 1]);
    for (let index = 4; index < 104; index += 1) store.record(numbered(index));
    clock.advance(0);
    expect(written()).toBe(103);
    expect(clock.waiting).toBe(0);
  });

  it('keeps no more than it may, and fewer when the settings say so', () => {
    const { open } = rig();
    const store = open(50);
    for (let index = 0; index < 220; index += 1) store.record(numbered(index));
    expect(store.list({ limit: 1_000 })).toMatchObject({ total: 50 });
    expect(ids(store.list({ limit: 2 }))).toEqual([219, 218]);
    store.close();
    expect(open(10).list({ limit: 1_000 }).total).toBe(10);
  });

  it('keeps nothing and makes no file with 0', () => {
    const { open, folder } = rig();
    const store = open(0);
    store.record(numbered(1));
    expect(store.list({ limit: 10 })).toEqual({ traces: [], total: 0 });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('finds by the beginning of an id, and says when several fit', () => {
    const { open } = rig();
    const store = open();
    store.record(aTrace({ trace: 'abcd000000000001' }));
    store.record(aTrace({ trace: 'abcd000000000002' }));
    store.record(aTrace({ trace: 'ffff000000000001' }));
    expect(store.byId('FFFF').trace).toBe('ffff000000000001');
    expect(store.byId('abcd000000000001').trace).toBe('abcd000000000001');
    expect(() => store.byId('abcd')).toThrow('Several decisions begin with "abcd"');
    expect(() => store.byId('0000')).toThrow('No decision "0000" is kept');
    // No pattern gets through.
    for (const id of ['****', '????', '[a-z]', "' OR 1=1"]) expect(() => store.byId(id)).toThrow('No decision');
  });

  it('filters by everything that the question may name, and pages', () => {
    const { open } = rig();
    const store = open();
    store.record(numbered(1, { key: 'a', route: 'none', state: 'failed', model: null, requestedModel: 'gone' }));
    store.record(numbered(2, { key: 'b', dialect: 'ollama', session: 's-9' }));
    store.record(numbered(3, { key: 'b', state: 'aborted' }));
    store.record(numbered(4, { key: null, model: 'gemma' }));
    expect(ids(store.list({ limit: 10, key: 'b' }))).toEqual([3, 2]);
    expect(ids(store.list({ limit: 10, model: 'gone' }))).toEqual([1]);
    expect(ids(store.list({ limit: 10, model: 'gemma' }))).toEqual([4]);
    expect(ids(store.list({ limit: 10, route: 'none' }))).toEqual([1]);
    expect(ids(store.list({ limit: 10, state: 'aborted' }))).toEqual([3]);
    expect(ids(store.list({ limit: 10, dialect: 'ollama' }))).toEqual([2]);
    expect(ids(store.list({ limit: 10, session: 's-9' }))).toEqual([2]);
    expect(ids(store.list({ limit: 10, key: 'b', state: 'done' }))).toEqual([2]);
    expect(store.list({ limit: 1, key: 'b' }).total).toBe(2);
    expect(ids(store.list({ limit: 2, before: idOf(3) }))).toEqual([2, 1]);
    expect(ids(store.list({ limit: 2, before: 'unknown' }))).toEqual([]);
  });

  it('writes only what a decision is made of', () => {
    const { open, folder } = rig();
    const store = open();
    store.record({ ...numbered(1), prompt: 'a very private question' } as Trace);
    store.close();
    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(folder, name)).includes('private question')).toBe(false);
    }
  });

  it('loses at most what was not written when the agent is killed', () => {
    const from = rig();
    const store = from.open();
    store.record(numbered(1));
    from.clock.advance(500);
    store.record(numbered(2));
    const to = rig();
    for (const name of readdirSync(from.folder)) copyFileSync(join(from.folder, name), join(to.folder, name));
    expect(ids(to.open().list({ limit: 10 }))).toEqual([1]);
  });

  it('puts a damaged file aside, says so and goes on', () => {
    const { open, file, folder, warnings } = rig();
    writeFileSync(file, 'this is not a database'.repeat(500));
    const store = open();
    store.record(numbered(1));
    expect(store.list({ limit: 10 }).total).toBe(1);
    expect(warnings).toEqual(['the kept decisions are damaged and begun anew']);
    expect(readdirSync(folder).some((name) => name.startsWith('traces.db.corrupt-'))).toBe(true);
  });

  it('leaves out a decision with a figure that is none, and keeps the others', () => {
    const { open, warnings } = rig();
    const store = open();
    store.record(numbered(1, { durationMs: Number.NaN }));
    store.record(numbered(2));
    expect(ids(store.list({ limit: 10 }))).toEqual([2]);
    expect(warnings).toHaveLength(1);
  });

  it('empties a file of another form', () => {
    const { open, file } = rig();
    const first = open();
    first.record(numbered(1));
    first.close();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 7');
    database.close();
    expect(open().list({ limit: 10 }).total).toBe(0);
  });

  it('holds a bounded number while nothing can be written, and writes them when it can', () => {
    const { open, file, clock, warnings } = rig();
    const store = open();
    const other = new DatabaseSync(file);
    onTestFinished(() => other.close());
    other.exec("CREATE TRIGGER full BEFORE INSERT ON traces BEGIN SELECT RAISE(FAIL, 'no space'); END");
    for (let index = 0; index < 1_200; index += 1) {
      store.record(numbered(index));
      clock.advance(5);
    }
    expect(warnings).toEqual(['decisions could not be written']);
    expect(store.list({ limit: 10 }).total).toBe(0);
    other.exec('DROP TRIGGER full');
    expect(store.list({ limit: 10 }).total).toBe(1_000);
  });

  it.skipIf(process.platform === 'win32')('is for this user only', () => {
    const { open, folder } = rig();
    open().record(numbered(1));
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  });
});
