import { expect, it } from 'vitest';
import { addressToTry, parseOllamaHost, urlOf } from '../../../../electron/agent/engines/ollama/address.ts';

it.each([
  ['127.0.0.1', '127.0.0.1', 11_434],
  [':8000', '127.0.0.1', 8_000],
  ['0.0.0.0', '127.0.0.1', 11_434],
  ['0.0.0.0:9000', '127.0.0.1', 9_000],
  ['localhost:1234', '127.0.0.1', 1_234],
  ['127.0.0.2:1234', '127.0.0.2', 1_234],
  ['http://127.0.0.1:11434/', '127.0.0.1', 11_434],
  ['http://localhost', '127.0.0.1', 80],
  ['[::1]:5000', '::1', 5_000],
  ['::1', '::1', 11_434],
  ['[::]:5000', '::1', 5_000],
  ['"127.0.0.1:7000"', '127.0.0.1', 7_000],
  ['', '127.0.0.1', 11_434],
])('OLLAMA_HOST=%s means %s, port %i', (text, host, port) => {
  expect(parseOllamaHost(text)).toEqual({ host, port });
});

it.each(['192.168.1.9', 'ollama.lan:11434', 'https://127.0.0.1', '127.0.0.1:99999', '127.0.0.1:x', ':0'])(
  'OLLAMA_HOST=%s is not used: it is no address of this machine over http',
  (text) => {
    expect(parseOllamaHost(text)).toBeNull();
  },
);

it('takes the setting before the environment, and that before the usual address', () => {
  const env = { OLLAMA_HOST: ':8000' };
  expect(addressToTry('http://[::1]:9', env)).toEqual({ address: { host: '::1', port: 9 }, origin: 'settings' });
  expect(addressToTry(null, env)).toMatchObject({ address: { port: 8_000 }, origin: 'environment' });
  expect(addressToTry(null, { OLLAMA_HOST: 'far.away' })).toMatchObject({ address: { port: 11_434 }, origin: 'usual' });
  expect(urlOf({ host: '::1', port: 9 })).toBe('http://[::1]:9');
});
