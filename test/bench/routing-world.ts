/**
 * A ranch in simulated time: nodes with a few slots each, engines that read prompts and decode at fixed rates and keep
 * the prefixes of the latest chats, and chats that go on, turn after turn, with a prompt that grows. Everything that is
 * random comes from a seed, so two arms see the same chats at the same times.
 */

export interface WorldOptions {
  readonly nodes: number;
  /** Work that the chats bring, as a share of what all nodes together can do with their caches warm. */
  readonly load: number;
  /** Simulated time in which chats begin, milliseconds. */
  readonly horizonMs: number;
  readonly seed: number;
}

export interface Ask {
  readonly chat: Chat;
  readonly turn: number;
  readonly arrivedMs: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
}

export interface Turn {
  /** Tokens that come on top of what the chat has so far. */
  readonly newTokens: number;
  readonly answerTokens: number;
  /** From the end of the answer to the next question. */
  readonly thinkMs: number;
}

export interface Chat {
  readonly id: number;
  /** The node that its program calls. */
  readonly home: number;
  readonly beginsMs: number;
  readonly turns: readonly Turn[];
  /** The node that answered last. */
  last: number | null;
}

/** What a node's engine does; the same for all, so that the arms differ in nothing but where requests go. */
export const engine = {
  slots: 2,
  prefillTokensPerMs: 0.3,
  decodeTokensPerMs: 0.015,
  /** Chats whose prefixes are kept, in slots and in host memory. */
  cachedChats: 24,
  /** What a node expects an answer to be like, having seen some. */
  typicalAnswer: 90,
} as const;

export const goalMs = 2_000;
/** Peers know each other's state as of this long ago at most. */
export const gossipMs = 1_000;
/** From one node to another and back. */
export const hopMs = 5;

/** Mulberry32: small, and the same everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Chats of people (short prompts) and of agents (long ones), unevenly over the nodes: some owners are busy, some away. */
export function chatsOf({ nodes, load, horizonMs, seed }: WorldOptions): Chat[] {
  const random = randomOf(seed);
  const between = (least: number, most: number): number => least + random() * (most - least);
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean;
  const weights = Array.from({ length: nodes }, () => exponential(1));
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const pickHome = (): number => {
    let left = random() * weightSum;
    return Math.max(
      0,
      weights.findIndex((weight) => (left -= weight) < 0),
    );
  };
  const chats: Chat[] = [];
  let workMs = 0;
  while (workMs < load * nodes * engine.slots * horizonMs) {
    const isAgent = random() < 0.3;
    const count = 3 + Math.floor(exponential(6));
    const turns = Array.from({ length: count }, (_, turn): Turn => {
      const first = isAgent ? between(1_500, 5_000) : between(50, 500);
      return {
        newTokens: Math.round(turn === 0 ? first : between(20, isAgent ? 400 : 150)),
        answerTokens: Math.round(between(20, 160)),
        thinkMs: isAgent ? between(500, 3_000) : between(5_000, 30_000),
      };
    });
    for (const { newTokens, answerTokens } of turns) workMs += readMs(newTokens) + decodeMs(answerTokens);
    chats.push({ id: chats.length, home: pickHome(), beginsMs: random() * horizonMs, turns, last: null });
  }
  return chats;
}

export function readMs(tokens: number): number {
  return tokens / engine.prefillTokensPerMs;
}

export function decodeMs(tokens: number): number {
  return tokens / engine.decodeTokensPerMs;
}

/** One node: slots, a queue in order of arrival, and a cache of prefixes. */
export class Node {
  readonly id: number;
  readonly #slots: { endsMs: number }[] = [];
  readonly #queue: { ask: Ask; enteredMs: number }[] = [];
  /** Chat → tokens of its prefix, the latest used last. */
  readonly #cache = new Map<number, number>();
  #queueIntegral = 0;
  #lastMs = 0;

  constructor(id: number) {
    this.id = id;
  }

  cachedTokens(chat: Chat): number {
    return this.#cache.get(chat.id) ?? 0;
  }

  /** Requests here, running and waiting. */
  get present(): number {
    return this.#slots.length + this.#queue.length;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Time until a slot is free for one more request, as the node itself expects it. */
  expectedWaitMs(nowMs: number): number {
    const free = this.#slots.map(({ endsMs }) => Math.max(0, endsMs - nowMs));
    while (free.length < engine.slots) free.push(0);
    for (const { ask } of this.#queue) {
      free.sort((a, b) => a - b);
      free[0] = (free[0] ?? 0) + this.#expectedServiceMs(ask);
    }
    return Math.min(...free);
  }

  #expectedServiceMs(ask: Ask): number {
    return readMs(Math.max(0, ask.promptTokens - this.cachedTokens(ask.chat))) + decodeMs(engine.typicalAnswer);
  }

  enter(ask: Ask, nowMs: number): void {
    this.#count(nowMs);
    this.#queue.push({ ask, enteredMs: nowMs });
  }

  /** Starts what there are slots for. Tells each with the times of its first token and of its end. */
  start(nowMs: number, began: (ask: Ask, firstMs: number, endMs: number) => void): void {
    this.#count(nowMs);
    while (this.#slots.length < engine.slots) {
      const next = this.#queue.shift();
      if (!next) return;
      const { ask } = next;
      const firstMs = nowMs + readMs(Math.max(0, ask.promptTokens - this.cachedTokens(ask.chat)));
      const endMs = firstMs + decodeMs(ask.answerTokens);
      this.#slots.push({ endsMs: endMs });
      began(ask, firstMs, endMs);
    }
  }

  end(ask: Ask, nowMs: number): void {
    this.#count(nowMs);
    const index = this.#slots.findIndex(({ endsMs }) => endsMs <= nowMs);
    this.#slots.splice(index, 1);
    this.#cache.delete(ask.chat.id);
    this.#cache.set(ask.chat.id, ask.promptTokens + ask.answerTokens);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > engine.cachedChats && oldest !== undefined) this.#cache.delete(oldest);
  }

  /** Requests here at a time, on average since the beginning. */
  meanPresent(nowMs: number): number {
    this.#count(nowMs);
    return this.#queueIntegral / nowMs;
  }

  #count(nowMs: number): void {
    this.#queueIntegral += this.present * (nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }
}

/** What nodes know of each other: their figures as of the last round of gossip. */
export interface Known {
  readonly waitMs: number;
  readonly present: number;
}

/** Chooses the node for a request; `delayMs` is what asking took. */
export interface Policy {
  readonly name: string;
  choose(ask: Ask, nodes: readonly Node[], known: readonly Known[], nowMs: number): { node: number; delayMs: number };
}

export interface Outcome {
  readonly requests: number;
  /** Share of all requests whose first token came within the goal. */
  readonly inTime: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The fullest node's mean number of requests over that of all nodes. */
  readonly herd: number;
  /** Share of the requests that were answered elsewhere than where their chat was before. */
  readonly moved: number;
}

interface Event {
  readonly atMs: number;
  /** Order of those at the same time. */
  readonly order: number;
  readonly run: () => void;
}

export function simulate(options: WorldOptions, policy: Policy): Outcome {
  const chats = chatsOf(options);
  const nodes = Array.from({ length: options.nodes }, (_, id) => new Node(id));
  const events = new EventQueue();
  const times: number[] = [];
  let moved = 0;
  let known: Known[] = [];
  let left = chats.length;
  let nowMs = 0;

  const begin = (node: Node): void =>
    node.start(nowMs, (ask, firstMs, endMs) => {
      times.push(firstMs - ask.arrivedMs);
      events.add(endMs, () => {
        node.end(ask, nowMs);
        goOn(ask);
        begin(node);
      });
    });
  const goOn = ({ chat, turn, promptTokens, answerTokens }: Ask): void => {
    const done = chat.turns[turn];
    if (turn + 1 < chat.turns.length && done) {
      events.add(nowMs + done.thinkMs, () => arrive(chat, turn + 1, promptTokens + answerTokens));
    } else left -= 1;
  };
  const arrive = (chat: Chat, turn: number, before: number): void => {
    const next = chat.turns[turn];
    if (!next) return;
    const promptTokens = before + next.newTokens;
    const ask = { chat, turn, arrivedMs: nowMs, promptTokens, answerTokens: next.answerTokens };
    const { node: chosen, delayMs } = policy.choose(ask, nodes, known, nowMs);
    if (chat.last !== null && chat.last !== chosen) moved += 1;
    chat.last = chosen;
    const node = nodes[chosen];
    if (!node) throw new Error('the policy chose a node that is not there');
    events.add(nowMs + delayMs, () => {
      node.enter(ask, nowMs);
      begin(node);
    });
  };
  const gossip = (): void => {
    known = nodes.map((node) => ({ waitMs: node.expectedWaitMs(nowMs), present: node.present }));
    if (left > 0) events.add(nowMs + gossipMs, gossip);
  };

  gossip();
  for (const chat of chats) events.add(chat.beginsMs, () => arrive(chat, 0, 0));
  // The queues are compared while chats come in: what is left over at the end drains at every policy's own pace.
  let herd = 1;
  events.add(options.horizonMs, () => {
    const means = nodes.map((node) => node.meanPresent(nowMs));
    herd = Math.max(...means) / (means.reduce((sum, mean) => sum + mean, 0) / means.length);
  });
  for (let event = events.next(); event; event = events.next()) {
    nowMs = event.atMs;
    event.run();
  }

  times.sort((a, b) => a - b);
  const requests = times.length;
  const at = (share: number): number => times[Math.min(requests - 1, Math.floor(requests * share))] ?? 0;
  const inTime = times.filter((time) => time <= goalMs).length / requests;
  return { requests, inTime, p50Ms: at(0.5), p99Ms: at(0.99), herd, moved: moved / requests };
}

/** A binary heap. */
class EventQueue {
  readonly #heap: Event[] = [];
  #order = 0;

  add(atMs: number, run: () => void): void {
    const heap = this.#heap;
    let index = heap.push({ atMs, order: (this.#order += 1), run }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  next(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === index) return first;
      this.#swap(index, least);
      index = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (!left || !right) return false;
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (!left || !right) return;
    this.#heap[a] = right;
    this.#heap[b] = left;
  }
}
