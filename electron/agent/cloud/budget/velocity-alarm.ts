import type { CloudSettings } from '../../../contract/cloud.ts';
import { nanosFrom } from '../prices/cost.ts';
import type { Nanodollars } from '../ledger-port.ts';
import type { BudgetClock } from './budget-clock.ts';
import type { BudgetSums } from './budget-sums.ts';
import { money } from './budget-words.ts';
import { recentMs, usualHours, velocity, type Velocity } from './velocity.ts';

/** A pause that unusually quick spending brought. Times by the budgets' clock. */
export interface VelocityPause {
  readonly sinceMs: number;
  readonly sentence: string;
  /** The quickest rate that was seen, for an hour, in what was under way when it began too. */
  readonly rate: Nanodollars;
}

interface Accepted {
  readonly rate: Nanodollars;
  readonly untilMs: number;
}

const hourMs = 60 * 60_000;
const stepMs = 10_000;

/** Pauses offloading when spending is far quicker than usual, until the operator or the next quiet hour says otherwise. */
export class VelocityAlarm {
  readonly #settings: () => CloudSettings;
  readonly #clock: BudgetClock;
  readonly #sums: BudgetSums;
  /** By steps of time, so that it stays short however many requests are paid for. */
  #recent: { readonly atMs: number; cost: Nanodollars }[] = [];
  #pause: VelocityPause | null = null;
  #accepted: Accepted | null = null;
  /** Of full hours, so that it is reckoned anew once in an hour. */
  #hourly: { readonly endMs: number; readonly costs: readonly Nanodollars[] } | null = null;

  constructor(options: { settings: () => CloudSettings }, deps: { clock: BudgetClock; sums: BudgetSums }) {
    this.#settings = options.settings;
    this.#clock = deps.clock;
    this.#sums = deps.sums;
  }

  /** The pause that holds now; null without one. Ends one that is over. */
  get pause(): VelocityPause | null {
    if (this.#pause && this.#isOver(this.#pause)) this.#pause = null;
    return this.#pause;
  }

  /** When it ends by itself if spending has calmed down by then. */
  endsAtMs(pause: VelocityPause): number {
    const nowMs = this.#clock.now();
    return hourAfter(Math.max(pause.sinceMs, nowMs));
  }

  /** One that an earlier run left behind. */
  restore(pause: VelocityPause): void {
    this.#pause = pause;
  }

  /** Something was spent. True when this raised the alarm. */
  spent(cost: Nanodollars): boolean {
    const atMs = this.#clock.now();
    this.#add(atMs, cost);
    const { pause } = this;
    if (pause !== null) {
      this.#pause = { ...pause, rate: Math.max(pause.rate, this.#velocity().projected) };
      return false;
    }
    if (!this.#settings().velocityAlarm.enabled) return false;
    const found = this.#velocity();
    if (!found.isTooQuick) return false;
    const sentence = `${money(Math.round(found.projected / 6))} was spent in ten minutes, which is ${money(found.projected)} an hour instead of ${money(found.usual)}: nothing more goes to the cloud for now. Look into Traffic for who spends it, then resume.`;
    this.#pause = { sinceMs: atMs, sentence, rate: found.projected };
    return true;
  }

  /**
   * The operator finds the rate that raised the alarm all right, however long ago that is: it may go on at that, for an
   * hour, without another one.
   */
  resume(): void {
    const nowMs = this.#clock.now();
    const { pause } = this;
    if (pause) {
      const rate = Math.max(pause.rate, this.#velocity().projected);
      this.#accepted = { rate, untilMs: nowMs + hourMs };
    }
    this.#pause = null;
  }

  #add(nowMs: number, cost: Nanodollars): void {
    const atMs = Math.floor(nowMs / stepMs) * stepMs;
    const last = this.#recent.at(-1);
    if (last?.atMs === atMs) last.cost += cost;
    else this.#recent = [...this.#recent.filter((one) => one.atMs > nowMs - recentMs), { atMs, cost }];
  }

  #isOver({ sinceMs }: VelocityPause): boolean {
    if (!this.#settings().velocityAlarm.enabled) return true;
    return this.#clock.now() >= hourAfter(sinceMs) && !this.#velocity().isTooQuick;
  }

  #velocity(): Velocity {
    const nowMs = this.#clock.now();
    const { factor, floorUsd } = this.#settings().velocityAlarm;
    const recent = this.#recent.filter(({ atMs }) => atMs > nowMs - recentMs).reduce((sum, { cost }) => sum + cost, 0);
    return velocity({
      recent,
      hourly: this.#usualHours(nowMs),
      factor,
      floor: nanosFrom(floorUsd),
      accepted: this.#accepted !== null && nowMs < this.#accepted.untilMs ? this.#accepted.rate : null,
    });
  }

  #usualHours(nowMs: number): readonly Nanodollars[] {
    const endMs = hourAfter(nowMs);
    if (this.#hourly?.endMs !== endMs) this.#hourly = { endMs, costs: this.#sums.hourly(usualHours) };
    return this.#hourly.costs;
  }
}

function hourAfter(atMs: number): number {
  return (Math.floor(atMs / hourMs) + 1) * hourMs;
}
