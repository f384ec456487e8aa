import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../electron/agent/inference/server-address.ts';
import { routeOf } from '../../../electron/agent/upstreams/server-address.ts';
import { withOwnIds, type ServerSettings } from '../../../electron/agent/upstreams/server-settings.ts';

describe('the address of a server', () => {
  it('has the port of its scheme, and no /v1 twice', () => {
    expect(addressOf('https://API.example.com/openai/v1/')).toEqual({
      host: 'api.example.com',
      port: 443,
      secure: true,
      basePath: '/openai',
    });
    expect(addressOf('http://[::1]:8000')).toEqual({ host: '::1', port: 8000, secure: false, basePath: '' });
    expect(addressOf('http://10.0.0.2/v1').basePath).toBe('');
    expect(addressOf('http://nas.lan').port).toBe(80);
  });
});

describe('what a server counts as', () => {
  const cases: readonly (readonly [string, 'local' | 'peer' | 'cloud'])[] = [
    ['127.0.0.1', 'local'],
    ['127.8.9.1', 'local'],
    ['localhost', 'local'],
    ['::1', 'local'],
    ['10.1.2.3', 'peer'],
    ['192.168.0.9', 'peer'],
    ['172.16.0.1', 'peer'],
    ['172.31.0.1', 'peer'],
    ['fd00::1', 'peer'],
    ['fe80::1', 'peer'],
    ['box.local', 'peer'],
    ['nas', 'peer'],
    ['172.32.0.1', 'cloud'],
    ['11.0.0.1', 'cloud'],
    ['2001:db8::1', 'cloud'],
    ['api.example.com', 'cloud'],
    ['127.0.0.1.example.com', 'cloud'],
    ['10.0.0.1.example.com', 'cloud'],
  ];
  for (const [host, route] of cases) {
    it(`${host} is ${route}, and cloud with a price`, () => {
      expect(routeOf({ host }, false)).toBe(route);
      expect(routeOf({ host }, true)).toBe('cloud');
    });
  }
});

it('servers that are called alike, or like an engine, are told apart', () => {
  const named = (id: string): ServerSettings => ({ id, url: 'http://nas', dialect: 'openai', enabled: true, slots: 1 });
  const servers = ['a', 'ollama', 'a', 'a-2', 'a'].map(named);
  expect(withOwnIds(servers, ['ollama']).map(({ id }) => id)).toEqual(['a', 'ollama-2', 'a-2', 'a-2-2', 'a-3']);
});
