import type { NodeSnapshot } from '../../../contract/snapshot.ts';
import { policySchema, type KeyRow, type Policy } from '../../../contract/keys.ts';
import { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { headerValues } from '../../base/local-request.ts';
import { RecentCallers } from './recent-callers.ts';
import type { Access, Caller } from './caller.ts';
import type { KeyProblem } from './key-trouble.ts';

/** What is asked of the keys; {@link KeyStore} has it. */
export interface Keys {
  readonly problem: KeyProblem | null;
  readonly demanded: boolean;
  readonly total: number;
  find(secret: string): KeyRow | null;
  used(id: string, from: string): void;
}

export interface AccessDeps {
  readonly keys: Keys;
  readonly clock: Clock;
}

const headersWithKey = ['x-api-key', 'x-goog-api-key'] as const;

/** Names by which programs put a key into the address, where it ends up in logs and histories. */
const keyParameters = /^(?:(?:x[-_])?(?:goog[-_])?api[-_]?key|key|(?:access|auth|bearer|id)?[-_]?token|authorization)$/;

/** Nobody can have made more of them by accident. */
const mostKeysGiven = 8;

/** What holds for callers without a key: no limit of their own. */
export const noLimits: Policy = policySchema.parse({});

/**
 * Who may use the gateway. Programs of this machine need no key until the first one is made; what they send as one until
 * then is a placeholder and means nothing. From the network a key is always due, and from the first key on everywhere.
 */
export class GatewayAccess implements Access {
  readonly #keys: Keys;
  readonly #recent: RecentCallers;

  /** Somebody called who had not called before, or not for long. */
  readonly changed = new Announcer<void>();

  constructor(deps: AccessDeps) {
    this.#keys = deps.keys;
    this.#recent = new RecentCallers(deps.clock);
  }

  get keysTotal(): number {
    return this.#keys.total;
  }

  /** Who called in the last hour, latest first. */
  callers(): NodeSnapshot['gateway']['callers'] {
    return this.#recent.list();
  }

  identify(request: { readonly rawHeaders: readonly string[]; readonly url: string; readonly from: string }): Caller {
    const caller = this.#judge(request);
    if (this.#recent.note(caller)) this.changed.announce();
    return caller;
  }

  #judge(request: { readonly rawHeaders: readonly string[]; readonly url: string; readonly from: string }): Caller {
    refuseKeyInAddress(request.url);
    const from = plainAddress(request.from);
    const { problem, demanded } = this.#keys;
    if (problem !== null) throw keysUnreadable();
    if (!demanded) return anonymous(from);
    const row = this.#keys.find(keyOf(request.rawHeaders));
    if (row === null) {
      throw unauthorized(
        'This node does not know the key. Check it, or make a new one with "ranch-hand keys add NAME".',
      );
    }
    if (row.revokedAt !== null) {
      throw unauthorized('The key has been revoked. Ask the operator of this node for another one.');
    }
    this.#keys.used(row.id, from);
    return { kind: 'key', id: row.id, keyName: row.name, scope: row.scope, policy: row.policy, from };
  }
}

/** An address without the wrapping that IPv4 gets on a socket for both. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/** Whether a socket's address is this machine's own loopback. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return plain === '::1' || /^127\.\d+\.\d+\.\d+$/.test(plain);
}

/** A program of this machine while no key is demanded. */
function anonymous(from: string): Caller {
  if (isLoopback(from)) {
    return { kind: 'anonymous', id: 'anonymous', keyName: null, scope: 'inference', policy: noLimits, from };
  }
  throw unauthorized(
    'From the network this node takes requests with a key only, and it has none yet. Make one there with "ranch-hand keys add NAME".',
  );
}

/** The one key that the headers carry. */
function keyOf(rawHeaders: readonly string[]): string {
  const given = givenKeys(rawHeaders);
  if (given.length > mostKeysGiven) throw twoKeys();
  const [key, other] = new Set(given);
  if (other !== undefined) throw twoKeys();
  if (key !== undefined) return key;
  const foreign = headerValues(rawHeaders, 'authorization').some((value) => !/^\s*(?:bearer\s*)?$/i.test(value));
  throw unauthorized(
    foreign
      ? 'The Authorization header holds no Bearer key. Send "Authorization: Bearer KEY".'
      : 'This node demands a key. Send it as "Authorization: Bearer KEY" or "x-api-key: KEY"; the operator makes one with "ranch-hand keys add NAME".',
  );
}

function givenKeys(rawHeaders: readonly string[]): string[] {
  const bearers = headerValues(rawHeaders, 'authorization').map(
    (value) => /^\s*bearer\s+(.*)$/i.exec(value)?.[1]?.trim() ?? '',
  );
  const others = headersWithKey.flatMap((name) => headerValues(rawHeaders, name)).map((value) => value.trim());
  return [...bearers, ...others].filter((key) => key !== '');
}

/** Always refused, also while no key is due: the program would go on to write real ones into logs. */
function refuseKeyInAddress(url: string): void {
  const query = url.indexOf('?');
  if (query === -1) return;
  for (const [name, value] of new URLSearchParams(url.slice(query + 1))) {
    if (!keyParameters.test(name.toLowerCase()) && !/^rh_[\w-]{16}/.test(value)) continue;
    throw unauthorized(
      'The address holds a key, where logs would keep it. Send it in a header instead: "Authorization: Bearer KEY".',
    );
  }
}

function unauthorized(message: string): AppError {
  return new AppError('unauthorized', message);
}

function twoKeys(): AppError {
  return new AppError('invalid_request', 'The request carries two different keys. Send one, in one header.');
}

/** No 401: the caller's key may be good, and some programs give a provider up for hours over one. */
function keysUnreadable(): AppError {
  return new AppError(
    'keys_unreadable',
    'This node cannot read its keys, so nobody gets in. Its operator finds what to do with "ranch-hand status".',
    { context: { retryAfterS: null } },
  );
}
