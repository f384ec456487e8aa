import { expect, it } from 'vitest';
import { cutVector } from '../../../../../electron/agent/engines/embedded/child/vector.ts';

it('cuts a vector and brings it back to length 1', () => {
  expect(cutVector([3, 4, 12], 2)).toEqual([0.6, 0.8]);
  expect(cutVector([0, 0, 1], 2)).toEqual([0, 0]);
  expect(cutVector([3, 4], 2)).toEqual([3, 4]);
});
