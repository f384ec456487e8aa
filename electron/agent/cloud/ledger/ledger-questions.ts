import type { UsageAnswer } from '../../../contract/cloud.ts';
import { AppError } from '../../base/errors.ts';
import { quotable } from '../../base/quotable.ts';
import type { Ledger, Nanodollars, SpentQuarter } from '../ledger-port.ts';
import type { ExportCursor, QuestionName, Questions, UsageQuery } from './messages.ts';

export type Ask = <Name extends QuestionName>(
  name: Name,
  ask: Questions[Name]['ask'],
) => Promise<Questions[Name]['answer']>;

/** What can be asked of the ledger, in pages where an answer may be long. */
export class LedgerQuestions implements Pick<Ledger, 'remembered' | 'spentSince' | 'hourly' | 'usage' | 'export'> {
  readonly #ask: Ask;

  constructor(deps: { readonly ask: Ask }) {
    this.#ask = deps.ask;
  }

  remembered(name: string): Promise<string | null> {
    return this.#ask('remembered', { name });
  }

  async spentSince(sinceMs: number): Promise<readonly SpentQuarter[]> {
    const all: SpentQuarter[] = [];
    let after: SpentQuarter | null = null;
    do {
      const page: Questions['spent']['answer'] = await this.#ask('spent', { sinceMs, after });
      all.push(...page.rows);
      after = page.next;
    } while (after !== null);
    return all;
  }

  hourly(hours: number, nowMs: number): Promise<readonly Nanodollars[]> {
    return this.#ask('hourly', { hours, nowMs });
  }

  async usage(query: UsageQuery): Promise<UsageAnswer> {
    checkTimeZone(query.timeZone);
    return this.#ask('usage', query);
  }

  async *export(query: { sinceMs: number; untilMs: number; format: 'csv' | 'json' }): AsyncGenerator<string> {
    let cursor: ExportCursor | null = null;
    do {
      const page: Questions['export']['answer'] = await this.#ask('export', { ...query, cursor });
      if (page.text !== '') yield page.text;
      cursor = page.next;
    } while (cursor !== null);
  }
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    const name = quotable(timeZone, 60);
    throw new AppError('invalid_request', `There is no time zone "${name}". Name one such as Europe/Berlin.`);
  }
}
