import type { CloudSettings, WindowSettings } from '../../../contract/cloud.ts';
import type { Clock } from '../../base/clock.ts';
import { quotable } from '../../base/quotable.ts';
import { ZonedTime, zoneNamed } from '../budget/zoned-time.ts';
import type { WindowCheck } from '../provider-port.ts';
import { windowsOf, windowState, type Restrictions, type WindowState } from './window.ts';

export interface TimeWindowsOptions {
  /** Read on every use: what an operator changes holds at once. */
  readonly settings: () => CloudSettings;
}

export interface TimeWindowsDeps {
  readonly clock: Clock;
}

interface Known {
  /** Between these instants nothing changes. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly restrictions: Restrictions;
  readonly state: WindowState;
}

const eightDaysMs = 8 * 86_400_000;

/** When providers and models may be used, by the time windows of the settings. */
export class TimeWindows implements WindowCheck {
  readonly #options: TimeWindowsOptions;
  readonly #clock: Clock;
  /** Read on every request, so what was found holds until a window or the settings change. */
  readonly #known = new Map<string, Known>();
  #for: { readonly windows: readonly WindowSettings[]; readonly timeZone: string | null; readonly zone: ZonedTime };

  constructor(options: TimeWindowsOptions, deps: TimeWindowsDeps) {
    this.#options = options;
    this.#clock = deps.clock;
    const { windows, timeZone } = options.settings();
    this.#for = { windows, timeZone, zone: new ZonedTime(zoneNamed(timeZone)) };
  }

  closed(provider: string, model: string): { readonly sentence: string; readonly opensAtMs: number } | null {
    const { state, restrictions } = this.#look(provider, model);
    if (state.isOpen) return null;
    const nowMs = this.#clock.now();
    const named = restrictions.flat().some(({ target }) => target !== provider);
    const what = named ? `${provider}/${model}` : `the provider ${provider}`;
    const opensAtMs = state.changesAtMs ?? nowMs + eightDaysMs;
    const opens =
      state.changesAtMs === null
        ? 'They do not open within a week: look at them under "cloud.windows".'
        : `It opens ${this.#for.zone.wordsFor(opensAtMs, nowMs)}.`;
    return { sentence: `Time windows keep ${quotable(what, 120)} closed now. ${opens}`, opensAtMs };
  }

  /** How a provider (`model`: null) or a model stands now, and when that changes; for snapshots. */
  state(provider: string, model: string | null): WindowState {
    return this.#look(provider, model).state;
  }

  /** The next instant at which any window opens or closes; null while there is none to do so. */
  nextChangeMs(): number | null {
    const changes = this.#options
      .settings()
      .windows.map(({ target }) => {
        const slash = target.indexOf('/');
        return slash === -1 ? this.state(target, null) : this.state(target.slice(0, slash), target.slice(slash + 1));
      })
      .flatMap(({ changesAtMs }) => (changesAtMs === null ? [] : [changesAtMs]));
    return changes.length === 0 ? null : Math.min(...changes);
  }

  #look(provider: string, model: string | null): Known {
    const { windows, timeZone } = this.#options.settings();
    if (this.#for.windows !== windows || this.#for.timeZone !== timeZone) {
      this.#known.clear();
      this.#for = { windows, timeZone, zone: new ZonedTime(zoneNamed(timeZone)) };
    }
    const nowMs = this.#clock.now();
    const target = model === null ? provider : `${provider}/${model}`;
    const known = this.#known.get(target);
    if (known && nowMs >= known.fromMs && nowMs < known.toMs) return known;
    const restrictions = windowsOf(windows, provider, model);
    const state = windowState(restrictions, nowMs, this.#for.zone);
    const found = { fromMs: nowMs, toMs: state.changesAtMs ?? nowMs + eightDaysMs / 8, restrictions, state };
    // Names come from callers too: what is kept of them stays bounded.
    if (this.#known.size >= 1_000) this.#known.clear();
    this.#known.set(target, found);
    return found;
  }
}
