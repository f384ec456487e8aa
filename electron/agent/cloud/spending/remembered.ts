import * as z from 'zod';
import type { Ledger } from '../ledger-port.ts';
import type { VelocityPause } from '../budget/velocity-alarm.ts';

/** What of spending outlives the process beside the charges. */
export interface Remembered {
  /** Latest time that budgets have seen. */
  readonly latestMs: number | null;
  readonly pause: VelocityPause | null;
  /** When an earlier ledger was lost, unless the operator has said that this is all right. */
  readonly lostMs: number | null;
  /** The same as the ledger has it. */
  readonly lostAt: string | null;
}

export const names = {
  latest: 'latestMs',
  pause: 'velocityPause',
  lost: 'lostAt',
  lostAccepted: 'lostAccepted',
} as const;

/** Earlier versions did not keep the rate. */
const pauseSchema = z.object({ sinceMs: z.number(), sentence: z.string(), rate: z.number().min(0).default(0) });

export async function recall(ledger: Pick<Ledger, 'remembered'>): Promise<Remembered> {
  const [latest, pause, lostAt, accepted] = await Promise.all([
    ledger.remembered(names.latest),
    ledger.remembered(names.pause),
    ledger.remembered(names.lost),
    ledger.remembered(names.lostAccepted),
  ]);
  return {
    latestMs: instant(latest),
    pause: pauseFrom(pause),
    lostMs: lostAt === accepted ? null : instant(lostAt),
    lostAt,
  };
}

/** Milliseconds since the epoch, as digits or as an ISO time; null for anything else. */
function instant(text: string | null): number | null {
  if (text === null || text === '') return null;
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(ms) ? ms : null;
}

function pauseFrom(text: string | null): VelocityPause | null {
  if (text === null || text === '') return null;
  try {
    return pauseSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
