import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';

export interface SessionOptions {
  /** Names the cookie: cookies ignore ports, so two nodes of one machine must not overwrite each other's. */
  readonly nodeId: string;
  /** Signs cookies; kept from run to run, so that an open panel reconnects after a restart. */
  readonly secret: string;
  readonly token: string;
}

const ticketLifeMs = 60_000;
const ticketLimit = 32;
const sessionLifeMs = 30 * 24 * 60 * 60 * 1_000;

/** Who may talk to the control API: the token's holder, and browsers that were let in by a ticket of theirs. */
export class Sessions {
  readonly cookieName: string;
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  /** Digest of each ticket → when it ends, on the monotonic clock. Oldest first. */
  readonly #tickets = new Map<string, number>();

  constructor(options: SessionOptions, deps: { clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.cookieName = `ranch-hand-${options.nodeId.replace(/[^\w-]/g, '').slice(0, 16)}`;
  }

  /** A ticket that lets one browser in, once, within a minute. */
  issueTicket(): string {
    const ticket = randomBytes(32).toString('base64url');
    if (this.#tickets.size >= ticketLimit) this.#forgetOldest();
    this.#tickets.set(digest(ticket), this.#clock.monotonic() + ticketLifeMs);
    return ticket;
  }

  /** Uses a ticket up. False when there is none such, or it is too old, or was used before. */
  redeemTicket(ticket: string): boolean {
    const key = digest(ticket);
    const endsMs = this.#tickets.get(key);
    this.#tickets.delete(key);
    return endsMs !== undefined && this.#clock.monotonic() <= endsMs;
  }

  /** The value of a `Set-Cookie` header that opens a session. */
  cookie(): string {
    const endsMs = this.#clock.now() + sessionLifeMs;
    const value = `${endsMs}.${this.#signature(endsMs)}`;
    return `${this.cookieName}=${value}; Path=/; Max-Age=${sessionLifeMs / 1_000}; HttpOnly; SameSite=Strict`;
  }

  /** Whether a `Cookie` header carries a session of this node that has not ended. */
  hasSession(cookieHeader: string | undefined): boolean {
    const value = cookieHeader
      ?.split(';')
      .map((pair) => pair.trim())
      .find((pair) => pair.startsWith(`${this.cookieName}=`))
      ?.slice(this.cookieName.length + 1);
    const [, ends, signature] = /^(\d{1,16})\.([\w-]{43})$/.exec(value ?? '') ?? [];
    if (ends === undefined || signature === undefined) return false;
    return sameSecret(signature, this.#signature(Number(ends))) && this.#clock.now() < Number(ends);
  }

  /** Whether an `Authorization` header carries the token. */
  hasToken(authorization: string): boolean {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    return token !== undefined && sameSecret(token, this.#options.token);
  }

  #signature(endsMs: number): string {
    return createHmac('sha256', this.#options.secret)
      .update(`panel session of ${this.#options.nodeId} until ${endsMs}`)
      .digest('base64url');
  }

  #forgetOldest(): void {
    for (const oldest of this.#tickets.keys()) {
      this.#tickets.delete(oldest);
      return;
    }
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Compares in a time that tells nothing of where two secrets differ, nor of their lengths. */
function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(expected).digest());
}
