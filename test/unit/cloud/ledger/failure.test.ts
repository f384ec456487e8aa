import { describe, expect, it } from 'vitest';
import { causeOf, closedSentence, failureOf } from '../../../../electron/agent/cloud/ledger/failure.ts';
import { DamagedDatabase, NewerSchema } from '../../../../electron/agent/cloud/ledger/schema.ts';

function system(code: string): Error {
  return Object.assign(new Error('failed'), { code });
}

function sqlite(errcode: number): Error {
  return Object.assign(new Error('words of SQLite'), { code: 'ERR_SQLITE_ERROR', errcode });
}

describe('what keeps the ledger from being written', () => {
  it.each([
    ['F16 a full disk', system('ENOSPC'), null, 'full'],
    ['a full share of a disk', system('EDQUOT'), null, 'full'],
    ['F16 a full disk, by SQLite', sqlite(13), null, 'full'],
    ['F16 a file that could not grow on a full disk', sqlite(4_874), 0, 'full'],
    ['a file that could not grow', sqlite(4_874), 1e9, 'unwritable'],
    ['a folder of others', system('EACCES'), null, 'unwritable'],
    ['a disk that is only read', sqlite(8), null, 'unwritable'],
    ['a damaged file', sqlite(11), null, 'corrupt'],
    ['a damaged file of SQLite, said at length', sqlite(267), null, 'corrupt'],
    ['something else in its place', sqlite(26), null, 'corrupt'],
    ['a damaged page', new DamagedDatabase('row missing'), null, 'corrupt'],
    ['a later program', new NewerSchema('version 9'), null, 'newer'],
    ['anything else', new Error('no idea'), null, 'failed'],
  ] as const)('%s', (_, error, freeBytes, failure) => {
    expect(failureOf(error, freeBytes)).toBe(failure);
  });

  it('is told with what to do', () => {
    for (const failure of ['full', 'unwritable', 'newer', 'failed'] as const) {
      const sentence = closedSentence(failure, 'EACCES', '/data');
      expect(sentence).toContain('/data');
      expect(sentence).toContain('nothing is spent on the cloud');
      expect(sentence).not.toContain('!');
    }
  });

  it('names the cause by its code, or in the words of SQLite', () => {
    expect(causeOf(system('EROFS'))).toBe('EROFS');
    expect(causeOf(sqlite(5))).toBe('words of SQLite');
    expect(causeOf('text')).toBe('text');
  });
});
