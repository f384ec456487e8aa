import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../electron/agent/base/clock.ts';
import { Sessions } from '../../../electron/agent/control/sessions.ts';

const options = { nodeId: 'node-1', secret: 's'.repeat(43), token: 't'.repeat(43) };
const dayMs = 24 * 60 * 60 * 1_000;

function cookieOf(sessions: Sessions): string {
  const cookie = sessions.cookie();
  return cookie.slice(0, cookie.indexOf(';'));
}

describe('tickets', () => {
  it('let one browser in, once', () => {
    const sessions = new Sessions(options, { clock: new ManualClock() });
    const ticket = sessions.issueTicket();
    expect(sessions.redeemTicket(`${ticket}x`)).toBe(false);
    expect([sessions.redeemTicket(ticket), sessions.redeemTicket(ticket)]).toEqual([true, false]);
  });

  it('end after a minute, whatever the wall clock says', () => {
    const clock = new ManualClock();
    const sessions = new Sessions(options, { clock });
    const [early, late] = [sessions.issueTicket(), sessions.issueTicket()];
    clock.setWallTime(clock.now() + dayMs);
    clock.advance(59_000);
    expect(sessions.redeemTicket(early)).toBe(true);
    clock.setWallTime(clock.now() - 2 * dayMs);
    clock.advance(2_000);
    expect(sessions.redeemTicket(late)).toBe(false);
  });

  it('are bounded: the oldest of too many is forgotten', () => {
    const sessions = new Sessions(options, { clock: new ManualClock() });
    const first = sessions.issueTicket();
    const rest = Array.from({ length: 32 }, () => sessions.issueTicket());
    expect(sessions.redeemTicket(first)).toBe(false);
    expect(rest.every((ticket) => sessions.redeemTicket(ticket))).toBe(true);
  });
});

describe('sessions', () => {
  it('last a month, also over a restart with another token', () => {
    const clock = new ManualClock();
    const cookie = cookieOf(new Sessions(options, { clock }));
    const restarted = new Sessions({ ...options, token: 'u'.repeat(43) }, { clock });
    clock.advance(29 * dayMs);
    expect(restarted.hasSession(`theme=dark; ${cookie}`)).toBe(true);
    clock.advance(2 * dayMs);
    expect(restarted.hasSession(cookie)).toBe(false);
  });

  it('are worth nothing with another secret or on another node', () => {
    const clock = new ManualClock();
    const cookie = cookieOf(new Sessions(options, { clock }));
    expect(new Sessions({ ...options, secret: 'x'.repeat(43) }, { clock }).hasSession(cookie)).toBe(false);
    const elsewhere = new Sessions({ ...options, nodeId: 'node-2' }, { clock });
    expect(elsewhere.hasSession(cookie)).toBe(false);
    expect(elsewhere.hasSession(cookie.replace('ranch-hand-node-1', 'ranch-hand-node-2'))).toBe(false);
  });

  it.each([
    undefined,
    '',
    'ranch-hand-node-1',
    'ranch-hand-node-1=',
    'ranch-hand-node-1=1.2',
    `x=${'9'.repeat(5_000)}`,
  ])('are not opened by %s', (header) => {
    expect(new Sessions(options, { clock: new ManualClock() }).hasSession(header)).toBe(false);
  });

  it('have cookies that scripts and other sites do not get', () => {
    const sessions = new Sessions({ ...options, nodeId: 'a;b=c, d' }, { clock: new ManualClock() });
    expect(sessions.cookieName).toBe('ranch-hand-abcd');
    expect(sessions.cookie()).toMatch(
      /^ranch-hand-abcd=\d+\.[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    );
  });
});

describe('the token', () => {
  it('counts as a bearer token, whole and alone', () => {
    const sessions = new Sessions(options, { clock: new ManualClock() });
    expect(sessions.hasToken(`Bearer ${options.token}`)).toBe(true);
    expect(sessions.hasToken(`bearer  ${options.token}`)).toBe(true);
    for (const wrong of [
      options.token,
      `Bearer ${options.token}t`,
      `Bearer t`,
      'Bearer ',
      `Bearer ${options.token} x`,
    ]) {
      expect(sessions.hasToken(wrong)).toBe(false);
    }
  });
});
