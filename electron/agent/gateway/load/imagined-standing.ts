import { overtakesAfter, type Standing, type TurnKind } from './next-waiter.ts';

interface ImaginedLane {
  readonly name: string;
  readonly running: Map<string, number>;
  readonly madeGood: Map<string, number>;
  overtakes: number;
}

/** What the standing becomes while places are given in the mind only; the real one stays as it is. */
export class ImaginedStanding implements Standing {
  nowMs: number;
  readonly #real: Standing;
  readonly #lanes = new Map<string, ImaginedLane>();
  readonly #served = new Map<string, number>();
  #places: number;
  /** Most predictions are about one lane only. */
  #last: ImaginedLane | null = null;

  constructor(real: Standing) {
    this.#real = real;
    this.nowMs = real.nowMs;
    this.#places = real.places;
  }

  get patienceMs(): number {
    return this.#real.patienceMs;
  }

  get places(): number {
    return this.#places;
  }

  running(lane: string, caller: string): number {
    const figures = this.#lane(lane).running;
    return figures.get(caller) ?? noted(figures, caller, this.#real.running(lane, caller));
  }

  lastServed(caller: string): number {
    return this.#served.get(caller) ?? noted(this.#served, caller, this.#real.lastServed(caller));
  }

  overtakes(lane: string): number {
    return this.#lane(lane).overtakes;
  }

  lastMadeGood(lane: string, caller: string): number {
    const figures = this.#lane(lane).madeGood;
    return figures.get(caller) ?? noted(figures, caller, this.#real.lastMadeGood(lane, caller));
  }

  /** A request of the caller gives its place in the lane back. */
  end(lane: string, caller: string): void {
    this.#lane(lane).running.set(caller, this.running(lane, caller) - 1);
  }

  /** The caller gets a place in the lane. */
  give(lane: string, caller: string, kind: TurnKind): void {
    this.#places += 1;
    this.#served.set(caller, this.#places);
    const there = this.#lane(lane);
    there.running.set(caller, this.running(lane, caller) + 1);
    there.overtakes = overtakesAfter(kind, there.overtakes);
    if (kind === 'made-good') there.madeGood.set(caller, this.#places);
  }

  #lane(name: string): ImaginedLane {
    if (this.#last?.name === name) return this.#last;
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = { name, running: new Map(), madeGood: new Map(), overtakes: this.#real.overtakes(name) };
      this.#lanes.set(name, lane);
    }
    this.#last = lane;
    return lane;
  }
}

/** Asked for the same callers with every place, so what is real is asked for once. */
function noted(figures: Map<string, number>, caller: string, figure: number): number {
  figures.set(caller, figure);
  return figure;
}
