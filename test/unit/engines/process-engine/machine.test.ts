import { describe, expect, it } from 'vitest';
import {
  automaticParallel,
  automaticThreads,
  physicalCoresOf,
} from '../../../../electron/agent/engines/process-engine/machine.ts';

const cpu = (processor: number, socket: number, core: number): string =>
  `processor\t: ${processor}\nmodel name\t: Some CPU\nphysical id\t: ${socket}\nsiblings\t: 4\ncore id\t\t: ${core}\n`;

describe('physicalCoresOf', () => {
  it('counts two threads of one core once, and cores of two sockets apart', () => {
    const text = [cpu(0, 0, 0), cpu(1, 0, 1), cpu(2, 0, 0), cpu(3, 0, 1), cpu(4, 1, 0)].join('\n');
    expect(physicalCoresOf(text, '0-4')).toBe(3);
  });

  it('counts only those that may be used', () => {
    const text = [cpu(0, 0, 0), cpu(1, 0, 1), cpu(2, 0, 0), cpu(3, 0, 1)].join('\n');
    expect(physicalCoresOf(text, '0,2')).toBe(1);
    expect(physicalCoresOf(text, '1-2')).toBe(2);
  });

  it('does not guess where the system tells nothing, as on most ARM boards', () => {
    expect(physicalCoresOf('processor\t: 0\nBogoMIPS\t: 50\n', '0')).toBeNull();
    expect(physicalCoresOf('', '')).toBeNull();
  });
});

describe('automatic figures', () => {
  it('leave one core for the rest from five on, and never none', () => {
    const threads = [1, 2, 4, 5, 8].map((physicalCores) => automaticThreads({ physicalCores, logicalCores: 16 }));
    expect(threads).toEqual([1, 2, 4, 4, 7]);
    expect(automaticParallel({ physicalCores: 1, logicalCores: 2 })).toBe(2);
    expect(automaticParallel({ physicalCores: 4, logicalCores: 8 })).toBe(4);
  });
});
