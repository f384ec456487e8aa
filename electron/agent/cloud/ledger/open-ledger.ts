import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Ledger } from '../ledger-port.ts';
import { bootId } from './boot-id.ts';
import { nextRun } from './journal-files.ts';
import { DurableLedger } from './ledger.ts';

export interface OpenLedgerOptions {
  /** The database, such as `ledger.db` in the data folder. One process at a time may have it. */
  readonly file: string;
  readonly journalDir: string;
  /** The program in `ledger-worker.ts`, as this build has it. */
  readonly workerFile: string;
  /** Name of this node. */
  readonly node: string;
  /** Read whenever old rows are put together. */
  readonly keepRowsDays: () => number;
}

/**
 * Opens the ledger and books what earlier runs left open. Never rejects: a ledger that cannot be opened is closed, says
 * why, and opens by itself when it can.
 */
export async function openLedger(
  options: OpenLedgerOptions,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Promise<Ledger> {
  const { file, journalDir, workerFile, node, keepRowsDays } = options;
  const nowMs = deps.clock.now();
  const settings = { file, journalDir, node, run: nextRun(journalDir, nowMs), boot: bootId(nowMs) };
  const ledger = new DurableLedger({ settings, workerFile, keepRowsDays }, deps);
  await ledger.start();
  return ledger;
}
