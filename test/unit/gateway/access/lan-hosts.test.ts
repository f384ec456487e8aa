import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../electron/agent/base/clock.ts';
import { judgeLocalRequest } from '../../../../electron/agent/base/local-request.ts';
import {
  everyAddress,
  lanAddresses,
  lanHosts,
  LiveHosts,
  type Interfaces,
} from '../../../../electron/agent/gateway/access/lan-hosts.ts';

const interfaces: Interfaces = {
  lo: [
    { address: '127.0.0.1', family: 'IPv4' },
    { address: '::1', family: 'IPv6' },
  ],
  eth0: [
    { address: '192.168.1.7', family: 'IPv4' },
    { address: 'fd00::7', family: 'IPv6' },
    { address: 'fe80::1%eth0', family: 'IPv6' },
  ],
  eth1: [{ address: '169.254.3.4', family: 'IPv4' }],
  gone: undefined,
};
const machine = { hostname: 'Logos.home.arpa', interfaces, names: ['AI.example.net'] };

describe('lanHosts', () => {
  it('names every address and name of the machine, and the ones of the settings', () => {
    expect(lanHosts(machine)).toEqual([
      '127.0.0.1',
      'localhost',
      '[::1]',
      'logos.home.arpa',
      'logos',
      'logos.local',
      '192.168.1.7',
      '[fd00::7]',
      '[fe80::1]',
      '169.254.3.4',
      'ai.example.net',
    ]);
  });

  it.each([
    '192.168.1.7:8080',
    'LOGOS:8080',
    'logos.local:8080',
    '[fd00::7]:8080',
    'ai.example.net:8080',
    'localhost:8080',
  ])('lets Host %s pass', (host) => {
    const rules = { port: 8080, hosts: lanHosts(machine) };
    expect(judgeLocalRequest({ url: '/', rawHeaders: ['Host', host] }, rules)).toBeNull();
  });

  it.each([
    ['B1', 'evil.com:8080'],
    ['B2', 'logos.local.evil.com:8080'],
    ['B2', '192.168.1.7.evil.com:8080'],
    ['B3', '192.168.1.7:8080/?'],
    ['B3', '192.168.1.7'],
    ['B3', '192.168.1.8:8080'],
  ])('%s refuses Host %s on the network', (_id, host) => {
    const rules = { port: 8080, hosts: lanHosts(machine) };
    expect(judgeLocalRequest({ url: '/', rawHeaders: ['Host', host] }, rules)?.code).toBe('wrong_host');
  });

  it.each([
    ['B6', ['Origin', 'http://evil.com']],
    ['B7', ['Origin', 'null']],
    ['B9', ['Sec-Fetch-Site', 'cross-site']],
    ['B9', ['Sec-Fetch-Site', 'same-site']],
  ])('%s refuses pages of other origins on the network: %j', (_id, headers) => {
    const rules = { port: 8080, hosts: lanHosts(machine) };
    const rawHeaders = ['Host', '192.168.1.7:8080', ...headers];
    expect(judgeLocalRequest({ url: '/', rawHeaders }, rules)?.code).toBe('forbidden');
  });

  it('makes nothing of an empty host name', () => {
    expect(lanHosts({ hostname: '', interfaces: {}, names: [] })).toEqual(['127.0.0.1', 'localhost', '[::1]']);
  });

  it('reads what this system tells', () => {
    expect(lanHosts({ hostname: 'x', interfaces: networkInterfaces(), names: [] })).toContain('127.0.0.1');
  });
});

describe('addresses of the network', () => {
  it('are told without loopback and link-local ones', () => {
    expect(lanAddresses(interfaces)).toEqual(['192.168.1.7', '[fd00::7]']);
  });

  it('are bound by one socket for both families where there is IPv6', () => {
    expect(everyAddress(interfaces)).toBe('::');
    expect(everyAddress({ lo: [{ address: '127.0.0.1', family: 'IPv4' }] })).toBe('0.0.0.0');
  });
});

describe('LiveHosts', () => {
  it('follows the machine into other networks, and asks the system once a second at most', () => {
    const clock = new ManualClock();
    let asked = 0;
    let address = '10.0.0.1';
    const hosts = new LiveHosts({
      clock,
      names: () => {
        asked += 1;
        return { hostname: 'x', names: [], interfaces: { eth0: [{ address, family: 'IPv4' }] } };
      },
    });
    expect(hosts.list()).toContain('10.0.0.1');
    address = '10.0.0.2';
    hosts.list();
    expect(asked).toBe(1);
    clock.advance(1_000);
    expect(hosts.list()).toContain('10.0.0.2');
    expect(hosts.list()).not.toContain('10.0.0.1');
    expect(asked).toBe(2);
  });
});
