import type { CloudSettings, CloudSnapshot, OffloadMode } from '../../../contract/cloud.ts';
import type { Notice } from '../../../contract/snapshot.ts';
import type { Trace } from '../../../contract/trace.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { toAppError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Reservation, ReservationAsk, Spending, SpendingAsk, SpendingVerdict } from '../../inference/spending.ts';
import type { BudgetAsk } from '../budget/budget-ask.ts';
import { BudgetBook } from '../budget/budget-book.ts';
import { BudgetClock } from '../budget/budget-clock.ts';
import { BudgetSums } from '../budget/budget-sums.ts';
import type { Refusal } from '../budget/refusal.ts';
import { VelocityAlarm } from '../budget/velocity-alarm.ts';
import type { EquivalentTable } from '../equivalents/equivalent-table.ts';
import type { ChargeReserved, Ledger, Nanodollars } from '../ledger-port.ts';
import type { OffloadSwitch } from '../offload/offload-switch.ts';
import { longPromptFactor, nanosFrom, sumOf, usdFrom } from '../prices/cost.ts';
import type { KnownPrice, Prices, WindowCheck } from '../provider-port.ts';
import { OpenCharge, type ChargeEnd } from './open-charge.ts';
import { PrepaidCredits } from './prepaid-credits.ts';
import { names, recall } from './remembered.ts';
import { spendingNotices, type Exceeded } from './spending-notices.ts';

export interface CloudSpendingOptions {
  /** Read on every use: what an operator changes holds at once. */
  readonly settings: () => CloudSettings;
  /** Name of this node, for the ledger. */
  readonly node: () => string;
}

export interface CloudSpendingDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly prices: Prices;
  readonly windows: WindowCheck;
  readonly offload: OffloadSwitch;
  readonly equivalents: Pick<EquivalentTable, 'cheapest'>;
}

type Refused = SpendingVerdict & { readonly allowed: false };

/** A request that nothing but budgets may still speak against. */
interface Plan {
  readonly price: KnownPrice;
  readonly budget: BudgetAsk;
}

/** The day's sum of what was kept local, by the start of the day. */
interface Kept {
  readonly dayMs: number;
  readonly nanos: Nanodollars;
}

const coalesceMs = 250;
const tickMs = 30_000;
const rememberMs = 60_000;
const dayMs = 86_400_000;

/**
 * Whether and how much may be spent: the switch, the ledger, the alarm, the price, the time windows and the budgets have
 * to agree. Money is set aside in memory first, where nobody can come in between, and then in the ledger.
 */
export class CloudSpending implements Spending {
  /** Something that snapshots tell has changed; a burst of changes is announced once. */
  readonly changed = new Announcer<void>();
  readonly #options: CloudSpendingOptions;
  readonly #deps: CloudSpendingDeps;
  readonly #clock: BudgetClock;
  readonly #sums: BudgetSums;
  readonly #book: BudgetBook;
  readonly #alarm: VelocityAlarm;
  readonly #prepaid: PrepaidCredits;
  /** Since when each budget has the state that it has, by scope, period and unit. */
  readonly #states = new Map<string, { readonly state: string; readonly sinceMs: number }>();
  #loaded = false;
  #loading: Promise<void> | null = null;
  #lostAt: string | null = null;
  #lostSince: string | null = null;
  #exceeded: Exceeded | null = null;
  #kept: Kept = { dayMs: 0, nanos: 0 };
  #rememberedMs = Number.NEGATIVE_INFINITY;
  #told = '';
  #announcing = false;
  #stops: (() => void)[] = [];

  constructor(options: CloudSpendingOptions, deps: CloudSpendingDeps) {
    this.#options = options;
    this.#deps = deps;
    const { settings } = options;
    this.#clock = new BudgetClock(deps.clock);
    this.#sums = new BudgetSums({ settings }, { clock: this.#clock });
    this.#book = new BudgetBook({ settings }, { clock: this.#clock, sums: this.#sums });
    this.#alarm = new VelocityAlarm({ settings }, { clock: this.#clock, sums: this.#sums });
    this.#prepaid = new PrepaidCredits({ settings }, { ledger: deps.ledger });
  }

  /** Reads what was spent; until that is known nothing is. Never rejects: it is tried again when the ledger opens. */
  async start(): Promise<void> {
    const { ledger, offload, clock } = this.#deps;
    this.#stops.push(
      ledger.changed.subscribe(() => {
        void this.#load();
        this.#announce();
      }),
      offload.changed.subscribe(() => {
        this.#announce();
      }),
      clock.every(tickMs, () => {
        this.#tick();
      }),
    );
    await this.#load();
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#remember();
  }

  offload(own: OffloadMode | null): OffloadMode {
    const node = this.#deps.offload.mode;
    return node === 'off' ? 'off' : (own ?? node);
  }

  judge(ask: SpendingAsk): SpendingVerdict {
    const plan = this.#plan(ask);
    if ('refused' in plan) return plan.refused;
    const refusal = this.#book.check(plan.budget);
    return refusal === null ? { allowed: true } : this.#noBudget(refusal);
  }

  async reserve(ask: ReservationAsk): Promise<{ readonly reservation: Reservation } | { readonly refused: Refused }> {
    const plan = this.#plan(ask);
    if ('refused' in plan) return plan;
    const id = `${ask.trace}#${ask.attempt}`;
    if (this.#book.has(id)) {
      const sentence = 'Money is set aside for this try already. Send the request again.';
      return { refused: { allowed: false, reason: 'no-budget', sentence, untilMs: null } };
    }
    const refusal = this.#book.reserve(id, plan.budget);
    if (refusal !== null) return { refused: this.#noBudget(refusal) };
    const { scope, worst, worstTokens } = plan.budget;
    const charge = { ...scope, id, trace: ask.trace, atMs: this.#clock.now(), worst, worstTokens };
    try {
      if (charge.atMs - this.#rememberedMs >= rememberMs) this.#remember();
      await this.#deps.ledger.reserve(charge);
    } catch (error) {
      this.#book.release(id);
      const { message } = toAppError(error);
      this.#deps.logger.warn({ err: error, trace: ask.trace }, 'the ledger kept no reservation');
      return { refused: this.#ledgerShut(message) };
    }
    this.#announce();
    const reservation = new OpenCharge(charge, plan.price, (end) => {
      this.#end(charge, end);
    });
    return { reservation };
  }

  /** A request is over: it goes into the ledger, with what it would have cost elsewhere if it cost nothing here. */
  record(trace: Trace): void {
    const { ledger, equivalents } = this.#deps;
    const equivalent = equivalents.cheapest(trace);
    ledger.record({ trace, node: this.#options.node(), equivalent });
    if (equivalent === null || equivalent === 0) return;
    const { startMs } = this.#sums.spent({ kind: 'day' }, 'all').period;
    const before = this.#kept.dayMs === startMs ? this.#kept.nanos : 0;
    this.#kept = { dayMs: startMs, nanos: before + equivalent };
    this.#announce();
  }

  /** Dollars of credits that are paid for already; 0 for providers without. */
  prepaidLeft(provider: string): number {
    return this.#prepaid.left(provider);
  }

  budgets(): CloudSnapshot['budgets'] {
    return this.#book.rows();
  }

  today(): NonNullable<CloudSnapshot['today']> {
    const { cost, period } = this.#sums.spent({ kind: 'day' }, 'all');
    const kept = this.#kept.dayMs === period.startMs ? this.#kept.nanos : 0;
    return {
      spentUsd: usdFrom(cost),
      reservedUsd: usdFrom(this.#book.reserved('all').cost),
      keptLocalUsd: usdFrom(kept),
      localShare: kept + cost === 0 ? null : kept / (kept + cost),
    };
  }

  /** Why nothing is sent although the switch is not off. */
  paused(): CloudSnapshot['paused'] {
    if (this.#deps.offload.mode === 'off') return null;
    const ledger = this.#ledgerFacts();
    if (ledger !== null) return { reason: 'ledger', ...ledger };
    const velocity = this.#velocityFacts();
    return velocity === null ? null : { reason: 'velocity', ...velocity };
  }

  /** Ends the pause of the alarm, and lets budgets count from here where the ledger of before was lost. */
  resume(): void {
    const { ledger } = this.#deps;
    this.#alarm.resume();
    ledger.remember(names.pause, '');
    if (this.#lostAt !== null) ledger.remember(names.lostAccepted, this.#lostAt);
    this.#book.lostMs = null;
    this.#lostSince = null;
    this.#announce();
  }

  /** What about money needs the operator. Of old prices the price table tells. */
  notices(): Notice[] {
    const isOff = this.#deps.offload.mode === 'off';
    const nowMs = this.#clock.now();
    const rows = this.budgets();
    const budgets = isOff ? [] : this.#options.settings().budgets;
    return [
      ...this.#deps.offload.notices(),
      ...spendingNotices({
        ledger: this.#ledgerFacts(),
        velocity: this.#velocityFacts(),
        lostSince: this.#book.isLost ? this.#lostSince : null,
        budgets: budgets.flatMap((budget, index) => {
          const row = rows[index];
          if (!row) return [];
          const opens = this.#sums.zone.wordsFor(Date.parse(row.resetsAt), this.#deps.clock.now());
          return [{ budget, row, since: this.#stateSince(row, nowMs), opens }];
        }),
        exceeded: this.#exceeded,
      }),
    ];
  }

  /** Everything but budgets: the price, or why not. */
  #plan(ask: SpendingAsk): Plan | { readonly refused: Refused } {
    const { prices, windows, clock } = this.#deps;
    const { upstreamId: provider, model, priority, payer } = ask;
    const stopped = this.#stopped();
    if (stopped !== null) return { refused: stopped };
    const price = prices.of(provider, model);
    if (price === null) {
      const sentence = `What ${provider}/${model} costs is not known, so it is not used. Set its price under "cloud.prices" in the settings.`;
      return { refused: { allowed: false, reason: 'no-budget', sentence, untilMs: null } };
    }
    const closed = windows.closed(provider, model);
    if (closed !== null) {
      const untilMs = Math.max(closed.opensAtMs, clock.now());
      return { refused: { allowed: false, reason: 'no-budget', sentence: closed.sentence, untilMs } };
    }
    const { caller, key, persona, dollarsPerDay, personaDollarsPerDay = null } = payer;
    const worstTokens = Math.max(0, Math.ceil(ask.worstTokens));
    const worst = nanosFrom(Math.max(0, ask.worstUsd) * longPromptFactor(price.price, worstTokens));
    const scope = { provider, model, caller, key, persona };
    return { price, budget: { scope, worst, worstTokens, priority, dollarsPerDay, personaDollarsPerDay } };
  }

  /** Why nothing at all may be spent. */
  #stopped(): Refused | null {
    if (this.#deps.offload.mode === 'off') {
      const sentence =
        'Sending requests to a cloud is switched off on this node. Switch it on in the tray, in the panel, or with "ranch-hand offload auto".';
      return { allowed: false, reason: 'offload-off', sentence, untilMs: null };
    }
    const ledger = this.#ledgerFacts();
    if (ledger !== null) return this.#ledgerShut(ledger.sentence);
    const { pause } = this.#alarm;
    if (pause === null) return null;
    const untilMs = this.#clock.toWall(this.#alarm.endsAtMs(pause));
    return { allowed: false, reason: 'no-budget', sentence: pause.sentence, untilMs };
  }

  #ledgerShut(sentence: string): Refused {
    return { allowed: false, reason: 'no-budget', sentence, untilMs: this.#deps.clock.now() + tickMs };
  }

  #noBudget({ sentence, untilMs }: Refusal): Refused {
    const until = untilMs === null ? null : this.#clock.toWall(untilMs);
    return { allowed: false, reason: 'no-budget', sentence, untilMs: until };
  }

  #end(charge: ChargeReserved, end: ChargeEnd | null): void {
    const { ledger, logger } = this.#deps;
    const { id, provider, model, worst } = charge;
    const atMs = this.#clock.now();
    this.#announce();
    if (end === null) {
      this.#book.release(id);
      ledger.release(id, atMs);
      return;
    }
    const { cost, tokens } = end;
    this.#book.settle(id, { cost, tokens: sumOf(tokens) });
    ledger.settle({ id, atMs, ...end });
    this.#prepaid.spent(provider, cost);
    if (cost > worst) {
      const at = new Date(this.#deps.clock.now()).toISOString();
      this.#exceeded = { name: `${provider}/${model}`, worst, cost, at };
      logger.warn({ trace: charge.trace, provider, model, worst, cost }, 'a provider billed more than was set aside');
    }
    if (this.#alarm.spent(cost)) {
      logger.warn({ provider, model }, 'spending is far quicker than usual: offloading is paused');
      ledger.remember(names.pause, JSON.stringify(this.#alarm.pause));
    }
  }

  #ledgerFacts(): { sentence: string; since: string } | null {
    const { state } = this.#deps.ledger;
    if (state.kind === 'closed') return { sentence: state.sentence, since: new Date(state.sinceMs).toISOString() };
    if (this.#loaded) return null;
    const sentence = 'What was spent so far is still being read from the ledger. Try again in a moment.';
    return { sentence, since: new Date(this.#deps.clock.now()).toISOString() };
  }

  #velocityFacts(): { sentence: string; since: string } | null {
    const { pause } = this.#alarm;
    if (pause === null) return null;
    return { sentence: pause.sentence, since: new Date(this.#clock.toWall(pause.sinceMs)).toISOString() };
  }

  #stateSince({ scope, period, unit, state }: CloudSnapshot['budgets'][number], nowMs: number): string {
    const id = `${scope} ${period} ${unit}`;
    const known = this.#states.get(id);
    const sinceMs = known?.state === state ? known.sinceMs : nowMs;
    this.#states.set(id, { state, sinceMs });
    return new Date(this.#clock.toWall(sinceMs)).toISOString();
  }

  #remember(): void {
    if (!this.#loaded) return;
    this.#rememberedMs = this.#clock.now();
    this.#deps.ledger.remember(names.latest, String(this.#rememberedMs));
  }

  #load(): Promise<void> {
    if (this.#loaded || this.#deps.ledger.state.kind === 'closed') return Promise.resolve();
    this.#loading ??= this.#read().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #read(): Promise<void> {
    const { ledger, logger, clock } = this.#deps;
    try {
      const { latestMs, pause, lostMs, lostAt } = await recall(ledger);
      if (latestMs !== null) this.#clock.atLeast(latestMs);
      const quarters = await ledger.spentSince(this.#sums.neededSince());
      await this.#prepaid.load();
      const { startMs } = this.#sums.spent({ kind: 'day' }, 'all').period;
      const kept = await this.#keptSince(startMs);
      this.#sums.seed(quarters);
      this.#kept = { dayMs: startMs, nanos: kept };
      if (pause !== null) this.#alarm.restore(pause);
      this.#lostAt = lostAt;
      this.#lostSince = lostMs === null ? null : new Date(lostMs).toISOString();
      this.#book.lostMs = lostMs;
      this.#loaded = true;
      this.#remember();
    } catch (error) {
      logger.error({ err: error }, 'what was spent could not be read from the ledger');
      this.#stops.push(clock.after(tickMs, () => void this.#load()));
    }
    this.#announce();
  }

  async #keptSince(sinceMs: number): Promise<Nanodollars> {
    const untilMs = sinceMs + 2 * dayMs;
    const { timeZone } = this.#sums.zone;
    const { total } = await this.#deps.ledger.usage({ sinceMs, untilMs, by: 'day', timeZone });
    return nanosFrom(total.keptLocalUsd);
  }

  /** Periods end and pauses are over without anybody's doing: those who show them are to hear of it. */
  #tick(): void {
    if (this.#exceeded && this.#deps.clock.now() - Date.parse(this.#exceeded.at) > dayMs) this.#exceeded = null;
    const { period } = this.#sums.spent({ kind: 'day' }, 'all');
    const told = JSON.stringify([
      this.paused()?.reason,
      period.startMs,
      this.budgets().map(({ state, resetsAt }) => [state, resetsAt]),
    ]);
    if (told === this.#told) return;
    this.#told = told;
    this.#announce();
  }

  #announce(): void {
    if (this.#announcing) return;
    this.#announcing = true;
    this.#deps.clock.after(coalesceMs, () => {
      this.#announcing = false;
      this.changed.announce();
    });
  }
}
