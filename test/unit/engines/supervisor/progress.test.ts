import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultProgressDeadlines as deadlines,
  firstByteDeadlineMs,
  loadDeadlineMs,
  progressVerdict,
  usedUp,
  type ProgressFacts,
  type RequestUnderWay,
} from '../../../../electron/agent/engines/supervisor/progress.ts';

const request = (phase: RequestUnderWay['phase'], startedMs = 0, firstByteMs = 154_000): RequestUnderWay => ({
  phase,
  startedMs,
  firstByteMs,
});
const facts = (requests: RequestUnderWay[], rest: Partial<ProgressFacts> = {}): ProgressFacts => ({
  requests,
  progressMs: null,
  tells: false,
  givenUp: 0,
  ...rest,
});
const verdict = (given: ProgressFacts, nowMs: number) => progressVerdict(given, deadlines, nowMs);

describe('deadlines', () => {
  it('the first byte may take the longer the longer the prompt is', () => {
    const of = (bytes: number) => firstByteDeadlineMs({ body: Buffer.alloc(bytes) }, deadlines);
    expect(of(200)).toBe(154_000);
    // 32,000 tokens or so on a machine that reads 30 bytes a second.
    expect(of(96 * 1024)).toBe(120_000 + 96 * 34_000);
  });

  it('F13 a load may take a quarter of an hour, and longer for a large file', () => {
    expect(loadDeadlineMs(0)).toBe(15 * 60_000);
    expect(loadDeadlineMs(60e9)).toBe(15 * 60_000 + 2_400_000);
  });
});

describe('progressVerdict', () => {
  it('F3 an answer that stopped is wedged after the silence it may have, not before', () => {
    const given = facts([request('streaming')], { progressMs: 50_000 });
    expect(verdict(given, 50_000 + deadlines.silenceMs - 1)).toEqual({ kind: 'moves' });
    expect(verdict(given, 50_000 + deadlines.silenceMs)).toEqual({ kind: 'wedged', quietMs: deadlines.silenceMs });
  });

  it('F4 a prompt is read for its whole deadline, and others are patient meanwhile', () => {
    expect(verdict(facts([request('prompt')]), 153_999).kind).toBe('moves');
    expect(verdict(facts([request('prompt')]), 154_000).kind).toBe('wedged');
    const long = request('prompt', 0, 2_000_000);
    expect(verdict(facts([request('streaming'), long]), 1_999_999).kind).toBe('moves');
    expect(verdict(facts([request('streaming'), long]), 2_000_000).kind).toBe('wedged');
  });

  it('one request that moves speaks for the process', () => {
    expect(verdict(facts([request('prompt'), request('streaming')], { progressMs: 150_000 }), 200_000).kind).toBe(
      'moves',
    );
  });

  it('F14 an answer that comes as a whole has an hour where the engine does not tell how far it is', () => {
    expect(verdict(facts([request('whole')]), 12 * 60_000).kind).toBe('moves');
    expect(verdict(facts([request('whole')]), deadlines.wholeAnswerMs).kind).toBe('wedged');
    expect(verdict(facts([request('whole')], { tells: true }), 154_000).kind).toBe('wedged');
    expect(verdict(facts([request('whole')], { tells: true, progressMs: 12 * 60_000 }), 13 * 60_000).kind).toBe(
      'moves',
    );
  });

  it('an engine that waits for us is not at fault', () => {
    expect(verdict(facts([request('ours')]), 1e9)).toEqual({ kind: 'moves' });
    expect(usedUp(request('ours'), { progressMs: null, tells: false }, deadlines, 1e9)).toBe(0);
  });

  it('callers who give up early prove it together, three deadlines long', () => {
    const share = usedUp(request('prompt'), { progressMs: null, tells: false }, deadlines, 77_000);
    expect(share).toBe(0.5);
    expect(verdict(facts([request('prompt', 1_000_000)], { givenUp: 5 * share }), 1_076_000).kind).toBe('moves');
    expect(verdict(facts([request('prompt', 1_000_000)], { givenUp: 5 * share }), 1_077_000).kind).toBe('wedged');
  });

  it('never condemns what has just moved or just begun', () => {
    const phase = fc.constantFrom<RequestUnderWay['phase']>('prompt', 'streaming', 'whole', 'ours');
    const requests = fc.array(
      fc.record({ phase, startedMs: fc.nat(1e7), firstByteMs: fc.integer({ min: 120_000, max: 1e7 }) }),
    );
    fc.assert(
      fc.property(requests, fc.boolean(), (given, tells) => {
        const latestMs = Math.max(0, ...given.map(({ startedMs }) => startedMs));
        const now = latestMs + 119_999;
        expect(verdict(facts(given, { progressMs: latestMs, tells }), now).kind).toBe('moves');
      }),
    );
  });
});
