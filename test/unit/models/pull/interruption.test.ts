import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import {
  Interruption,
  retryAfterMs,
  withRetries,
  type RetryOptions,
} from '../../../../electron/agent/models/pull/interruption.ts';
import { nextHop } from '../../../../electron/agent/models/pull/http-client.ts';
import { refusalOf } from '../../../../electron/agent/models/pull/refusals.ts';

const options: RetryOptions = {
  backoff: { firstMs: 1_000, longestMs: 60_000, jitter: 0 },
  mostFruitless: 4,
  mostFruitlessAtFirst: 2,
};

function rig(arrived: () => number, signal = new AbortController().signal) {
  const clock = new ManualClock();
  const notes: string[] = [];
  const deps = {
    clock,
    random: () => 0.5,
    signal,
    arrivedBytes: arrived,
    note: (text: string) => void notes.push(text),
  };
  /** Lets the waiting go on until it has ended. */
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    void work.then(end, end);
    for (let turn = 0; turn < 1_000 && !over.signal.aborted; turn += 1) {
      await Promise.resolve();
      if (clock.waiting > 0) clock.advance(500);
    }
    return work;
  };
  return { clock, deps, notes, settle };
}

describe('withRetries', () => {
  it('waits longer from one fruitless try to the next, and begins anew when bytes come', async () => {
    let bytes = 100;
    let tries = 0;
    const { deps, notes, settle } = rig(() => bytes);
    const task = (): Promise<string> => {
      tries += 1;
      if (tries === 4) bytes += 50;
      return tries < 7 ? Promise.reject(new Interruption('Cut.')) : Promise.resolve('whole');
    };
    expect(await settle(withRetries(task, options, deps))).toBe('whole');
    const waits = notes.map((note) => /in (a second|\d+ seconds)/.exec(note)?.[1]);
    expect(waits).toEqual(['a second', '2 seconds', '4 seconds', 'a second', '2 seconds', '4 seconds']);
  });

  it('gives up when nothing comes, sooner when nothing ever came', async () => {
    for (const [bytes, tries] of [
      [0, 2],
      [1, 4],
    ]) {
      const { deps, settle } = rig(() => bytes ?? 0);
      await expect(settle(withRetries(() => Promise.reject(new Interruption('Cut.')), options, deps))).rejects.toThrow(
        `tried ${tries} times`,
      );
    }
  });

  it('waits as long as it is asked to, and no retry follows an error for good or an abort', async () => {
    const { clock, deps, settle } = rig(() => 0);
    let tries = 0;
    const busy = (): Promise<number> =>
      (tries += 1) < 8 ? Promise.reject(new Interruption('Busy.', { retryAfterMs: 30_000 })) : Promise.resolve(1);
    const before = clock.monotonic();
    await settle(withRetries(busy, options, deps));
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(7 * 30_000);
    const final = rig(() => 0);
    await expect(
      final.settle(withRetries(() => Promise.reject(new AppError('model_not_found', 'No.')), options, final.deps)),
    ).rejects.toThrow('No.');
    const controller = new AbortController();
    const aborted = rig(() => 0, controller.signal);
    const work = withRetries(() => Promise.reject(new Interruption('Cut.')), options, aborted.deps);
    await Promise.resolve();
    controller.abort(new Error('paused'));
    await expect(work).rejects.toThrow('paused');
    expect(aborted.clock.waiting).toBe(0);
  });
});

it('reads Retry-After as seconds and as a date', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(retryAfterMs('12', now)).toBe(12_000);
  expect(retryAfterMs(new Date(now + 5_000).toUTCString(), now)).toBe(5_000);
  expect(retryAfterMs(new Date(now - 5_000).toUTCString(), now)).toBe(0);
  expect([retryAfterMs('soon', now), retryAfterMs(undefined, now)]).toEqual([null, null]);
});

it('B46 redirects lead to https only, and never from elsewhere into this machine', () => {
  const from = new URL('https://huggingface.co/a');
  expect(nextHop(from, '/b').href).toBe('https://huggingface.co/b');
  expect(nextHop(from, 'https://files.example/b').hostname).toBe('files.example');
  for (const bad of [
    'http://files.example/b',
    'http://127.0.0.1/b',
    'https://127.0.0.1/b',
    'https://localhost/b',
    'file:///etc/passwd',
    'http://169.254.169.254/',
  ]) {
    expect(() => nextHop(from, bad)).toThrow(AppError);
  }
});

it('tells what may get better from what will not', () => {
  const asked = { host: 'huggingface.co', what: 'org/horse', isHub: true, nowMs: 0 };
  expect(refusalOf(429, { 'retry-after': '3' }, asked)).toMatchObject({ name: 'Interruption', retryAfterMs: 3_000 });
  expect(refusalOf(503, {}, asked)).toBeInstanceOf(Interruption);
  expect(refusalOf(401, { 'x-error-code': 'GatedRepo' }, asked)).toMatchObject({ code: 'forbidden' });
  expect(refusalOf(401, {}, asked)).toMatchObject({ code: 'unauthorized' });
  expect(refusalOf(404, {}, asked)).toMatchObject({ code: 'model_not_found' });
  expect(refusalOf(410, {}, { ...asked, isHub: false })).toMatchObject({ code: 'model_not_found' });
  expect(refusalOf(418, {}, { ...asked, isHub: false })).toMatchObject({ code: 'upstream_failed' });
});
