import { describe, expect, it } from 'vitest';
import { Announcer } from '../../../../electron/agent/base/announcer.ts';
import { silentLogger } from '../../../../electron/agent/base/logger.ts';
import { NetworkDoor } from '../../../../electron/agent/gateway/access/network-door.ts';

function rig(wanted: 'loopback' | 'lan', total: number) {
  const keys = { total, changed: new Announcer<void>() };
  const moves: string[] = [];
  const failure: { next: Error | null } = { next: null };
  const door = new NetworkDoor(
    { wanted, loopback: '127.0.0.1' },
    {
      keys,
      move: (host) => {
        moves.push(host);
        const error = failure.next;
        failure.next = null;
        return error ? Promise.reject(error) : Promise.resolve();
      },
      interfaces: () => ({ eth0: [{ address: '192.168.1.7', family: 'IPv4' }] }),
      logger: silentLogger,
    },
  );
  const make = async (): Promise<void> => {
    const moved = new Promise<void>((resolve) => door.changed.subscribe(() => resolve()));
    keys.total += 1;
    keys.changed.announce();
    await moved;
  };
  return { door, keys, moves, failure, make };
}

describe('NetworkDoor', () => {
  it('stays shut where the settings do not want the network, whatever keys there are', async () => {
    const { door, moves, keys } = rig('loopback', 3);
    await door.start();
    keys.changed.announce();
    expect({ moves, scope: door.scope, addresses: door.addresses() }).toEqual({
      moves: [],
      scope: 'loopback',
      addresses: ['127.0.0.1'],
    });
  });

  it('opens at the start when there is a key', async () => {
    const { door, moves } = rig('lan', 1);
    await door.start();
    expect({ moves, scope: door.scope, addresses: door.addresses() }).toEqual({
      moves: ['0.0.0.0'],
      scope: 'lan',
      addresses: ['192.168.1.7'],
    });
  });

  it('opens in the moment when the first key is made, once, and stays open without keys', async () => {
    const { door, moves, make, keys } = rig('lan', 0);
    await door.start();
    expect(door.scope).toBe('loopback');
    await make();
    expect(door.scope).toBe('lan');
    keys.total = 0;
    keys.changed.announce();
    keys.total = 5;
    keys.changed.announce();
    expect(moves).toHaveLength(1);
    expect(door.scope).toBe('lan');
  });

  it('goes on for this machine when the network cannot be had, and tries again with the next key', async () => {
    const { door, failure, make } = rig('lan', 1);
    failure.next = new Error('taken');
    await door.start();
    expect(door.scope).toBe('loopback');
    await make();
    expect(door.scope).toBe('lan');
  });
});
