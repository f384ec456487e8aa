import type { InferenceRequest } from '../../inference/request.ts';

/** How long a process may be without a sign of progress. All of silence; none limits an answer as a whole. */
export interface ProgressDeadlines {
  /** Until an answer's first byte, before the prompt is reckoned. */
  readonly firstByteMs: number;
  /** Added for each KiB of the request, for a prompt is read before the first token comes. */
  readonly firstByteMsPerKib: number;
  /** Between two pieces of an answer that is streamed. */
  readonly silenceMs: number;
  /** For an answer that comes as a whole, where the engine does not tell how far it is. */
  readonly wholeAnswerMs: number;
}

/**
 * Generous on purpose: a machine that reads 10 prompt tokens a second (about 30 bytes) is slow, not broken. Two minutes
 * without a token is what callers themselves call dead.
 */
export const defaultProgressDeadlines: ProgressDeadlines = {
  firstByteMs: 120_000,
  firstByteMsPerKib: 34_000,
  silenceMs: 120_000,
  wholeAnswerMs: 60 * 60_000,
};

/** How long this request may wait for the first byte of a streamed answer, ms. */
export function firstByteDeadlineMs(request: Pick<InferenceRequest, 'body'>, deadlines: ProgressDeadlines): number {
  return deadlines.firstByteMs + Math.ceil(request.body.length / 1024) * deadlines.firstByteMsPerKib;
}

/** Reading a file at this rate is slow for any disk that models are kept on. */
const slowestReadBytesPerMs = 25_000;
const shortestLoadDeadlineMs = 15 * 60_000;

/** How long a model file of this size may take to load before its process is taken for hung, ms. */
export function loadDeadlineMs(fileBytes: number): number {
  return shortestLoadDeadlineMs + Math.ceil(fileBytes / slowestReadBytesPerMs);
}

/** A request under way, all times monotonic milliseconds. */
export interface RequestUnderWay {
  readonly startedMs: number;
  /**
   * prompt: no byte of the answer yet · streaming: between two pieces · whole: it comes as a whole, no byte yet ·
   * ours: the engine waits for us to read on.
   */
  readonly phase: 'prompt' | 'streaming' | 'whole' | 'ours';
  /** See {@link firstByteDeadlineMs}. */
  readonly firstByteMs: number;
}

/** All that is known of a process's progress. */
export interface ProgressFacts {
  readonly requests: readonly RequestUnderWay[];
  /** The latest sign of progress of any request, by bytes or by the engine's own account; null when none came yet. */
  readonly progressMs: number | null;
  /** Whether the engine told how far it is when last asked: then an answer that comes as a whole has no excuse. */
  readonly tells: boolean;
  /**
   * Deadlines that requests have used up and were then given up by their callers, as a sum of shares, since the last
   * sign of progress.
   */
  readonly givenUp: number;
}

export type ProgressVerdict = { readonly kind: 'moves' } | { readonly kind: 'wedged'; readonly quietMs: number };

/**
 * Callers who give up too early prove nothing alone; this many whole deadlines of theirs without one sign of progress
 * do.
 */
const mostGivenUp = 3;

/**
 * Whether the process is wedged: some request has had no sign of progress for its deadline, nor has any other one
 * since. One that moves for anybody is alive; a request of its own that starves is the wire's to break off. While a
 * prompt is read the others are patient, for an engine that reads 2,000 tokens at once says nothing meanwhile. Pure.
 */
export function progressVerdict(facts: ProgressFacts, deadlines: ProgressDeadlines, nowMs: number): ProgressVerdict {
  const waiting = facts.requests.filter((request) => request.phase !== 'ours');
  const patienceMs = Math.max(
    0,
    ...waiting.filter(({ phase }) => phase !== 'streaming').map(({ firstByteMs }) => firstByteMs),
  );
  for (const request of waiting) {
    const quietMs = quietForMs(request, facts.progressMs, nowMs);
    const limitMs = Math.max(patienceMs, ownDeadlineMs(request, facts.tells, deadlines));
    if (quietMs >= limitMs) return { kind: 'wedged', quietMs };
    if (facts.givenUp + quietMs / limitMs >= mostGivenUp) return { kind: 'wedged', quietMs };
  }
  return { kind: 'moves' };
}

/** The part of its deadline that a request used up without a sign of progress, for one that is given up. */
export function usedUp(
  request: RequestUnderWay,
  facts: Pick<ProgressFacts, 'progressMs' | 'tells'>,
  deadlines: ProgressDeadlines,
  nowMs: number,
): number {
  if (request.phase === 'ours') return 0;
  return quietForMs(request, facts.progressMs, nowMs) / ownDeadlineMs(request, facts.tells, deadlines);
}

function quietForMs(request: RequestUnderWay, progressMs: number | null, nowMs: number): number {
  return nowMs - Math.max(request.startedMs, progressMs ?? request.startedMs);
}

function ownDeadlineMs(request: RequestUnderWay, tells: boolean, deadlines: ProgressDeadlines): number {
  switch (request.phase) {
    case 'prompt':
      return request.firstByteMs;
    case 'streaming':
    case 'ours':
      return deadlines.silenceMs;
    case 'whole':
      return tells ? request.firstByteMs : Math.max(deadlines.wholeAnswerMs, request.firstByteMs);
  }
}
