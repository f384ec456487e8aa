import { describe, expect, it } from 'vitest';
import { makeTempFolder, removeFolder } from '../../../fixtures/temp-folder.ts';
import { compare, killOnce } from './killed-ledger.ts';

const kills = 15;

describe('a ledger whose process is killed', () => {
  it('L7 loses nothing and doubles nothing, and its database is sound', async () => {
    const folder = makeTempFolder();
    try {
      for (let round = 1; round <= kills; round += 1) {
        // From the very beginning to the middle of much work.
        await killOnce(folder, round, (round * 37) % 300);
        if (round % 5 === 0) expect((await compare(folder)).faults).toEqual([]);
      }
      const { charges, requests, faults } = await compare(folder);
      expect(faults).toEqual([]);
      expect(charges).toBeGreaterThan(kills);
      expect(requests).toBeGreaterThan(kills);
    } finally {
      removeFolder(folder);
    }
  }, 300_000);
});
