import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Announcer } from '../../../electron/agent/base/announcer.ts';
import { Ring } from '../../../electron/agent/base/ring.ts';

describe('Ring', () => {
  it('holds the newest entries in order and counts what it forgot', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (items, capacity) => {
        const ring = new Ring<number>(capacity);
        for (const item of items) ring.push(item);
        expect(ring.toArray()).toEqual(items.slice(-capacity));
        expect(ring.dropped).toBe(Math.max(0, items.length - capacity));
      }),
    );
  });

  it('refuses a capacity that holds nothing', () => {
    expect(() => new Ring(0)).toThrow(RangeError);
  });

  it('is as new after clear', () => {
    const ring = new Ring<number>(2);
    for (const item of [1, 2, 3]) ring.push(item);
    ring.clear();
    ring.push(4);
    expect(ring.toArray()).toEqual([4]);
  });
});

describe('Announcer', () => {
  it('tells everyone who listens now, and nobody who left', () => {
    const announcer = new Announcer<number>();
    const heard: string[] = [];
    const leave = announcer.subscribe((fact) => heard.push(`a${fact}`));
    announcer.subscribe((fact) => heard.push(`b${fact}`));
    announcer.announce(1);
    leave();
    announcer.announce(2);
    expect(heard).toEqual(['a1', 'b1', 'b2']);
    expect(announcer.size).toBe(1);
  });

  it('lets a listener leave while it is being told', () => {
    const announcer = new Announcer<number>();
    const heard: number[] = [];
    const leave = announcer.subscribe((fact) => {
      heard.push(fact);
      leave();
    });
    announcer.announce(1);
    announcer.announce(2);
    expect(heard).toEqual([1]);
  });
});
