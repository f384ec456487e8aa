import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { AdmissionAsk, LaneLoad } from './ask.ts';
import { displacedBy } from './displaced.ts';
import { Lane, type Running } from './lane.ts';
import { Line, type Standing, type Turn } from './next-waiter.ts';
import { predictedWait, type PredictedWait, type WaitingWork } from './predicted-wait.ts';

export interface AdmissionOptions {
  /** Requests that may wait; the next one is refused, or takes the place of one that has less right to it. */
  readonly queueLimit: number;
  /** After this long every fourth place is for those whom higher classes overtake, so that none waits for ever. */
  readonly patienceMs?: number;
}

export interface AdmissionDeps {
  /** Requests that a lane's upstream works on side by side; read whenever a place is given. At least 1 counts. */
  readonly slots: (lane: string) => number;
  readonly clock: Clock;
}

/** A place among the running requests. Release it exactly once; more often does no harm. */
export interface Ticket {
  /** The lane whose place it is. */
  readonly lane: string;
  readonly waitedMs: number;
  release(): void;
}

/**
 * Why requests were turned away: the queue was full; the wait would have been too long; it became too long; a request
 * with more right to the place came.
 */
const refusalCauses = ['queue-full', 'wait-too-long', 'waited-out', 'displaced'] as const;
export type RefusalCause = (typeof refusalCauses)[number];

interface Waiter {
  readonly ask: AdmissionAsk;
  readonly sinceMs: number;
  /** Hands over a place that is counted already, so that nobody slips in before the waiter wakes. */
  readonly admit: (ticket: Ticket) => void;
  readonly refuse: (error: AppError) => void;
}

const defaultPatienceMs = 30_000;
const longestRetryAfterS = 600;
/** How many times shorter a wait may be than was guessed before anything was measured. */
const guessedOff = 4;
/** Until then nobody is sent away for longer: soon it is known. */
const guessedRetryMs = 15_000;
/** Callers whose last turn is remembered. */
const callerLimit = 1_024;

/**
 * Lets as many requests run as the upstreams have slots; some wait, by class and fairly among their callers; the rest is
 * refused at once, with the time after which to come back. Every upstream has a lane of its own: requests that wait
 * minutes for one to load its model do not stand in the way of those for another.
 *
 * A wait is predicted by giving the places away in the mind as they will be, from the time that the running requests
 * still need and that the others will; both are corrected by how the lane's measured service times compare with the
 * expected ones.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #deps: AdmissionDeps;
  /** In the order in which they came; a Set lets one leave from anywhere. */
  readonly #waiting = new Set<Waiter>();
  readonly #lanes = new Map<string, Lane>();
  /** The number of the last place that each caller was given, the longest ago first. */
  readonly #served = new Map<string, number>();
  readonly #refusals: Record<RefusalCause, number> = {
    'queue-full': 0,
    'wait-too-long': 0,
    'waited-out': 0,
    displaced: 0,
  };
  #inFlight = 0;
  #places = 0;
  #closed = false;

  constructor(options: AdmissionOptions, deps: AdmissionDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /** Requests turned away, whatever for. */
  get refused(): number {
    return Object.values(this.#refusals).reduce((sum, count) => sum + count, 0);
  }

  /** Requests turned away since the start, by cause. */
  get refusals(): Readonly<Record<RefusalCause, number>> {
    return this.#refusals;
  }

  laneLoad(lane: string): LaneLoad {
    let queued = 0;
    for (const { ask } of this.#waiting) if (ask.lanes.includes(lane)) queued += 1;
    const known = this.#lanes.get(lane);
    const endedLately = known?.endedLately(this.#deps.clock.monotonic()) ?? 0;
    return { inFlight: known?.inFlight ?? 0, queued, slots: this.#slots(lane), endedLately };
  }

  /** Requests that run in the lanes, and those that wait for one of them. */
  loadOf(lanes: readonly string[]): Pick<LaneLoad, 'inFlight' | 'queued'> {
    let inFlight = 0;
    for (const lane of lanes) inFlight += this.#lanes.get(lane)?.inFlight ?? 0;
    let queued = 0;
    for (const { ask } of this.#waiting) if (ask.lanes.some((lane) => lanes.includes(lane))) queued += 1;
    return { inFlight, queued };
  }

  /** Milliseconds that such a request would wait for a place now, were nobody else to come; 0 when one is free. */
  predictedWaitMs(ask: Pick<AdmissionAsk, 'lanes' | 'priority' | 'caller'>): number {
    // Asked for every upstream on every request, nearly always while there is room.
    if (this.#waiting.size === 0 && ask.lanes.some((lane) => this.#isFree(lane))) return 0;
    return this.#waitOf(ask, this.#deps.clock.monotonic()).waitMs;
  }

  /** Whole seconds until all the work that goes first should have its place, and such a request one too. At least 1. */
  retryAfterS(ask: Pick<AdmissionAsk, 'lanes' | 'priority' | 'caller'>): number {
    return wholeSeconds(this.predictedWaitMs(ask));
  }

  /**
   * A place in one of the lanes, the first preferred: at once when one is free, else in its turn. Leaving by the signal
   * frees the place.
   *
   * @throws AppError `too_busy` with `retryAfterS` in its context (the queue is full, or the wait is or becomes too
   * long), `caller_gone` when aborted, `shutting_down` after close
   */
  async enter(signal: AbortSignal, ask: AdmissionAsk): Promise<Ticket> {
    if (this.#closed) throw shuttingDown();
    if (signal.aborted) throw gone();
    // Slots may have been added since; those who wait go first.
    if (this.#waiting.size > 0) this.refill();
    const free = ask.lanes.find((lane) => this.#isFree(lane));
    if (free !== undefined) return this.#ticket(free, ask, 0);
    const sinceMs = this.#deps.clock.monotonic();
    this.#judge(ask, sinceMs);
    return this.#wait(signal, ask, sinceMs);
  }

  /** A tentative request was refused in the end. */
  countRefusal(error: AppError): void {
    const cause = refusalCauses.find((each) => each === error.context['cause']);
    if (cause !== undefined) this.#refusals[cause] += 1;
  }

  /** Gives places to those who wait, as far as there are any; call when an upstream has become ready. */
  refill(): void {
    const lanes = new Set<string>();
    for (const { ask } of this.#waiting) for (const lane of ask.lanes) lanes.add(lane);
    for (const lane of lanes) this.#fill(lane);
  }

  /** Refuses those who wait and all who come. */
  close(): void {
    this.#closed = true;
    for (const waiter of [...this.#waiting]) {
      this.#waiting.delete(waiter);
      waiter.refuse(shuttingDown());
    }
  }

  /** Refuses what need not wait to be refused. */
  #judge(ask: AdmissionAsk, nowMs: number): void {
    const { waitMs, mostMs } = this.#waitOf(ask, nowMs);
    // Whoever is let in should not have to be refused after all when its time is over. But before the first answer has
    // told how quick an upstream is, all is guessed, and a guess alone turns nobody away.
    const caution = Math.min(...ask.lanes.map((lane) => this.#lane(lane).caution(nowMs)));
    if (this.#isGuessed(ask) ? waitMs > ask.mostWaitMs * guessedOff : mostMs * caution > ask.mostWaitMs) {
      this.#learn(ask, (lane) => lane.refusedAtOnce(nowMs));
      throw this.#refusal(ask, 'wait-too-long', waitMs, `a place should come free in about ${spoken(waitMs)}`);
    }
    if (this.#waiting.size < this.#options.queueLimit) return;
    const newcomer = { ask, sinceMs: nowMs };
    const displaced = displacedBy(this.#waiting, newcomer, this.#standing(nowMs));
    if (displaced === null) throw this.#refusal(ask, 'queue-full', waitMs, 'its queue is full');
    this.#waiting.delete(displaced);
    const their = this.#waitOf(displaced.ask, nowMs, [...this.#waiting, newcomer]);
    const came = 'its queue is full, and a request that goes first came';
    displaced.refuse(this.#refusal(displaced.ask, 'displaced', their.waitMs, came));
  }

  #wait(signal: AbortSignal, ask: AdmissionAsk, sinceMs: number): Promise<Ticket> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        waiter.refuse(gone());
      };
      const waitedOut = (): void => {
        this.#waiting.delete(waiter);
        this.#learn(ask, (lane, nowMs) => lane.waitedInVain(nowMs));
        const text = `no place came free within ${spoken(ask.mostWaitMs)}`;
        waiter.refuse(this.#refusal(ask, 'waited-out', this.predictedWaitMs(ask), text));
      };
      const cancel = Number.isFinite(ask.mostWaitMs) ? this.#deps.clock.after(ask.mostWaitMs, waitedOut) : null;
      const end = (): void => {
        cancel?.();
        signal.removeEventListener('abort', leave);
      };
      const waiter: Waiter = {
        ask,
        sinceMs,
        admit: (ticket) => {
          end();
          resolve(ticket);
        },
        refuse: (error) => {
          end();
          reject(error);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiter);
    });
  }

  /** Gives the lane's free places to those whose turn it is. */
  #fill(lane: string): void {
    if (this.#waiting.size === 0 || !this.#isFree(lane)) return;
    const nowMs = this.#deps.clock.monotonic();
    const line = new Line([...this.#waiting].filter(({ ask }) => ask.lanes.includes(lane)));
    while (this.#isFree(lane)) {
      const turn = line.take(lane, this.#standing(nowMs));
      if (turn === null) return;
      this.#give(lane, turn, nowMs);
    }
  }

  #give(lane: string, { waiter, kind }: Turn<Waiter>, nowMs: number): void {
    this.#waiting.delete(waiter);
    const ticket = this.#ticket(lane, waiter.ask, nowMs - waiter.sinceMs);
    this.#lane(lane).gave(kind, waiter.ask.caller, this.#places);
    waiter.admit(ticket);
  }

  /** Takes a place in the lane. */
  #ticket(name: string, { caller, serviceMs, loads = false }: AdmissionAsk, waitedMs: number): Ticket {
    const { clock } = this.#deps;
    const lane = this.#lane(name);
    const running: Running = { caller, serviceMs, loads, startedMs: clock.monotonic() };
    lane.add(running);
    this.#inFlight += 1;
    this.#serve(caller);
    let held = true;
    return {
      lane: name,
      waitedMs,
      release: () => {
        if (!held) return;
        held = false;
        this.#inFlight -= 1;
        lane.end(running, clock.monotonic());
        this.#fill(name);
      },
    };
  }

  #serve(caller: string): void {
    this.#places += 1;
    this.#served.delete(caller);
    this.#served.set(caller, this.#places);
    const [longestAgo] = this.#served.keys();
    if (this.#served.size > callerLimit && longestAgo !== undefined) this.#served.delete(longestAgo);
  }

  /** The wait of one that comes now, behind those who wait. */
  #waitOf(
    ask: Pick<AdmissionAsk, 'lanes' | 'priority' | 'caller'>,
    nowMs: number,
    waiting: Iterable<WaitingWork> = this.#waiting,
  ): PredictedWait {
    return predictedWait({ ask, sinceMs: nowMs }, waiting, this.#standing(nowMs), (name) =>
      this.#lane(name).outlook(this.#slots(name), nowMs),
    );
  }

  #standing(nowMs: number): Standing {
    return {
      nowMs,
      patienceMs: this.#options.patienceMs ?? defaultPatienceMs,
      places: this.#places,
      running: (lane, caller) => this.#lanes.get(lane)?.runningOf(caller) ?? 0,
      lastServed: (caller) => this.#served.get(caller) ?? 0,
      overtakes: (lane) => this.#lanes.get(lane)?.overtakes ?? 0,
      lastMadeGood: (lane, caller) => this.#lanes.get(lane)?.lastMadeGood(caller) ?? 0,
    };
  }

  /** Lanes are as many as there are upstreams: what is learnt of one is kept while it is away. */
  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane = new Lane();
    this.#lanes.set(name, lane);
    return lane;
  }

  #slots(lane: string): number {
    return Math.max(1, this.#deps.slots(lane));
  }

  #isFree(lane: string): boolean {
    return (this.#lanes.get(lane)?.inFlight ?? 0) < this.#slots(lane);
  }

  /**
   * What became of a wait teaches only what a caller is promised: a short one that is tried before something else is none,
   * a low priority is overtaken, and a load takes its own time.
   */
  #learn(ask: AdmissionAsk, of: (lane: Lane, nowMs: number) => void): void {
    if (ask.tentative === true || ask.priority === 'low' || ask.loads === true) return;
    const nowMs = this.#deps.clock.monotonic();
    for (const lane of new Set(ask.lanes)) of(this.#lane(lane), nowMs);
  }

  /** Whether none of the upstreams has given an answer yet that showed how long it takes. */
  #isGuessed({ lanes }: AdmissionAsk): boolean {
    return lanes.every((lane) => (this.#lanes.get(lane)?.completions ?? 0) === 0);
  }

  #refusal(ask: AdmissionAsk, cause: RefusalCause, waitMs: number, text: string): AppError {
    if (ask.tentative !== true) this.#refusals[cause] += 1;
    const retryAfterS = wholeSeconds(this.#isGuessed(ask) ? Math.min(waitMs, guessedRetryMs) : waitMs);
    const message = `This node is busy: ${text}. Try again in ${retryAfterS} s.`;
    return new AppError('too_busy', message, { context: { retryAfterS, cause } });
  }
}

function wholeSeconds(waitMs: number): number {
  return Math.min(longestRetryAfterS, Math.max(1, Math.ceil(waitMs / 1_000)));
}

function spoken(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1_000)} s`;
}

function gone(): AppError {
  return new AppError('caller_gone', 'The caller left before its turn.');
}

function shuttingDown(): AppError {
  return new AppError('shutting_down', 'This node is shutting down. Send the request to another node or try later.');
}
