import { describe, expect, it } from 'vitest';
import { SlotQueue } from '../../../../../electron/agent/engines/embedded/child/slot-queue.ts';

const any = (free: readonly string[]): string => free[0] ?? '';
const never = new AbortController().signal;

function queue(slots: readonly string[] = ['a', 'b'], mostWaiting = 10) {
  let changes = 0;
  return { slots: new SlotQueue(slots, { mostWaiting, onChange: () => (changes += 1) }), changes: () => changes };
}

describe('SlotQueue', () => {
  it('gives slots in the order of asking', async () => {
    const { slots } = queue(['a']);
    const first = await slots.acquire(any, never);
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (number) => {
      const slot = await slots.acquire(any, never);
      order.push(number);
      slots.release(slot);
    });
    expect(slots).toMatchObject({ busy: 1, waiting: 3 });
    slots.release(first);
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    expect(slots).toMatchObject({ busy: 0, waiting: 0 });
  });

  it('lets the asker choose among the free ones', async () => {
    const { slots } = queue(['a', 'b', 'c']);
    expect(await slots.acquire((free) => free[2] ?? '', never)).toBe('c');
    expect(await slots.acquire((free) => free.at(-1) ?? '', never)).toBe('b');
  });

  it('forgets who goes away while waiting', async () => {
    const { slots } = queue(['a']);
    const held = await slots.acquire(any, never);
    const gone = new AbortController();
    const waiting = slots.acquire(any, gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect(slots.waiting).toBe(0);
    slots.release(held);
    expect(slots.busy).toBe(0);
  });

  it('refuses more than may wait', async () => {
    const { slots } = queue(['a'], 1);
    await slots.acquire(any, never);
    void slots.acquire(any, never);
    await expect(slots.acquire(any, never)).rejects.toMatchObject({ code: 'too_busy' });
  });
});
