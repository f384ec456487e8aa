import { describe, expect, it } from 'vitest';
import { readAgentArguments } from '../../../electron/agent/options.ts';

const overridesOf = (...args: string[]): Record<string, string> =>
  Object.fromEntries(readAgentArguments(args).overrides);

describe('readAgentArguments', () => {
  it('turns the short names into settings', () => {
    expect(overridesOf('--gateway', '127.0.0.1:9000', '--control', '[::1]:0', '--log-level', 'debug')).toEqual({
      'gateway.host': '127.0.0.1',
      'gateway.port': '9000',
      'control.host': '::1',
      'control.port': '0',
      'log.level': 'debug',
    });
  });

  it('takes a port alone, and localhost as the loopback address', () => {
    expect(overridesOf('--gateway', '9000')).toEqual({ 'gateway.port': '9000' });
    expect(overridesOf('--gateway', ':9000')).toEqual({ 'gateway.port': '9000' });
    expect(overridesOf('--gateway', 'localhost:9000')).toEqual({ 'gateway.host': '127.0.0.1', 'gateway.port': '9000' });
  });

  it('lets the last --set win and keeps an equals sign in the value', () => {
    expect(overridesOf('--gateway', '9000', '--set', 'gateway.port=1', '--set', 'models.default=/a=b.gguf')).toEqual({
      'gateway.port': '1',
      'models.default': '/a=b.gguf',
    });
  });

  it.each([
    [['--gateway', 'nowhere']],
    [['--gateway', 'host:port']],
    [['--set', 'gateway.port']],
    [['--set', '=1']],
    [['--herd']],
    [['stray']],
  ])('refuses %j', (args) => {
    expect(() => readAgentArguments(args)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
