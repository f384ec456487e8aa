import { describe, expect, it } from 'vitest';
import { SlotQueue } from '../../../../electron/agent/engines/process-engine/slot-queue.ts';
import type { TakenSlot } from '../../../../electron/agent/engines/process-engine/session-slots.ts';

const never = (): AbortSignal => new AbortController().signal;
const queueOf = (slots: number): SlotQueue => new SlotQueue({ slots, name: 'The engine' });

describe('SlotQueue', () => {
  it('gives those who wait a slot in the order in which they came, and never more than there are', async () => {
    const queue = queueOf(2);
    const order: number[] = [];
    const given = new Map<number, TakenSlot>();
    const asked = Array.from({ length: 6 }, async (_, at) => {
      const slot = await queue.take(null, never());
      order.push(at);
      given.set(at, slot);
    });
    await Promise.all(asked.slice(0, 2));
    expect(queue.waiting).toBe(4);
    for (const at of [1, 0, 2, 3]) {
      given.get(at)?.release();
      await asked[order.length];
    }
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
    expect(queue.waiting).toBe(0);
  });

  it('hands a slot that was given back twice on only once', async () => {
    const queue = queueOf(1);
    const first = await queue.take('a', never());
    const second = queue.take('b', never());
    void queue.take('c', never());
    first.release();
    first.release();
    expect(queue.waiting).toBe(1);
    (await second).release();
    expect(queue.waiting).toBe(0);
  });

  it('gives a session that waited the slot that has its conversation, where that one is free', async () => {
    const queue = queueOf(2);
    const a = await queue.take('a', never());
    const b = await queue.take('b', never());
    const again = queue.take('b', never());
    b.release();
    expect((await again).id).toBe(b.id);
    a.release();
    expect((await queue.take('a', never())).id).toBe(a.id);
  });

  it('L4 a caller who leaves while it waits is forgotten at once, and the next one comes first', async () => {
    const queue = queueOf(1);
    const first = await queue.take(null, never());
    const gone = new AbortController();
    const left = queue.take(null, gone.signal);
    const next = queue.take(null, never());
    gone.abort();
    await expect(left).rejects.toMatchObject({ code: 'caller_gone' });
    expect(queue.waiting).toBe(1);
    first.release();
    expect((await next).id).toBe(first.id);
    await expect(queue.take(null, gone.signal)).rejects.toMatchObject({ code: 'caller_gone' });
  });

  it('F1 those who wait hear it when the server is gone, and so do those who come later', async () => {
    const queue = queueOf(1);
    await queue.take(null, never());
    const waits = queue.take(null, never());
    queue.close();
    await expect(waits).rejects.toMatchObject({ code: 'upstream_failed' });
    await expect(queue.take(null, never())).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(queue.waiting).toBe(0);
  });
});
