import { describe, expect, it } from 'vitest';
import { automaticParallel, automaticThreads } from '../../../../../electron/agent/engines/embedded/child/automatic.ts';

describe('automaticThreads', () => {
  const modelBytes = 1e9;

  it.each([
    [1, 1, 1],
    [2, 2, 2],
    [4, 4, 4],
    [8, 4, 4],
    [16, 8, 7],
    [2, 16, 2],
    [2, 0, 2],
  ])('%i usable cores, %i of them for numbers: %i threads', (cores, mathCores, threads) => {
    expect(automaticThreads({ cores, mathCores, modelBytes })).toBe(threads);
  });

  it('one thread for a tiny model', () => {
    expect(automaticThreads({ cores: 16, mathCores: 8, modelBytes: 1e6 })).toBe(1);
  });
});

describe('automaticParallel', () => {
  it('two on small machines, four on others', () => {
    expect([1, 2, 4, 32].map(automaticParallel)).toEqual([2, 2, 4, 4]);
  });
});
