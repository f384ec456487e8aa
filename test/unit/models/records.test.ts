import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { silentLogger } from '../../../electron/agent/base/logger.ts';
import { ModelRecords, type ModelRecord } from '../../../electron/agent/models/records.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';

const record = (path: string): ModelRecord => ({
  path,
  digest: `sha256:${'a'.repeat(64)}`,
  origin: 'hf.co/org/repo:Q4_K_M',
  sizeBytes: 12,
  addedAt: 1,
});
const open = (file: string) => new ModelRecords({ file }, { clock: new ManualClock(), logger: silentLogger });

describe('ModelRecords', () => {
  it('keeps what was put over a restart, and forgets what was removed', () => {
    const folder = tempFolder();
    const file = join(folder, 'models.json');
    const records = open(file);
    expect(records.get('/a.gguf')).toBeNull();
    records.put(record('/a.gguf'));
    records.put(record('/x/../b.gguf'));
    records.put({ ...record('/a.gguf'), sizeBytes: 13 });
    expect(open(file).get('/a.gguf')?.sizeBytes).toBe(13);
    expect(open(file).get('/b.gguf')?.origin).toBe('hf.co/org/repo:Q4_K_M');
    records.remove('/a.gguf');
    records.remove('/never.gguf');
    expect(open(file).list()).toEqual([record('/b.gguf')]);
    expect(readdirSync(folder)).toEqual(['models.json']);
  });

  it('puts a damaged file aside and begins anew', () => {
    const folder = tempFolder();
    const file = join(folder, 'models.json');
    writeFileSync(file, '{"models": [{"path"');
    const records = open(file);
    expect(records.list()).toEqual([]);
    const [aside = ''] = readdirSync(folder);
    expect(aside).toMatch(/^models\.json\.corrupt-\d+$/);
    expect(readFileSync(join(folder, aside), 'utf8')).toContain('"path"');
    records.put(record('/a.gguf'));
    expect(open(file).list()).toHaveLength(1);
  });

  it('a write that fails changes nothing', () => {
    const records = open(join(tempFolder(), 'no', 'such', 'models.json'));
    expect(() => records.put(record('/a.gguf'))).toThrow();
    expect(records.get('/a.gguf')).toBeNull();
  });
});
