import type { UsageAnswer, UsageGroup } from '../../../contract/cloud.ts';
import type { Nanodollars, SpentQuarter } from '../ledger-port.ts';

export interface UsageQuery {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly by: UsageGroup;
  readonly timeZone: string;
}

/** Where an export has come to, in each of its kinds of lines: the time and the number of the last one told. */
export interface ExportCursor {
  readonly request: ExportPlace;
  readonly charge: ExportPlace;
  readonly hour: ExportPlace;
}

export interface ExportPlace {
  readonly atMs: number;
  readonly id: number;
}

export interface ExportPage {
  readonly text: string;
  /** Null after the last line. */
  readonly next: ExportCursor | null;
}

export interface SpentPage {
  readonly rows: readonly SpentQuarter[];
  /** The row to go on after; null after the last page. */
  readonly next: SpentQuarter | null;
}

/** What can be asked; everything that was written to the journal before is in the answer. */
export interface Questions {
  usage: { readonly ask: UsageQuery; readonly answer: UsageAnswer };
  export: {
    readonly ask: {
      readonly sinceMs: number;
      readonly untilMs: number;
      readonly format: 'csv' | 'json';
      readonly cursor: ExportCursor | null;
    };
    readonly answer: ExportPage;
  };
  /** A page, from what comes after the given row on. */
  spent: {
    readonly ask: { readonly sinceMs: number; readonly after: SpentQuarter | null };
    readonly answer: SpentPage;
  };
  remembered: { readonly ask: { readonly name: string }; readonly answer: string | null };
  hourly: { readonly ask: { readonly hours: number; readonly nowMs: number }; readonly answer: readonly Nanodollars[] };
  compact: {
    readonly ask: { readonly nowMs: number; readonly keepRowsDays: number };
    readonly answer: Compacted;
  };
}

export type QuestionName = keyof Questions;

export interface Compacted {
  /** Requests and charges that are no longer kept one by one. */
  readonly rows: number;
  /** Sums of a quarter of an hour that went into those of their hour. */
  readonly sums: number;
}

/** What a ledger's worker is started with. */
export interface WorkerSettings {
  readonly file: string;
  readonly journalDir: string;
  readonly node: string;
  readonly run: number;
  readonly boot: string;
}

export type ToWorker =
  /** There is more in the journal; it is to be in the database within that time. */
  | { readonly kind: 'wake'; readonly withinMs: number }
  /** Write a lease of that size; 0 gives it back. */
  | { readonly kind: 'lease'; readonly amount: Nanodollars }
  /** After a failure: try again. */
  | { readonly kind: 'retry' }
  | {
      readonly [Name in QuestionName]: {
        readonly kind: 'ask';
        readonly id: number;
        readonly name: Name;
        readonly ask: Questions[Name]['ask'];
      };
    }[QuestionName]
  | { readonly kind: 'close' };

export type FailureKind = 'full' | 'unwritable' | 'newer' | 'failed';

export type FromWorker =
  /** The database is there, and all that was left by earlier runs is in it. */
  | {
      readonly kind: 'opened';
      readonly forfeited: { readonly charges: number; readonly cost: Nanodollars };
      /** Where a database that could not be read was put; null where there was none. */
      readonly setAside: string | null;
    }
  | { readonly kind: 'committed'; readonly seq: number; readonly damagedLines: number }
  | { readonly kind: 'leased'; readonly amount: Nanodollars }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly cause: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly sentence: string };
