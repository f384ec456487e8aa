import type { CloudSettings } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { quotable } from '../../base/quotable.ts';
import type { Prices } from '../provider-port.ts';
import { judgeScope, judgeTarget, type Misfit } from './misfit.ts';
import { nameableOf, type KeyNames, type NamingSettings } from './nameable.ts';

export interface MisfitsOptions {
  /** Read on every use: what an operator changes holds at once. */
  readonly settings: () => NamingSettings;
  /** As they were at the start: names and servers hold until the next one. */
  readonly inForce: Omit<NamingSettings, 'cloud'>;
}

export interface MisfitsDeps {
  readonly prices: Prices;
  /** Null where they cannot be read. */
  readonly keys: () => KeyNames | null;
  readonly clock: Clock;
}

type Place = 'budgets' | 'windows';

interface Found extends Misfit {
  readonly place: Place;
  readonly name: string;
}

const mostNotices = 10;
const mostRemarks = 3;
const longestShown = 200;
const nothing: Readonly<Record<Place, { lead: string; would: string; does: string }>> = {
  budgets: { lead: 'The budget for', would: 'it would limit nothing', does: 'limits nothing' },
  windows: { lead: 'The time window for', would: 'it would hold for nothing', does: 'holds for nothing' },
};

/**
 * Budgets and time windows whose name fits nothing: a limit that is misspelt stands there as if it held, while all is
 * spent beside it. What can never fit is refused where it is set; what may come to fit, and what was set before, is told.
 */
export class Misfits {
  readonly #options: MisfitsOptions;
  readonly #deps: MisfitsDeps;
  readonly #sinceMs = new Map<string, number>();
  /** Looked for anew once the settings or the keys have changed. */
  #last: { readonly settings: NamingSettings; readonly keys: string; readonly found: readonly Found[] } | null = null;

  constructor(options: MisfitsOptions, deps: MisfitsDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Lets a change of the settings pass. What stood there before is never in its way: otherwise nothing could be changed
   * beside it.
   *
   * @throws AppError `settings_invalid` where it brings a budget or a window that can never fit, with what would
   */
  admit(next: NamingSettings, before: NamingSettings): void {
    const known = new Set(namesOf(before.cloud).map(markOf));
    const added = namesOf(next.cloud).filter((each) => !known.has(markOf(each)));
    const refused = this.#judge(added, next).find(({ kind }) => kind === 'never');
    if (refused === undefined) return;
    const { place, name, because, advice } = refused;
    const message = `cloud.${place} cannot have "${shown(name)}", for ${nothing[place].would}: ${because}. ${advice}`;
    throw new AppError('settings_invalid', message);
  }

  /** What of a setting fits nothing, for whoever has just set it; nothing where all fits. */
  remark(key: string): { readonly sentence?: string } {
    const told = this.#found().filter(({ place }) => key === `cloud.${place}`);
    return told.length === 0 ? {} : { sentence: told.slice(0, mostRemarks).map(sentenceOf).join(' ') };
  }

  notices(): Notice[] {
    const found = this.#found();
    const marks = new Set(found.map(markOf));
    for (const mark of this.#sinceMs.keys()) if (!marks.has(mark)) this.#sinceMs.delete(mark);
    return found.slice(0, mostNotices).map((each) => this.#notice(each));
  }

  #notice(found: Found): Notice {
    const mark = markOf(found);
    const sinceMs = this.#sinceMs.get(mark) ?? this.#deps.clock.now();
    this.#sinceMs.set(mark, sinceMs);
    return {
      id: `cloud-${mark}`,
      severity: found.isLikelySlip ? 'warning' : 'info',
      sentence: sentenceOf(found),
      since: new Date(sinceMs).toISOString(),
      fix: { kind: 'terminal', label: 'See all settings', line: 'ranch-hand settings' },
    };
  }

  #found(): readonly Found[] {
    const settings = this.#options.settings();
    const names = namesOf(settings.cloud);
    const asksKeys = names.some(({ name }) => name.startsWith('key:'));
    const keys = asksKeys ? JSON.stringify(this.#deps.keys()) : '';
    if (this.#last?.settings !== settings || this.#last.keys !== keys) {
      this.#last = { settings, keys, found: this.#judge(names, settings) };
    }
    return this.#last.found;
  }

  #judge(names: readonly Named[], settings: NamingSettings): Found[] {
    const { prices, keys } = this.#deps;
    const node = nameableOf([settings, this.#options.inForce], settings.cloud, { prices, keys });
    return names.flatMap(({ place, name }) => {
      const misfit = place === 'budgets' ? judgeScope(name, node) : judgeTarget(name, node);
      return misfit === null ? [] : [{ ...misfit, place, name }];
    });
  }
}

type Named = Pick<Found, 'place' | 'name'>;

/** Each once, however many budgets or windows it has. */
function namesOf({ budgets, windows }: CloudSettings): Named[] {
  const scopes = new Set(budgets.map(({ scope }) => scope));
  const targets = new Set(windows.map(({ target }) => target));
  return [
    ...[...scopes].map((name) => ({ place: 'budgets', name }) as const),
    ...[...targets].map((name) => ({ place: 'windows', name }) as const),
  ];
}

function markOf({ place, name }: Named): string {
  return `${place}-${name}`;
}

function sentenceOf({ place, name, because, advice }: Found): string {
  const { lead, does } = nothing[place];
  return `${lead} "${shown(name)}" under "cloud.${place}" ${does}: ${because}. ${advice}`;
}

function shown(name: string): string {
  return quotable(name, longestShown);
}
