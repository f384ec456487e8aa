import { posix, win32 } from 'node:path';

/** How to start the agent. */
export interface AgentCommand {
  /** The Node binary that ships with the product. */
  readonly program: string;
  readonly args: readonly string[];
}

export interface Installation {
  readonly isPackaged: boolean;
  /** The package's `resources` folder. */
  readonly resourcesDir: string;
  /** The checkout; means nothing in a package. */
  readonly checkoutDir: string;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
}

/**
 * The command that starts the agent: in a package the Node and the agent in its resources, in a checkout the Node of
 * its `node_modules`. Never Electron's own Node: the agent runs on the one it was tested on.
 */
export function agentCommand(installation: Installation): AgentCommand {
  const { isPackaged, resourcesDir, checkoutDir, platform, arch } = installation;
  const path = platform === 'win32' ? win32 : posix;
  const binary = platform === 'win32' ? 'node.exe' : 'node';
  if (isPackaged) {
    return { program: path.join(resourcesDir, 'node', binary), args: [path.join(resourcesDir, 'agent', 'agent.js')] };
  }
  const nodePackage = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  return {
    program: path.join(checkoutDir, 'node_modules', nodePackage, 'bin', binary),
    args: [path.join(checkoutDir, 'dist', 'agent.js')],
  };
}

/** Variables that are meant for Electron or for a debugger and would change how the agent's own Node behaves. */
const notForTheAgent = new Set([
  'ELECTRON_RUN_AS_NODE',
  'ELECTRON_NO_ATTACH_CONSOLE',
  'NODE_OPTIONS',
  'NODE_CHANNEL_FD',
  'CHROME_DESKTOP',
  'ORIGINAL_XDG_CURRENT_DESKTOP',
]);

/** The agent's environment: the shell's own, without what is meant for Electron. */
export function agentEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !notForTheAgent.has(name)) kept[name] = value;
  }
  return kept;
}
