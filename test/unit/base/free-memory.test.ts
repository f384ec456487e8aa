import { expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { availableIn, FreeMemory } from '../../../electron/agent/base/free-memory.ts';

const printed = (free: number): string =>
  [
    'Mach Virtual Memory Statistics: (page size of 16384 bytes)',
    `Pages free:                              ${free}.`,
    'Pages active:                           412345.',
    'Pages inactive:                         400000.',
    'Pages speculative:                        1000.',
    'Pages throttled:                             0.',
    'Pages wired down:                       120000.',
    'Pages purgeable:                          9000.',
    '"Translation faults":                123456789.',
  ].join('\n');

it('counts what vm_stat tells as free and what is given up on demand', () => {
  expect(availableIn(printed(5_000))).toBe(406_000 * 16_384);
  expect(availableIn('')).toBeNull();
  expect(availableIn('vm_stat: no such thing')).toBeNull();
});

it('asks vm_stat on macOS, now and then, and keeps what it knows when that fails', async () => {
  const clock = new ManualClock();
  const answers = [printed(5_000), printed(6_000), null];
  const asked: (string | null)[] = [];
  const vmStat = (): Promise<string | null> => {
    const answer = answers[asked.length] ?? null;
    asked.push(answer);
    return Promise.resolve(answer);
  };
  const memory = new FreeMemory({ platform: 'darwin' }, { clock, told: () => 7, vmStat });
  expect(memory.bytes()).toBe(7);
  await memory.start();
  expect(memory.bytes()).toBe(406_000 * 16_384);
  for (let times = 0; times < 2; times += 1) {
    clock.advance(3_000);
    await Promise.resolve();
    await Promise.resolve();
    expect(memory.bytes()).toBe(407_000 * 16_384);
  }
  memory.stop();
  clock.advance(10_000);
  expect(asked).toHaveLength(3);
});

it.each(['linux', 'win32'] as const)('asks nobody on %s', async (platform) => {
  const vmStat = (): never => {
    throw new Error('asked');
  };
  const memory = new FreeMemory({ platform }, { clock: new ManualClock(), told: () => 7, vmStat });
  await memory.start();
  expect(memory.bytes()).toBe(7);
});
