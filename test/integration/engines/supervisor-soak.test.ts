import { expect, it } from 'vitest';
import { soak } from '../../bench/supervisor-soak.ts';

it('F1 25 crashes in a row: back every time, no orphan, handles flat', async () => {
  const figures = await soak(25);
  expect(figures).toMatchObject({ started: 26, orphans: 0 });
  expect(figures.handlesAfter.timers).toBe(figures.handlesBefore.timers);
  expect(figures.handlesAfter.active).toBeLessThanOrEqual(figures.handlesBefore.active);
  expect(figures.handlesAfter.descriptors ?? 0).toBeLessThanOrEqual(figures.handlesBefore.descriptors ?? 0);
});
