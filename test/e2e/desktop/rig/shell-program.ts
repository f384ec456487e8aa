import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../../../build/bundling/product.ts';
import { mustRun } from '../../../../build/process/run-command.ts';
import { findProgram } from '../../../fixtures/test-engine.ts';
import { testEnginesFolder } from '../../../../build/test-engines/layout.ts';
import { findTestEngine } from '../../../../build/test-engines/provision.ts';
import { bundleShellForOldElectron } from '../old-electron/bundle-shell.ts';
import type { Desktop } from './desktop.ts';
import { Pages } from './page.ts';
import { Running } from './running.ts';

/** An Electron, and the shell and panel in the form that it can run. */
export interface ShellProgram {
  readonly electron: string;
  /** The bundled shell, two folders below the project's root. */
  readonly main: string;
  readonly panelDir: string;
}

const rigPrograms = [
  'Xvfb',
  'openbox',
  'tint2',
  'xdotool',
  'xwininfo',
  'xprop',
  'import',
  'compare',
  'convert',
  'dbus-run-session',
];

/** Why the rig cannot run here, or null when it can. */
export function rigProblem(): string | null {
  if (process.platform !== 'linux') return 'the desktop rig needs Linux';
  const missing = rigPrograms.filter((name) => findProgram([name]) === undefined);
  if (missing.length > 0) return `the desktop rig needs ${missing.join(', ')}`;
  return electronBinary() === undefined ? 'there is no Electron: node build/test-engines.ts electron' : null;
}

function electronBinary(): string | undefined {
  return process.env['RANCH_HAND_ELECTRON'] ?? findTestEngine(testEnginesFolder(process.env), 'electron');
}

/**
 * The shell, ready to start. `RANCH_HAND_ELECTRON` names a current Electron, which runs the product as it is built;
 * without it the old one from the test engines runs a build made down for it.
 */
export async function prepareShell(): Promise<ShellProgram> {
  const current = process.env['RANCH_HAND_ELECTRON'];
  if (current !== undefined) {
    return {
      electron: current,
      main: join(projectRoot, 'dist', 'shell', 'main.cjs'),
      panelDir: join(projectRoot, 'dist', 'panel'),
    };
  }
  const panelDir = join(projectRoot, 'dist', 'desktop-test-panel');
  const vite = join(projectRoot, 'node_modules', 'vite', 'bin', 'vite.js');
  const [main] = await Promise.all([
    bundleShellForOldElectron(),
    mustRun(process.execPath, [vite, 'build', '--config', join(projectRoot, 'build', 'vite.panel.config.ts')], {
      cwd: projectRoot,
      env: { ...process.env, RANCH_HAND_PANEL_TARGET: 'chrome83', RANCH_HAND_PANEL_OUT: panelDir },
      timeoutMs: 5 * 60_000,
    }),
  ]);
  return { electron: electronBinary() ?? '', main, panelDir };
}

export interface ShellStart {
  readonly desktop: Desktop;
  readonly program: ShellProgram;
  readonly dataDir: string;
  /** The home folder of whatever runs there. */
  readonly home: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether a test may look into the main process as well. */
  readonly inspect?: boolean;
}

/** A running shell in a session bus of its own. */
export class ShellProcess implements AsyncDisposable {
  readonly running: Running;
  readonly pages: Pages;

  private constructor(running: Running, pages: Pages) {
    this.running = running;
    this.pages = pages;
  }

  static async start(start: ShellStart): Promise<ShellProcess> {
    const running = startElectron(start, ['--remote-debugging-port=0', ...(start.args ?? ['--hidden'])]);
    const [, port = ''] = await running.says(/DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//u);
    return new ShellProcess(running, new Pages(Number(port)));
  }

  /** Address of the main process's debugger; only of a shell that was started with `inspect`. */
  async mainProcess(): Promise<string> {
    const [, address = ''] = await this.running.says(/Debugger listening on (ws:\S+)/u);
    return address;
  }

  /** Starts a second one over the same data folder, and waits until it has ended by itself. */
  static async startSecond(start: ShellStart): Promise<void> {
    await using second = startElectron(start, start.args ?? []);
    await second.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.end();
  }
}

function startElectron(start: ShellStart, args: readonly string[]): Running {
  const { desktop, program, dataDir, home, env = {} } = start;
  const inspect = start.inspect === true ? ['--inspect=127.0.0.1:0'] : [];
  // As root there is no sandbox to be had; nobody else needs this.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const command = [program.electron, ...asRoot, ...inspect, '--disable-gpu', program.main, ...args];
  return new Running('dbus-run-session', ['--', ...withTrayBridge(command)], {
    env: {
      ...desktop.env,
      HOME: home,
      XDG_CONFIG_HOME: join(home, '.config'),
      PATH: `${binDir(home)}:${desktop.env['PATH'] ?? ''}`,
      RANCH_HAND_DATA_DIR: dataDir,
      ...env,
    },
  });
}

/** Current Electrons speak StatusNotifier only; where its bridge to the older trays is installed, it runs beside. */
function withTrayBridge(command: readonly string[]): readonly string[] {
  if (process.env['RANCH_HAND_ELECTRON'] === undefined || findProgram(['snixembed']) === undefined) return command;
  return ['sh', '-c', 'snixembed --fork; exec "$@"', 'sh', ...command];
}

const binDir = (home: string): string => join(home, 'bin');
const openedFile = (home: string): string => join(home, 'opened.txt');

/** Puts an `xdg-open` into the home folder that only writes down what it was asked to open; gives the file. */
export async function recordOpenedAddresses(home: string): Promise<string> {
  await mkdir(binDir(home), { recursive: true });
  const script = join(binDir(home), 'xdg-open');
  await writeFile(script, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${openedFile(home)}'\n`);
  await chmod(script, 0o755);
  await writeFile(openedFile(home), '');
  return openedFile(home);
}

/** How much two pictures differ, 0 (the same) to 1. */
export function pictureDifference(one: string, other: string): Promise<number> {
  return new Promise((resolve, reject) => {
    execFile('compare', ['-metric', 'RMSE', one, other, 'null:'], (_error, _stdout, stderr) => {
      const share = /\(([\d.e-]+)\)/u.exec(stderr)?.[1];
      if (share === undefined) reject(new Error(`The pictures cannot be compared: ${stderr}`));
      else resolve(Number(share));
    });
  });
}
