import { describe, expect, it } from 'vitest';
import { KeptBytes } from '../../../../electron/agent/gateway/answer/kept-bytes.ts';

describe('KeptBytes', () => {
  it('keeps the newest bytes within its limit, however they are cut', () => {
    const all = Buffer.from(Array.from({ length: 9_000 }, (_, index) => 97 + (index % 26)));
    for (const piece of [1, 7, 1_000, 3_999, 4_000, 4_001, 9_000]) {
      const kept = new KeptBytes(4_000);
      for (let at = 0; at < all.length; at += piece) kept.append(all, at, Math.min(all.length, at + piece));
      expect(kept.text()).toBe(all.toString('latin1', 5_000));
    }
  });

  it('keeps what came before when it has to grow', () => {
    const kept = new KeptBytes(8_192);
    const [first, second] = [Buffer.alloc(1_000, 'a'), Buffer.alloc(3_000, 'b')];
    kept.append(first, 0, first.length);
    kept.append(second, 0, second.length);
    expect(kept.text()).toBe('a'.repeat(1_000) + 'b'.repeat(3_000));
  });

  it('replaces what it kept, and passes over what is too long', () => {
    const kept = new KeptBytes(10);
    kept.replace(Buffer.from('..first..'), 2, 7);
    expect(kept.text()).toBe('first');
    kept.replace(Buffer.alloc(11, 'x'), 0, 11);
    expect(kept.text()).toBe('first');
  });
});
