import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { Allowance, Allowances, LimitedBy } from './caller.ts';
import { MinuteWindow, type Booking } from './minute-window.ts';

export interface AllowancesDeps {
  readonly clock: Clock;
  /** Hears what each request took in the end, once for each of its ids. */
  readonly settled?: (id: string, tokens: number) => void;
}

/** Above this many the idle ones are forgotten. */
const idleCheckAbove = 256;
/** Weight of the latest request in the usual length of one. */
const latestWeight = 0.3;
const longestRetryS = 600;

interface Account {
  readonly requests: MinuteWindow;
  readonly tokens: MinuteWindow;
  /** When each running request began, milliseconds. */
  readonly running: Map<symbol, number>;
  /** How long requests usually hold their place, milliseconds; null before the first one has ended. */
  usualMs: number | null;
}

interface Refusal {
  readonly sentence: string;
  readonly retryAfterS: number;
}

/**
 * What keys and personas may use: requests and tokens a minute, and requests at the same time. Tokens are booked as
 * they are guessed and put right when the request is over. A request that was refused with a time to come back counts
 * until then and no longer.
 */
export class CallerAllowances implements Allowances {
  readonly #clock: Clock;
  readonly #settled: ((id: string, tokens: number) => void) | null;
  readonly #accounts = new Map<string, Account>();

  constructor(deps: AllowancesDeps) {
    this.#clock = deps.clock;
    this.#settled = deps.settled ?? null;
  }

  /** Keys and personas that are remembered. */
  get size(): number {
    return this.#accounts.size;
  }

  take(ids: readonly LimitedBy[], tokens: number): Allowance {
    const nowMs = this.#clock.monotonic();
    this.#forgetIdle(nowMs);
    const guess = Math.max(0, Math.ceil(tokens));
    const refusals = ids.flatMap((by) => refusalsOf(by, this.#accountOf(by.id), guess, nowMs));
    const worst = refusals.sort((a, b) => b.retryAfterS - a.retryAfterS)[0];
    if (worst) {
      throw new AppError('key_limit', worst.sentence, { context: { retryAfterS: worst.retryAfterS } });
    }
    const booked = ids.map((by) => book(by, this.#accountOf(by.id), guess, nowMs));
    let over = false;
    return {
      settle: (truth, retryAfterS = null) => {
        if (over) return;
        over = true;
        const endMs = this.#clock.monotonic();
        for (const each of booked) {
          settle(each, guess, truth, endMs);
          if (retryAfterS !== null) comesBack(each, retryAfterS, endMs);
        }
        for (const { by } of booked) this.#settled?.(by.id, truth ?? guess);
      },
    };
  }

  #accountOf(id: string): Account {
    const found = this.#accounts.get(id);
    if (found) return found;
    const account = { requests: new MinuteWindow(), tokens: new MinuteWindow(), running: new Map(), usualMs: null };
    this.#accounts.set(id, account);
    return account;
  }

  #forgetIdle(nowMs: number): void {
    if (this.#accounts.size <= idleCheckAbove) return;
    for (const [id, { requests, tokens, running }] of this.#accounts) {
      if (running.size === 0 && requests.isEmpty(nowMs / 1000) && tokens.isEmpty(nowMs / 1000))
        this.#accounts.delete(id);
    }
  }
}

interface Booked {
  readonly by: LimitedBy;
  readonly account: Account;
  readonly place: symbol;
  /** Null without a limit: nothing is kept of what nobody asks for. */
  readonly request: Booking | null;
  readonly tokens: Booking | null;
}

function book(by: LimitedBy, account: Account, guess: number, nowMs: number): Booked {
  const place = Symbol(by.id);
  account.running.set(place, nowMs);
  const { requestsPerMinute, tokensPerMinute } = by.policy;
  const request = requestsPerMinute === null ? null : account.requests.book(1, requestsPerMinute, nowMs / 1000);
  const tokens = tokensPerMinute === null ? null : account.tokens.book(guess, tokensPerMinute, nowMs / 1000);
  return { by, account, place, request, tokens };
}

function settle({ by, account, place, tokens }: Booked, guess: number, truth: number | null, nowMs: number): void {
  const tookMs = nowMs - (account.running.get(place) ?? nowMs);
  account.running.delete(place);
  // What took nothing was refused further on: how quickly says nothing about answers.
  if (truth !== 0) {
    account.usualMs = account.usualMs === null ? tookMs : account.usualMs + latestWeight * (tookMs - account.usualMs);
  }
  const limit = by.policy.tokensPerMinute;
  if (tokens === null || limit === null || truth === null) return;
  if (truth < guess) account.tokens.refund(tokens, guess - Math.max(0, truth), nowMs / 1000);
  else account.tokens.book(Math.ceil(truth - guess), limit, nowMs / 1000);
}

/** When it comes back it must not find its own place taken by itself. */
function comesBack({ account, request }: Booked, retryAfterS: number, nowMs: number): void {
  if (request !== null) account.requests.shorten(request, nowMs / 1000 + retryAfterS, nowMs / 1000);
}

function refusalsOf(by: LimitedBy, account: Account, guess: number, nowMs: number): Refusal[] {
  const { requestsPerMinute, tokensPerMinute, concurrency } = by.policy;
  const nowS = nowMs / 1000;
  const refusals: Refusal[] = [];
  const refuse = (what: string, retryAfterS: number): void => {
    refusals.push({ sentence: `${subject(by.id)} may ${what}. Try again in ${retryAfterS} s.`, retryAfterS });
  };
  if (requestsPerMinute !== null) {
    const waitS = account.requests.waitS(1, requestsPerMinute, nowS);
    if (waitS > 0) refuse(`send ${counted(requestsPerMinute, 'request')} a minute`, waitS);
  }
  if (tokensPerMinute !== null) {
    const waitS = account.tokens.waitS(guess, tokensPerMinute, nowS);
    if (waitS > 0) refuse(`use ${counted(tokensPerMinute, 'token')} a minute`, waitS);
  }
  if (concurrency !== null && account.running.size >= concurrency) {
    refuse(`have ${counted(concurrency, 'request')} under way at the same time`, placeFreeS(account, nowMs));
  }
  return refusals;
}

/** Seconds until one of the running requests should be over: by how long they usually take, else as long as so far. */
function placeFreeS({ running, usualMs }: Account, nowMs: number): number {
  const agesMs = [...running.values()].map((sinceMs) => nowMs - sinceMs);
  const leftMs = agesMs.map((ageMs) => (usualMs === null || usualMs <= ageMs ? ageMs : usualMs - ageMs));
  return Math.min(longestRetryS, Math.max(1, Math.ceil(Math.min(...leftMs) / 1000)));
}

function subject(id: string): string {
  return id.startsWith('persona:') ? `The persona ${id.slice('persona:'.length)}` : 'This key';
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
