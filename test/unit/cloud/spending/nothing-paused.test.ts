import { expect, it } from 'vitest';
import { nothingPaused } from '../../../../electron/agent/cloud/spending/nothing-paused.ts';

it('who goes on where nothing was paused is told how it stands', () => {
  const since = '2026-11-22T12:00:00.000Z';
  expect(nothingPaused({ offload: 'auto', paused: null })).toMatch(/^Nothing was paused\. Requests go/);
  expect(nothingPaused({ offload: 'off', paused: null })).toMatch(/^Nothing was paused\. The switch is off/);
  const paused = { reason: 'ledger', sentence: 'The disk is full.', since } as const;
  expect(nothingPaused({ offload: 'on', paused })).toBe('There was no pause to end. The disk is full.');
});
