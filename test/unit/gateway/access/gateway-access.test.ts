import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { policySchema } from '../../../../electron/contract/keys.ts';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { toAppError } from '../../../../electron/agent/base/errors.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import type { Caller } from '../../../../electron/agent/gateway/access/caller.ts';
import { GatewayAccess, isLoopback } from '../../../../electron/agent/gateway/access/gateway-access.ts';
import { KeyStore } from '../../../../electron/agent/gateway/access/key-store.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

const here = '127.0.0.1';
const network = '192.168.1.20';

function rig() {
  const clock = new ManualClock();
  const keys = new KeyStore({ file: join(tempFolder(), 'keys.db') }, { clock, logger: silentLogger });
  onTestFinished(() => keys.close());
  const access = new GatewayAccess({ keys, clock });
  const add = (name: string, scope: 'inference' | 'admin' = 'inference'): string =>
    keys.add({ name, scope, policy: policySchema.parse({ priority: 'low' }) }).key;
  const ask = (headers: readonly string[], from = here, url = '/v1/messages?beta=true'): Caller =>
    access.identify({ rawHeaders: headers, url, from });
  const refusal = (headers: readonly string[], from = here, url = '/v1/models') => {
    try {
      ask(headers, from, url);
    } catch (error) {
      return toAppError(error);
    }
    throw new Error('was let in');
  };
  return { clock, keys, access, add, ask, refusal };
}

const bearer = (key: string): string[] => ['Authorization', `Bearer ${key}`];

describe('GatewayAccess before the first key', () => {
  it.each([[[]], [bearer('ollama')], [['x-api-key', 'dummy']], [['X-Goog-Api-Key', 'sk-1', 'x-api-key', 'sk-2']]])(
    'lets programs of this machine in, whatever they send as a key: %j',
    (headers) => {
      const { ask } = rig();
      expect(ask(headers)).toMatchObject({ kind: 'anonymous', id: 'anonymous', keyName: null, from: here });
      expect(ask(headers, '::ffff:127.0.0.1').from).toBe(here);
      expect(ask(headers, '::1').kind).toBe('anonymous');
    },
  );

  it.each([network, '::ffff:192.168.1.20', 'fe80::1', '', '127.0.0.1.evil', '::ffff:10.127.0.1'])(
    'B14 refuses the network without a key: %s',
    (from) => {
      const { refusal } = rig();
      expect(refusal([], from)).toMatchObject({ code: 'unauthorized' });
      expect(refusal(bearer('dummy'), from)).toMatchObject({ code: 'unauthorized' });
    },
  );
});

describe('GatewayAccess with keys', () => {
  it('B14 refuses a request without a key, from this machine too', () => {
    const { add, refusal } = rig();
    add('a');
    for (const headers of [[], bearer(''), ['Authorization', ''], ['x-api-key', ' ']]) {
      expect(refusal(headers).message).toContain('demands a key');
    }
    expect(refusal(['Authorization', 'Basic dXNlcjpwYXNz']).message).toContain('no Bearer key');
  });

  it('B15 refuses a wrong key, also one that is nearly right', () => {
    const { add, refusal } = rig();
    const key = add('a');
    for (const wrong of ['rh_', 'dummy', `${key}A`, key.slice(0, -1), key.toUpperCase()]) {
      expect(refusal(bearer(wrong))).toMatchObject({ code: 'unauthorized' });
      expect(refusal(bearer(wrong)).message).not.toContain(wrong);
    }
  });

  it.each(['inference', 'admin'] as const)('B16 takes a key of scope %s through each header', (scope) => {
    const { add, ask } = rig();
    const key = add('phone', scope);
    const ways = [
      bearer(key),
      ['authorization', `bearer  ${key} `],
      ['X-Api-Key', key],
      ['x-goog-api-key', key],
      // The same key twice is no contradiction.
      [...bearer(key), 'x-api-key', key],
    ];
    for (const headers of ways) {
      expect(ask(headers, network)).toMatchObject({
        kind: 'key',
        keyName: 'phone',
        scope,
        policy: { priority: 'low' },
        from: network,
      });
    }
  });

  it('B17 refuses two different keys, also when one of them is right', () => {
    const { add, refusal } = rig();
    const [one, two] = [add('one'), add('two')];
    const pairs = [
      [...bearer(one), 'x-api-key', two],
      [...bearer(one), 'x-goog-api-key', 'sk-other'],
      ['x-api-key', one, 'x-api-key', two],
      [...bearer('none'), ...bearer(one)],
    ];
    for (const headers of pairs) expect(refusal(headers)).toMatchObject({ code: 'invalid_request' });
    expect(refusal(Array.from({ length: 40 }, () => ['x-api-key', one]).flat())).toMatchObject({
      code: 'invalid_request',
    });
  });

  it.each([
    'key',
    'KEY',
    'api_key',
    'apikey',
    'api-key',
    'access_token',
    'token',
    'x-api-key',
    'x-goog-api-key',
    '%6bey',
  ])('B18 refuses a key in the address as %s, and does not repeat it', (name) => {
    const { add, refusal, keys } = rig();
    const before = refusal([], here, `/v1/models?${name}=dummy`);
    expect(before).toMatchObject({ code: 'unauthorized' });
    const key = add('a');
    const after = refusal(bearer(key), here, `/v1/models?beta=true&${name}=${key}`);
    expect(after).toMatchObject({ code: 'unauthorized' });
    expect(JSON.stringify([after.message, after.context])).not.toContain(key);
    expect(keys.list()[0]?.requestsTotal).toBe(0);
  });

  it('B18 refuses one of our keys in the address under any name', () => {
    const { add, refusal } = rig();
    const key = add('a');
    expect(refusal(bearer(key), here, `/v1/models?x=${key}`)).toMatchObject({ code: 'unauthorized' });
  });

  it('B19 refuses a revoked key at its next request', () => {
    const { add, ask, refusal, keys } = rig();
    const key = add('a');
    expect(ask(bearer(key)).keyName).toBe('a');
    keys.revoke('a');
    expect(refusal(bearer(key))).toMatchObject({ code: 'unauthorized' });
    expect(refusal(bearer(key)).message).toContain('revoked');
    // The last key is gone, and still nobody gets in without.
    expect(refusal([])).toMatchObject({ code: 'unauthorized' });
  });

  it('counts requests with a key, and where they came from', () => {
    const { add, ask, keys, access } = rig();
    const key = add('a');
    ask(bearer(key), '::ffff:10.0.0.9');
    ask(bearer(key), '10.0.0.9');
    expect(keys.list()[0]).toMatchObject({ requestsTotal: 2, lastUsedFrom: '10.0.0.9' });
    expect(access.callers()).toMatchObject([{ key: 'a', from: '10.0.0.9', requests: 2 }]);
  });

  it('answers with a fault of the node, not of the key, when the keys cannot be read', () => {
    const clock = new ManualClock();
    const keys = {
      problem: { sentence: 'damaged', since: '' },
      demanded: true,
      total: 0,
      find: () => null,
      used: () => undefined,
    };
    const access = new GatewayAccess({ keys, clock });
    for (const headers of [[], bearer('rh_x')]) {
      expect(() => access.identify({ rawHeaders: headers, url: '/', from: here })).toThrow(
        expect.objectContaining({ code: 'keys_unreadable' }),
      );
    }
  });
});

describe('RecentCallers', () => {
  it('are told when somebody calls who had not called before, and not at each call', () => {
    const { access, ask } = rig();
    let told = 0;
    access.changed.subscribe(() => (told += 1));
    ask([]);
    ask([]);
    expect(told).toBe(1);
    ask([], '127.0.0.2');
    expect(told).toBe(2);
  });

  it('remembers an hour, latest first, and a bounded number', () => {
    const { ask, access, clock } = rig();
    ask([], '::1');
    clock.advance(1_800_000);
    ask([]);
    expect(access.callers().map(({ from }) => from)).toEqual([here, '::1']);
    clock.advance(1_800_001);
    expect(access.callers().map(({ from }) => from)).toEqual([here]);
    for (let index = 0; index < 500; index += 1) ask([], `127.0.${index >> 8}.${index & 255}`);
    expect(access.callers()).toHaveLength(200);
    expect(access.callers()[0]?.from).toBe('127.0.1.243');
  });
});

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('%s is', (address) => {
    expect(isLoopback(address)).toBe(true);
  });
  it.each(['', '0.0.0.0', '::', '10.0.0.1', '::ffff:10.0.0.1', '1127.0.0.1', 'localhost', '::ffff:127.0.0.1.1'])(
    '"%s" is not',
    (address) => {
      expect(isLoopback(address)).toBe(false);
    },
  );
});
