import { describe, expect, it } from 'vitest';
import { SessionSlots } from '../../../../electron/agent/engines/process-engine/session-slots.ts';

/** Takes a slot for one short request. */
function ask(slots: SessionSlots, session: string | null): number | null {
  const taken = slots.take(session);
  taken?.release();
  return taken?.id ?? null;
}

describe('SessionSlots', () => {
  it('keeps each session on its slot, however they take turns', () => {
    const slots = new SessionSlots({ slots: 3 });
    const first = ['a', 'b', 'c'].map((session) => ask(slots, session));
    expect(new Set(first).size).toBe(3);
    for (const round of [
      ['c', 'a', 'b'],
      ['b', 'b', 'a', 'c', 'a'],
    ])
      for (const session of round) expect(ask(slots, session)).toBe(first[['a', 'b', 'c'].indexOf(session)]);
  });

  it('gives a new session the slot that was used longest ago, when there are more sessions than slots', () => {
    const slots = new SessionSlots({ slots: 2 });
    const [a, b] = [ask(slots, 'a'), ask(slots, 'b')];
    expect(ask(slots, 'a')).toBe(a);
    expect(ask(slots, 'c')).toBe(b);
    expect(ask(slots, 'a')).toBe(a);
    // b has lost its slot; c was used longer ago than a.
    expect(ask(slots, 'b')).toBe(b);
  });

  it('never names a slot that works, not even to its own session, and none when all work', () => {
    const slots = new SessionSlots({ slots: 2 });
    const first = slots.take('a');
    const second = slots.take('a');
    expect(second?.id).not.toBe(first?.id);
    expect(slots.take('b')).toBeNull();
    first?.release();
    expect(slots.take('b')?.id).toBe(first?.id);
    // Given back twice, it is not taken from the one who has it now.
    first?.release();
    expect(slots.take('c')).toBeNull();
    second?.release();
    expect(ask(slots, 'a')).toBe(second?.id);
  });

  it('requests without a session go where the last one of them went, and to no session before that', () => {
    const slots = new SessionSlots({ slots: 3 });
    const a = ask(slots, 'a');
    const plain = ask(slots, null);
    expect(plain).not.toBe(a);
    expect([ask(slots, null), ask(slots, null)]).toEqual([plain, plain]);
    const b = ask(slots, 'b');
    expect([a, plain]).not.toContain(b);
    expect([ask(slots, 'a'), ask(slots, null), ask(slots, 'b')]).toEqual([a, plain, b]);
  });
});
