import { randomBytes } from 'node:crypto';
import { callerHeaders } from '../../../contract/routing.ts';
import type { SessionRow } from '../../../contract/trace.ts';
import type { Clock } from '../../base/clock.ts';
import type { ChatQuery } from '../dialects/query.ts';
import { CacheTrust, judgeReuse } from './cache-trust.ts';
import { chainOf, commonTurns, type PromptChain } from './prompt-chain.ts';
import type { SessionOutcome, SessionView } from './session.ts';

export interface SessionsOptions {
  /** Chats that are remembered; the one that was quiet longest makes room. */
  readonly capacity: number;
  /** Tokens for each character of a prompt whose upstream did not tell how many it had. */
  readonly tokensPerCharacter?: number;
}

export interface SessionsDeps {
  readonly clock: Clock;
  /** Left out: random ones. */
  readonly makeId?: () => string;
}

export interface SessionAsk {
  /** {@link Caller.id} and {@link Caller.keyName}: chats of different keys never meet. */
  readonly caller: { readonly id: string; readonly keyName: string | null };
  /** Of the request, lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As a local upstream would get it: persona and prompt rules applied. */
  readonly query: ChatQuery;
}

/** One request within its chat. */
export interface RecognisedSession extends SessionView {
  /** Where it was answered last; null before it was. */
  readonly last: { readonly upstream: string; readonly model: string } | null;
  /** Tokens of the cache at the chat's latest upstream that are not at this one; 0 for that upstream itself. */
  lostTokens(upstreamId: string, model: string): number;
  /** A good answer came; call once. A request that failed is left unsettled. */
  settle(outcome: SessionOutcome): void;
}

/** An upstream whose cache keeps failing chats that should be in it. */
export interface BrokenCache {
  readonly upstream: string;
  readonly model: string;
  /** Chats that read nearly all of their prompts anew, several times in a row. */
  readonly sessions: number;
  /** Of the latest of these requests. */
  readonly expectedTokens: number;
  readonly cachedTokens: number;
}

/** What an upstream read last of a chat. */
interface Place {
  readonly upstream: string;
  readonly model: string;
  readonly chain: PromptChain;
  readonly promptTokens: number | null;
  readonly completionTokens: number;
  /** When it was answered, milliseconds since the epoch. */
  readonly atMs: number;
}

interface Miss {
  readonly upstream: string;
  readonly model: string;
  readonly times: number;
  readonly expectedTokens: number;
  readonly cachedTokens: number;
}

interface Session {
  readonly id: string;
  readonly group: string;
  readonly key: string | null;
  /** Of its latest request, whether answered or not. */
  chain: PromptChain;
  /** By upstream and model, the latest last. */
  readonly places: Map<string, Place>;
  requests: number;
  lastAtMs: number;
  promptTokens: number;
  cachedTokens: number | null;
  /** Turns of all its chains, for the memory that they take. */
  turns: number;
  misses: Miss | null;
}

/** Of a place that has nothing of its chat any more. */
const noChain: PromptChain = {
  hashes: new Float64Array(0),
  characters: new Float64Array(0),
  tools: '',
  head: '',
  headTurns: 0,
  isAnswer: [],
};
/** Turns of all chats together, some 25 bytes each: chats may be long or many, and not both. */
const mostTurnsKept = 400_000;
const mostPlaces = 4;
const usualTokensPerCharacter = 0.25;
/** So often in a row a chat must miss its cache before that is told: an engine that was restarted makes one miss. */
const missesToTell = 3;
const longestHeader = 256;

/**
 * The chats that go through this node: which requests belong together, where each chat was answered last, and how much
 * of its next prompt that upstream has read already. Knows chats by their key, the id that some programs send, and
 * their turns; keeps hashes and counts, never text.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #clock: Clock;
  readonly #makeId: () => string;
  /** The quietest first. */
  readonly #sessions = new Map<string, Session>();
  readonly #groups = new Map<string, Set<Session>>();
  readonly #trust = new CacheTrust();
  #turns = 0;

  constructor(options: SessionsOptions, deps: SessionsDeps) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#makeId = deps.makeId ?? (() => randomBytes(9).toString('base64url'));
  }

  /** The chat of a request: the one that it goes on with, or a new one. Null for a chat without turns. */
  recognise(ask: SessionAsk): RecognisedSession | null {
    if (ask.query.turns.length === 0) return null;
    const chain = chainOf(ask.query);
    const group = [ask.caller.id, headerId(ask.headers), chain.head].join('\0');
    const session = this.#continued(group, chain) ?? this.#begin(group, chain, ask.caller.keyName);
    session.chain = chain;
    session.lastAtMs = this.#clock.now();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    this.#weigh(session);
    this.#forgetQuietest();

    const last = [...session.places.values()].at(-1) ?? null;
    const cachedTokens = (upstream: string, model: string): number => this.#cached(session, chain, upstream, model);
    return {
      id: session.id,
      lastUpstream: last?.upstream ?? null,
      last,
      cachedTokens,
      lostTokens: (upstream, model) => {
        if (last === null || last.upstream === upstream) return 0;
        return Math.max(0, cachedTokens(last.upstream, last.model) - cachedTokens(upstream, model));
      },
      settle: (outcome) => this.#settle(session, chain, outcome),
    };
  }

  /** A model came into memory anew: what it had read before `beforeMs`, milliseconds since the epoch, is gone. */
  forget(upstream: string, model: string, beforeMs: number): void {
    const key = placeKey(upstream, model);
    for (const { places } of this.#sessions.values()) {
      const place = places.get(key);
      if (place && place.atMs <= beforeMs) places.set(key, { ...place, chain: noChain });
    }
  }

  /** Chats that were answered at least once, the latest first. */
  rows(): SessionRow[] {
    const rows = [...this.#sessions.values()].flatMap((session): SessionRow[] => {
      const last = [...session.places.values()].at(-1);
      if (!last) return [];
      const { id, key, requests, promptTokens, cachedTokens } = session;
      const lastAt = new Date(session.lastAtMs).toISOString();
      return [{ id, key, upstream: last.upstream, model: last.model, requests, lastAt, promptTokens, cachedTokens }];
    });
    return rows.reverse();
  }

  /** The upstreams whose caches fail now; empty when all is well. */
  brokenCaches(): BrokenCache[] {
    const broken = new Map<string, BrokenCache>();
    for (const { misses } of this.#sessions.values()) {
      if (misses === null || misses.times < missesToTell) continue;
      const { upstream, model, expectedTokens, cachedTokens } = misses;
      const place = placeKey(upstream, model);
      const sessions = (broken.get(place)?.sessions ?? 0) + 1;
      broken.set(place, { upstream, model, sessions, expectedTokens, cachedTokens });
    }
    return [...broken.values()];
  }

  /**
   * A request goes on with the chat whose turns it has, save at most the last: that one is written anew when an answer is
   * asked for again. Two chats that only begin alike differ earlier and stay two, each with a slot of its own.
   */
  #continued(group: string, chain: PromptChain): Session | null {
    let best: Session | null = null;
    let bestTurns = 0;
    for (const session of this.#groups.get(group) ?? []) {
      const turns = commonTurns(session.chain, chain);
      const least = Math.max(chain.headTurns, Math.min(session.chain.hashes.length, chain.hashes.length) - 1);
      if (turns < least || turns < bestTurns) continue;
      best = session;
      bestTurns = turns;
    }
    return best;
  }

  #begin(group: string, chain: PromptChain, key: string | null): Session {
    const session: Session = {
      id: this.#makeId(),
      group,
      key,
      chain,
      places: new Map(),
      requests: 0,
      lastAtMs: 0,
      promptTokens: 0,
      cachedTokens: null,
      misses: null,
      turns: 0,
    };
    const members = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, members.add(session));
    return session;
  }

  #weigh(session: Session): void {
    // A handful at most, looked at twice for every request: a list is cheaper than a set.
    const chains = [session.chain];
    for (const { chain } of session.places.values()) if (!chains.includes(chain)) chains.push(chain);
    let turns = 0;
    for (const { hashes } of chains) turns += hashes.length;
    this.#turns += turns - session.turns;
    session.turns = turns;
  }

  #forgetQuietest(): void {
    for (const [id, session] of this.#sessions) {
      if (this.#sessions.size <= this.#options.capacity && this.#turns <= mostTurnsKept) return;
      // The one that asks now is the last of them, and never the one to go.
      if (this.#sessions.size === 1) return;
      this.#sessions.delete(id);
      this.#turns -= session.turns;
      const members = this.#groups.get(session.group);
      members?.delete(session);
      if (members?.size === 0) this.#groups.delete(session.group);
    }
  }

  /** What of the prompt the upstream should have, times how much of such it had lately. */
  #cached(session: Session, chain: PromptChain, upstream: string, model: string): number {
    const key = placeKey(upstream, model);
    const place = session.places.get(key);
    return place ? Math.floor(this.#readBefore(place, chain) * this.#trust.of(key)) : 0;
  }

  #readBefore(place: Place, chain: PromptChain): number {
    // Tools stand at the head of a prompt: with others in it nothing behind them is the same.
    if (place.chain.tools !== chain.tools) return 0;
    const turns = commonTurns(place.chain, chain);
    if (turns === 0) return 0;
    const all = place.chain.characters.at(-1) ?? 0;
    const same = chain.characters[turns - 1] ?? 0;
    const usual = this.#options.tokensPerCharacter ?? usualTokensPerCharacter;
    const perCharacter = place.promptTokens === null || all === 0 ? usual : place.promptTokens / all;
    // The answer was made on top of the prompt, and is in the cache where the chat goes on with it.
    const goesOn = turns === place.chain.hashes.length && chain.isAnswer[turns] === true;
    return same * perCharacter + (goesOn ? place.completionTokens : 0);
  }

  #settle(session: Session, chain: PromptChain, outcome: SessionOutcome): void {
    const { upstreamId: upstream, model, promptTokens, cachedTokens, completionTokens } = outcome;
    const key = placeKey(upstream, model);
    const before = session.places.get(key);
    if (before && cachedTokens !== null) this.#learn(session, before, this.#readBefore(before, chain), cachedTokens);
    session.requests += 1;
    session.promptTokens += promptTokens ?? 0;
    if (cachedTokens !== null) session.cachedTokens = (session.cachedTokens ?? 0) + cachedTokens;
    session.lastAtMs = this.#clock.now();
    session.places.delete(key);
    const atMs = session.lastAtMs;
    session.places.set(key, { upstream, model, chain, promptTokens, completionTokens: completionTokens ?? 0, atMs });
    const [oldest] = session.places.keys();
    if (session.places.size > mostPlaces && oldest !== undefined) session.places.delete(oldest);
    // One that was forgotten while it was answered takes no memory any more.
    if (this.#sessions.has(session.id)) this.#weigh(session);
  }

  #learn(session: Session, { upstream, model }: Place, expected: number, cachedTokens: number): void {
    const expectedTokens = Math.floor(expected);
    this.#trust.observe(placeKey(upstream, model), expectedTokens, cachedTokens);
    switch (judgeReuse(expectedTokens, cachedTokens)) {
      case 'reused':
        session.misses = null;
        break;
      case 'missed':
        session.misses = { upstream, model, times: (session.misses?.times ?? 0) + 1, expectedTokens, cachedTokens };
        break;
      case 'unclear':
        break;
    }
  }
}

function placeKey(upstream: string, model: string): string {
  return `${upstream}\0${model}`;
}

/** The id that the program gives its chat; empty where it gives none. */
function headerId(headers: SessionAsk['headers']): string {
  for (const name of callerHeaders.sessions) {
    const value = headers[name];
    const text = typeof value === 'string' ? value : value?.[0];
    if (text !== undefined && text !== '') return `${name}:${text.slice(0, longestHeader)}`;
  }
  return '';
}
