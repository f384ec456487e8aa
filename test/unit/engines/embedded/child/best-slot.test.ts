import { describe, expect, it } from 'vitest';
import { bestSlot, type SlotView } from '../../../../../electron/agent/engines/embedded/child/best-slot.ts';

interface Slot extends SlotView<number> {
  readonly name: string;
}

function slot(name: string, session: string | null, tokens: readonly number[], usedMs: number): Slot {
  const cachedPrefix = (prompt: readonly number[]): number => {
    const differs = prompt.findIndex((token, index) => tokens[index] !== token);
    return differs < 0 ? prompt.length : differs;
  };
  return { name, session, promptTokens: tokens.length, usedMs, cachedPrefix };
}

describe('bestSlot', () => {
  const slots = [
    slot('a', 'anna', [1, 2, 3, 4], 20),
    slot('b', null, [1, 5, 6, 7], 10),
    slot('c', 'clara', [1, 8, 8, 8], 30),
  ];
  const chosen = (prompt: readonly number[], session: string | null): string =>
    bestSlot(slots, { prompt, session }).name;

  it('is the one of the conversation, whatever its cache', () => {
    expect(chosen([9, 9], 'clara')).toBe('c');
  });

  it('is the one whose prompt goes on in this one', () => {
    expect(chosen([1, 2, 3, 4, 5], null)).toBe('a');
    expect(chosen([1, 8, 9], 'doris')).toBe('c');
  });

  it('is the one that was used longest ago, where another would lose its cache to a prompt that only begins alike', () => {
    expect(chosen([1, 3, 3], 'doris')).toBe('b');
    expect(chosen([7], null)).toBe('b');
  });

  it('takes a slot that was never used before all others', () => {
    expect(bestSlot([...slots, slot('new', null, [], 0)], { prompt: [1, 3], session: 'doris' }).name).toBe('new');
  });
});
