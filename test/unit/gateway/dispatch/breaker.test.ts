import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { AppError, type ErrorCode, type ErrorContext } from '../../../../electron/agent/base/errors.ts';
import { breakerEventFor, CircuitBreakers } from '../../../../electron/agent/gateway/dispatch/breaker.ts';
import type { UpstreamRoute } from '../../../../electron/agent/inference/upstream.ts';

const failed = { kind: 'failed', weight: 1 } as const;

function site() {
  const clock = new ManualClock();
  const breakers = new CircuitBreakers({ clock });
  const fail = (times: number): void => {
    for (let time = 0; time < times; time += 1) {
      breakers.enter('a');
      breakers.report('a', failed);
    }
  };
  return { clock, breakers, fail, state: () => breakers.stateOf('a') };
}

describe('CircuitBreakers', () => {
  it('F30 five failures in a row open it, however fast they come; a success between them counts anew', () => {
    const { breakers, fail, state } = site();
    fail(4);
    expect(state()).toBe('closed');
    breakers.report('a', { kind: 'answered' });
    fail(4);
    expect(state()).toBe('closed');
    fail(1);
    expect(state()).toBe('open');
    expect(breakers.enter('a')).toBe(false);
    expect(breakers.stateOf('b')).toBe('closed');
  });

  it('F30 a silent upstream opens it after three', () => {
    const { breakers, state } = site();
    for (let time = 0; time < 2; time += 1) breakers.report('a', { kind: 'failed', weight: 2 });
    expect(state()).toBe('closed');
    breakers.report('a', { kind: 'failed', weight: 2 });
    expect(state()).toBe('open');
  });

  it('after its pause lets one request through, and closes when that is answered', () => {
    const { clock, breakers, fail, state } = site();
    fail(5);
    clock.advance(4_999);
    expect(state()).toBe('open');
    clock.advance(1);
    expect(state()).toBe('half-open');
    expect(breakers.enter('a')).toBe(true);
    expect(state()).toBe('open');
    expect(breakers.enter('a')).toBe(false);
    breakers.report('a', { kind: 'answered' });
    expect(state()).toBe('closed');
    expect(breakers.list()).toEqual([]);
  });

  it('pauses twice as long each time that the one request fails, up to a minute', () => {
    const { clock, breakers, fail, state } = site();
    fail(5);
    for (const seconds of [5, 10, 20, 40, 60, 60]) {
      clock.advance(seconds * 1_000 - 1);
      expect(state()).toBe('open');
      clock.advance(1);
      expect(state()).toBe('half-open');
      breakers.enter('a');
      breakers.report('a', failed);
    }
  });

  it('lets the next one through when the first had to be given up', () => {
    const { clock, breakers, fail, state } = site();
    fail(5);
    clock.advance(5_000);
    breakers.enter('a');
    breakers.report('a', { kind: 'given-up' });
    expect(state()).toBe('half-open');
  });

  it('is told nothing new by requests that were under way when it opened', () => {
    const { clock, breakers, fail, state } = site();
    fail(5);
    breakers.report('a', failed);
    breakers.report('a', { kind: 'answered' });
    expect(state()).toBe('open');
    clock.advance(5_000);
    expect(state()).toBe('half-open');
  });

  it('F30 leaves an upstream alone that is busy until the time it told, and takes it for well then: all go there', () => {
    const { clock, breakers, state } = site();
    breakers.report('a', { kind: 'busy', forMs: 30_000 });
    expect(breakers.list()).toEqual([
      { upstream: 'a', state: 'open', cause: 'busy', nextTryAt: new Date(clock.now() + 30_000).toISOString() },
    ]);
    clock.advance(29_999);
    expect(state()).toBe('open');
    clock.advance(1);
    expect(state()).toBe('closed');
    expect(breakers.list()).toEqual([]);
    expect([breakers.enter('a'), breakers.enter('a')]).toEqual([true, true]);
    expect(state()).toBe('closed');
    for (let time = 0; time < 4; time += 1) breakers.report('a', failed);
    expect(state()).toBe('closed');
    breakers.report('a', failed);
    expect(breakers.list()).toMatchObject([{ cause: 'failing' }]);
  });

  it('F30 a late answer to an older request shortens no pause, and covers up no worse cause', () => {
    const { clock, breakers, fail, state } = site();
    breakers.report('a', { kind: 'busy', forMs: 30_000 });
    breakers.report('a', { kind: 'busy', forMs: 1_000 });
    clock.advance(29_999);
    expect(state()).toBe('open');
    breakers.report('a', { kind: 'unauthorised' });
    breakers.report('a', { kind: 'busy', forMs: 1_000 });
    clock.advance(600_000);
    expect(breakers.list()).toMatchObject([{ cause: 'unauthorised', nextTryAt: null }]);
    breakers.reset();
    fail(5);
    breakers.report('a', { kind: 'busy', forMs: 1_000 });
    clock.advance(1_000);
    expect(breakers.list()).toMatchObject([{ cause: 'failing', state: 'open' }]);
  });

  it('F30 one that fails while it is on trial and is only busy then takes all again, but pauses longer the next time', () => {
    const { clock, breakers, fail, state } = site();
    fail(5);
    clock.advance(5_000);
    breakers.enter('a');
    breakers.report('a', { kind: 'busy', forMs: 2_000 });
    clock.advance(2_000);
    expect(state()).toBe('closed');
    fail(5);
    clock.advance(9_999);
    expect(state()).toBe('open');
    clock.advance(1);
    expect(state()).toBe('half-open');
  });

  it('F30 tells why one is left out, for how long and until when', () => {
    const { clock, breakers, fail } = site();
    expect(breakers.standingOf('a')).toEqual({ kind: 'closed' });
    fail(5);
    clock.advance(1_000);
    const nextTryAt = new Date(clock.now() + 4_000).toISOString();
    expect(breakers.standingOf('a')).toEqual({
      kind: 'open',
      leftOut: { cause: 'failing', forMs: 4_000, nextTryAt },
    });
    clock.advance(4_000);
    const now = { cause: 'failing', forMs: 0, nextTryAt };
    expect(breakers.standingOf('a')).toEqual({ kind: 'half-open', leftOut: now });
    breakers.enter('a');
    expect(breakers.standingOf('a')).toEqual({ kind: 'open', leftOut: now });
    breakers.report('b', { kind: 'unauthorised' });
    expect(breakers.standingOf('b')).toEqual({
      kind: 'open',
      leftOut: { cause: 'unauthorised', forMs: null, nextTryAt: null },
    });
  });

  it('does not believe in a pause of years', () => {
    const { clock, breakers, state } = site();
    breakers.report('a', { kind: 'busy', forMs: 1e12 });
    clock.advance(599_999);
    expect(state()).toBe('open');
    clock.advance(1);
    expect(state()).toBe('closed');
  });

  it('F30 an account without money is tried with one request, which closes it or leaves it alone anew', () => {
    const { clock, breakers, state } = site();
    breakers.report('a', { kind: 'out-of-money', forMs: 60_000 });
    clock.advance(60_000);
    expect(state()).toBe('half-open');
    breakers.enter('a');
    expect(breakers.enter('a')).toBe(false);
    breakers.report('a', { kind: 'out-of-money', forMs: 60_000 });
    expect(breakers.list()).toMatchObject([{ cause: 'out-of-money', state: 'open' }]);
  });

  it('F30 tries one that refused our key no more, until it is told to', () => {
    const { clock, breakers, state } = site();
    breakers.report('a', { kind: 'unauthorised' });
    clock.advance(1e9);
    expect(state()).toBe('open');
    expect(breakers.list()).toMatchObject([{ cause: 'unauthorised', nextTryAt: null }]);
    breakers.reset();
    expect(state()).toBe('closed');
  });
});

describe('breakerEventFor', () => {
  it.each<[string, ErrorCode, ErrorContext, UpstreamRoute, object]>([
    ['F30 429 with Retry-After', 'too_busy', { status: 429, retryAfterS: 7 }, 'cloud', { kind: 'busy', forMs: 7_000 }],
    ['F30 529 with Retry-After', 'too_busy', { status: 529, retryAfterS: 2 }, 'cloud', { kind: 'busy', forMs: 2_000 }],
    ['F30 529 without', 'too_busy', { status: 529 }, 'cloud', failed],
    ['503 of an engine that loads', 'too_busy', { status: 503 }, 'local', { kind: 'given-up' }],
    ['F30 500', 'engine_failed', { status: 500 }, 'cloud', failed],
    ['F30 silence', 'upstream_silent', {}, 'peer', { kind: 'failed', weight: 2 }],
    ['no connection', 'upstream_failed', {}, 'peer', failed],
    ['F30 401', 'engine_failed', { status: 401 }, 'cloud', { kind: 'unauthorised' }],
    ['401 of an engine of this machine', 'engine_failed', { status: 401 }, 'local', failed],
    [
      'F30 an account that is used up',
      'upstream_failed',
      { status: 400, outOfMoney: true },
      'cloud',
      { kind: 'out-of-money', forMs: 3_600_000 },
    ],
    [
      'F30 the same with a date',
      'upstream_failed',
      { status: 400, outOfMoney: true, retryAfterS: 60 },
      'cloud',
      { kind: 'out-of-money', forMs: 60_000 },
    ],
    ['a refused request', 'invalid_request', { status: 400 }, 'cloud', { kind: 'answered' }],
    ['a prompt that is too long', 'context_length_exceeded', { status: 400 }, 'cloud', { kind: 'answered' }],
    ['a caller who left', 'caller_gone', {}, 'cloud', { kind: 'given-up' }],
    ['a stop of this node', 'shutting_down', {}, 'cloud', { kind: 'given-up' }],
  ])('%s', (_name, code, context, route, event) => {
    expect(breakerEventFor(new AppError(code, 'x', { context }), route)).toEqual(event);
  });
});
