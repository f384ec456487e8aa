import { expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { Admission } from '../../../../electron/agent/gateway/load/admission.ts';

const never = new AbortController().signal;
const slots = 4;
/** Four come in the time in which one can be served, for five minutes. */
const arrivalMs = 250;
const serviceMs = 4_000;
const floodMs = 300_000;

interface Refusal {
  readonly atMs: number;
  readonly retryAfterS: number;
}

interface Flood {
  readonly refusals: readonly Refusal[];
  /** When each of those who were let in came and began. */
  readonly begun: readonly { readonly cameMs: number; readonly beganMs: number }[];
  readonly mostQueued: number;
  readonly admission: Admission;
  readonly clock: ManualClock;
  readonly ended: number;
  readonly came: number;
}

/** Requests that take half as long again as was expected of them, give or take a quarter. */
async function flood({ mostWaitMs, queueLimit }: { mostWaitMs: number; queueLimit: number }): Promise<Flood> {
  const clock = new ManualClock();
  const admission = new Admission({ queueLimit }, { clock, slots: () => slots });
  const refusals: Refusal[] = [];
  const begun: { cameMs: number; beganMs: number }[] = [];
  let [came, ended, mostQueued] = [0, 0, 0];
  const ask = (): void => {
    came += 1;
    const number = came;
    const cameMs = clock.monotonic();
    const expected = { serviceMs: serviceMs / 1.5, mostWaitMs };
    admission.enter(never, { lanes: ['engine'], priority: 'normal', caller: `caller ${number % 3}`, ...expected }).then(
      (ticket) => {
        begun.push({ cameMs, beganMs: clock.monotonic() });
        const tookMs = serviceMs * (0.75 + 0.5 * ((number * 0.618_034) % 1));
        clock.after(tookMs, () => {
          ticket.release();
          ended += 1;
        });
      },
      (error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        refusals.push({ atMs: clock.monotonic(), retryAfterS: Number(error.context['retryAfterS']) });
        ended += 1;
      },
    );
  };
  while (clock.monotonic() < floodMs) {
    ask();
    await settled();
    mostQueued = Math.max(mostQueued, admission.queued);
    for (let step = 0; step < 5; step += 1) {
      clock.advance(arrivalMs / 5);
      await settled();
    }
  }
  while (ended < came && clock.monotonic() < 2 * floodMs) {
    clock.advance(arrivalMs);
    await settled();
  }
  return { refusals, begun, mostQueued, admission, clock, ended, came };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** When all who waited at that moment had their place: then one who had waited behind them would have had his. */
function placeAt(atMs: number, { begun }: Flood): number {
  return begun
    .filter(({ cameMs, beganMs }) => cameMs <= atMs && beganMs > atMs)
    .reduce((latest, { beganMs }) => Math.max(latest, beganMs), atMs);
}

it('L3 a flood of four times what can be served: the queue is bounded, Retry-After proves right, nothing hangs', async () => {
  const done = await flood({ mostWaitMs: 600_000, queueLimit: 32 });
  expect(done.mostQueued).toBe(32);
  expect(done.ended).toBe(done.came);
  expect(done.refusals.length).toBeGreaterThan(done.came / 2);
  const known = done.refusals.filter(({ atMs }) => atMs > 30_000 && atMs < floodMs - 60_000);
  const ratios = known.map(({ atMs, retryAfterS }) => (retryAfterS * 1_000) / (placeAt(atMs, done) - atMs));
  expect(Math.min(...ratios)).toBeGreaterThan(0.5);
  expect(Math.max(...ratios)).toBeLessThan(2);
  // All that was taken is given back: no place, no timer, nobody who waits.
  expect([done.admission.inFlight, done.admission.queued, done.clock.waiting]).toEqual([0, 0, 0]);
});

it('L3 a flood against a bounded wait: refused at once, and whoever is let in is served in time', async () => {
  const mostWaitMs = 12_000;
  const done = await flood({ mostWaitMs, queueLimit: 1_000 });
  const waits = done.begun.map(({ cameMs, beganMs }) => beganMs - cameMs);
  expect(Math.max(...waits)).toBeLessThanOrEqual(mostWaitMs);
  const { 'wait-too-long': atOnce, 'waited-out': late, 'queue-full': full } = done.admission.refusals;
  expect(full).toBe(0);
  expect(atOnce).toBeGreaterThan(500);
  // Hardly one has waited for nothing.
  expect(late).toBeLessThanOrEqual(atOnce / 100);
  // And the slots are always busy: a minute serves its sixty.
  expect(done.begun.length).toBeGreaterThan((floodMs / serviceMs) * slots * 0.95);
});
