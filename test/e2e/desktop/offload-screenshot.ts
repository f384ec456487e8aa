/**
 * Takes the picture of the tray's offload options for the documentation, from the shell on a real desktop over a real
 * agent that prefers the cloud for two hours and has spent something:
 *   node test/e2e/desktop/offload-screenshot.ts [--out FILE]
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../../build/bundling/product.ts';
import { MoneyScene } from '../money-scene.ts';
import type { XWindow } from './rig/desktop.ts';
import { rigProblem } from './rig/shell-program.ts';
import { TrayWatch } from './rig/tray-watch.ts';
import { Workbench } from './rig/workbench.ts';

const { values: options } = parseArgs({
  options: { out: { type: 'string', default: join(projectRoot, 'docs', 'images', 'tray-offload.png') } },
});

/** The windows together with a little of the desktop around. */
function frame(windows: readonly XWindow[]): { x: number; y: number; width: number; height: number } {
  const margin = 12;
  const x = Math.max(0, Math.min(...windows.map((each) => each.x)) - margin);
  const y = Math.max(0, Math.min(...windows.map((each) => each.y)) - margin);
  const right = Math.max(...windows.map((each) => each.x + each.width)) + margin;
  const bottom = Math.max(...windows.map((each) => each.y + each.height)) + 5;
  return { x, y, width: right - x, height: bottom - y };
}

async function main(): Promise<void> {
  const problem = rigProblem();
  if (problem !== null) throw new Error(problem);
  await using bench = await Workbench.create();
  const env = { RANCH_HAND_CONTROL_PANEL_DIR: bench.program.panelDir };
  await using scene = await MoneyScene.start({ dataDir: bench.dataDir, env });
  await scene.work();
  await scene.begin();
  await scene.control.command('offload.set', { mode: 'on', forMs: 2 * 60 * 60_000 });
  await using shell = await bench.startShell({ inspect: true });
  const tray = await TrayWatch.start(shell);
  await tray.untilCalm();
  const before = new Set((await bench.desktop.windows()).map(({ id }) => id));
  await bench.openMenu();
  await bench.desktop.keys(...Array.from({ length: 6 }, () => 'Down'), 'Right');
  await pause(1_000);
  const menus = (await bench.desktop.windows()).filter(
    ({ id, width, height }) => !before.has(id) && width > 100 && height > 60,
  );
  await bench.desktop.screenshot(options.out, frame([...menus, await bench.trayIcon()]));
  if (!shell.running.isRunning) throw new Error('The shell has ended.');
}

await main();
