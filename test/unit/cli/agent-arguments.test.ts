import { describe, expect, it } from 'vitest';
import { agentArguments } from '../../../electron/cli/verbs/agent.ts';
import { readAgentArguments } from '../../../electron/agent/options.ts';

describe('agentArguments', () => {
  it('says nothing that was not asked for', () => {
    expect(agentArguments({ json: true })).toEqual([]);
  });

  it('is understood by the agent', () => {
    const args = agentArguments({
      gateway: '127.0.0.1:8081',
      control: '127.0.0.1:0',
      set: ['models.default=/m/a b.gguf', 'gateway.maxQueued=3'],
      logLevel: 'debug',
      dataDir: '/data',
    });
    const { dataDir, overrides } = readAgentArguments(args);
    expect(dataDir).toBe('/data');
    expect(Object.fromEntries(overrides)).toEqual({
      'gateway.host': '127.0.0.1',
      'gateway.port': '8081',
      'control.host': '127.0.0.1',
      'control.port': '0',
      'log.level': 'debug',
      'models.default': '/m/a b.gguf',
      'gateway.maxQueued': '3',
    });
  });
});
