import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { Admission } from '../../../../electron/agent/gateway/load/admission.ts';

function make(
  slots: number,
  queueLimit: number,
): { clock: ManualClock; admission: Admission; set: (slots: number) => void } {
  const clock = new ManualClock();
  const now = { slots };
  const admission = new Admission({ queueLimit }, { clock, slots: () => now.slots });
  return {
    clock,
    admission,
    set: (value) => {
      now.slots = value;
    },
  };
}

const never = new AbortController().signal;

describe('Admission', () => {
  it('lets as many in as there are slots, then queues in order', async () => {
    const { admission, clock } = make(2, 2);
    const first = await admission.enter(never, ['a']);
    await admission.enter(never, ['a']);
    const order: string[] = [];
    const third = admission.enter(never, ['a']).then((ticket) => {
      order.push('third');
      return ticket;
    });
    const fourth = admission.enter(never, ['a']).then(() => order.push('fourth'));
    expect([admission.inFlight, admission.queued]).toEqual([2, 2]);
    clock.advance(30);
    first.release();
    const ticket = await third;
    expect(ticket.waitedMs).toBe(30);
    expect([admission.inFlight, admission.queued]).toEqual([2, 1]);
    ticket.release();
    await fourth;
    expect(order).toEqual(['third', 'fourth']);
  });

  it('L3 refuses when the queue is full, with a Retry-After from the measured time that requests take', async () => {
    const { admission, clock } = make(1, 1);
    const slow = await admission.enter(never, ['a']);
    clock.advance(7_000);
    slow.release();
    await admission.enter(never, ['a']);
    void admission.enter(never, ['a']).catch(() => undefined);
    const refusal = admission.enter(never, ['a']);
    await expect(refusal).rejects.toMatchObject({ code: 'too_busy', context: { retryAfterS: 14 } });
    expect(admission.refused).toBe(1);
    expect(admission.queued).toBe(1);
  });

  it('frees the place of one who leaves the queue', async () => {
    const { admission } = make(1, 1);
    const first = await admission.enter(never, ['a']);
    const leaving = new AbortController();
    const second = admission.enter(leaving.signal, ['a']);
    leaving.abort();
    await expect(second).rejects.toMatchObject({ code: 'caller_gone' });
    expect(admission.queued).toBe(0);
    first.release();
    expect(admission.inFlight).toBe(0);
    await expect(admission.enter(leaving.signal, ['a'])).rejects.toMatchObject({ code: 'caller_gone' });
  });

  it('counts a place once however often its ticket is released', async () => {
    const { admission } = make(2, 0);
    const ticket = await admission.enter(never, ['a']);
    await admission.enter(never, ['a']);
    ticket.release();
    ticket.release();
    expect(admission.inFlight).toBe(1);
  });

  it('counts a place once for one who waited no measurable time', async () => {
    const { admission } = make(1, 1);
    const first = await admission.enter(never, ['a']);
    const second = admission.enter(never, ['a']);
    first.release();
    (await second).release();
    expect(admission.inFlight).toBe(0);
  });

  it('gives no place twice when one comes between a release and the waking of the next', async () => {
    const { admission } = make(1, 2);
    const first = await admission.enter(never, ['a']);
    const second = admission.enter(never, ['a']);
    first.release();
    const third = admission.enter(never, ['a']);
    await second;
    expect([admission.inFlight, admission.queued]).toEqual([1, 1]);
    (await second).release();
    await third;
  });

  it('gives places out when slots are added', async () => {
    const { admission, set } = make(1, 4);
    await admission.enter(never, ['a']);
    const second = admission.enter(never, ['a']);
    const third = admission.enter(never, ['a']);
    set(3);
    admission.refill();
    await Promise.all([second, third]);
    expect(admission.inFlight).toBe(3);
  });

  describe('lanes', () => {
    it('let a request for another upstream past those who wait', async () => {
      const { admission } = make(1, 2);
      const held = await admission.enter(never, ['slow']);
      const waiting = admission.enter(never, ['slow']);
      const other = await admission.enter(never, ['fast']);
      expect([other.lane, admission.inFlight, admission.queued]).toEqual(['fast', 2, 1]);
      other.release();
      expect(admission.queued).toBe(1);
      held.release();
      expect((await waiting).lane).toBe('slow');
    });

    it('give the first place that comes free in any of a request’s lanes', async () => {
      const { admission } = make(1, 2);
      await admission.enter(never, ['a']);
      const second = await admission.enter(never, ['b']);
      const either = admission.enter(never, ['a', 'b']);
      second.release();
      expect((await either).lane).toBe('b');
    });

    it('let nobody pass one who came before for the same lane', async () => {
      const { admission, set } = make(1, 2);
      await admission.enter(never, ['a']);
      const before = admission.enter(never, ['a']);
      set(2);
      const after = admission.enter(never, ['a']);
      expect(admission.queued).toBe(2);
      admission.refill();
      (await before).release();
      await after;
    });
  });

  it('refuses those who wait and those who come once it is closed', async () => {
    const { admission } = make(1, 4);
    await admission.enter(never, ['a']);
    const waiting = admission.enter(never, ['a']);
    admission.close();
    await expect(waiting).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(admission.enter(never, ['a'])).rejects.toMatchObject({ code: 'shutting_down' });
  });
});
