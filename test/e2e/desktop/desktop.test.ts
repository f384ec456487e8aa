import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { aCloud } from '../../fixtures/example-cloud.ts';
import { exampleEngine, exampleModel, exampleSnapshot } from '../../fixtures/example-snapshot.ts';
import { skipOrFail } from '../../fixtures/test-engine.ts';
import { FakeNode } from './rig/fake-node.ts';
import { eventually } from './rig/running.ts';
import { rigProblem, type ShellProcess } from './rig/shell-program.ts';
import { Workbench, nodeStates } from './rig/workbench.ts';

// A browser and a desktop on a machine that is busy with other things as well.
vi.setConfig({ testTimeout: 150_000 });

let bench: Workbench | undefined;
let node: FakeNode | undefined;
let shell: ShellProcess | undefined;

const ready = <Part>(part: Part | undefined): Part => {
  if (part === undefined) throw new Error('The desktop is not set up.');
  return part;
};

beforeAll(async () => {
  if (rigProblem() === null) bench = await Workbench.create();
}, 300_000);

// What a test leaves running serves the next one: starting a browser for each would take most of the time.
beforeEach(async (context) => {
  const problem = rigProblem();
  if (problem !== null) skipOrFail(context, problem);
  if (node?.running.isRunning !== true) {
    node = await FakeNode.start(ready(bench).dataDir, ready(bench).program.panelDir);
  }
  if (shell?.running.isRunning !== true) shell = await ready(bench).startShell();
  node.set(exampleSnapshot());
  await ready(bench).trayShows('serving');
});

afterAll(async () => {
  await shell?.running.end();
  await node?.running.end();
  await bench?.[Symbol.asyncDispose]();
});

/** Lets time pass in which something must not happen. */
const passing = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/**
 * Has a menu set just now. This desktop's trays do not tell when their menu opens, so figures that came before could
 * replace it, and close it, while a test chooses from it.
 */
async function freshMenu(): Promise<void> {
  const snapshot = exampleSnapshot();
  ready(node).set({ ...snapshot, node: { ...snapshot.node, sentence: 'Something else entirely.' } });
  await passing(1_000);
  ready(node).set(snapshot);
  await passing(1_000);
}

/** Lines of the menu, counted as the keyboard does: three of figures come first, lines between groups do not count. */
const modelLine = 4;
const offloadLine = 5;
const offloadOptionsLine = 6;
const engineLine = 7;

/** Goes to a line of the open menu and presses more keys there. */
async function choose(line: number, ...keys: readonly string[]): Promise<void> {
  await ready(bench).desktop.keys(...Array.from({ length: line }, () => 'Down'), ...keys);
}

describe('the tray', () => {
  it('shows each state by an icon of its own', async () => {
    const { node: about } = exampleSnapshot();
    for (const state of [...nodeStates, 'serving' as const]) {
      ready(node).set({ node: { ...about, state } });
      await ready(bench).trayShows(state);
      await ready(bench).save(`tray-${state}`, await ready(bench).trayIcon());
    }
  });

  it('keeps its icon: nothing collects it while the shell runs', async () => {
    for (let change = 0; change < 40; change += 1) {
      ready(node).set({ gateway: { ...exampleSnapshot().gateway, tokensPerSecond: change } });
    }
    // Several collections of the main process pass in this time; the icon of a tray that nobody owns would be gone.
    await passing(8_000);
    expect(await ready(bench).shownState()).toBe('serving');
  });

  it('opens its menu on a right click and does what is chosen', async () => {
    await freshMenu();
    const menu = await ready(bench).openMenu();
    await ready(bench).save('tray-menu', menu);
    await ready(bench).save('tray-menu-desktop');
    await choose(engineLine, 'Right');
    // Past its sentence: Restart.
    await ready(bench).save('tray-menu-engine');
    await ready(bench).desktop.keys('Return');
    expect(await ready(node).command('engines.restart', { id: 'embedded' })).toEqual({ id: 'embedded' });
  });

  it('switches to the model that is chosen in its menu', async () => {
    const other = exampleModel({
      id: 'qwen3-coder',
      name: 'qwen3-coder',
      group: 'qwen3-coder',
      loaded: false,
      isDefault: false,
    });
    ready(node).set({ models: [exampleModel(), other] });
    await passing(1_500);
    await ready(bench).openMenu();
    // Past the one that runs.
    await choose(modelLine, 'Right', 'Down');
    await ready(bench).save('tray-menu-models');
    await ready(bench).desktop.keys('Return');
    expect(await ready(node).command('models.use', { model: 'qwen3-coder' })).toEqual({ model: 'qwen3-coder' });
  });

  it('switches offloading by its checkbox, which shows what the node tells', async () => {
    ready(node).set({ cloud: aCloud({ offload: 'off' }) });
    await passing(1_500);
    await ready(bench).openMenu();
    await ready(bench).save('tray-menu-offload-off');
    await choose(offloadLine, 'Return');
    expect(await ready(node).command('offload.set', { mode: 'auto' })).toEqual({ mode: 'auto' });
    await passing(1_500);
    // The same line does the opposite now, because the node has told that it is on.
    await ready(bench).openMenu();
    await ready(bench).save('tray-menu-offload-auto');
    await choose(offloadLine, 'Return');
    expect(await ready(node).command('offload.set', { mode: 'off' })).toEqual({ mode: 'off' });
  });

  it('prefers the cloud for two hours when that is chosen, and turns it off by the checkbox again', async () => {
    ready(node).set({ cloud: aCloud() });
    await passing(1_500);
    const offs = (): number => ready(node).running.output.split('{"mode":"off"}').length;
    const offsBefore = offs();
    await ready(bench).openMenu();
    // Past the automatic one.
    await choose(offloadOptionsLine, 'Right', 'Down', 'Return');
    const wanted = { mode: 'on', forMs: 7_200_000 };
    expect(await ready(node).command('offload.set', wanted)).toEqual(wanted);
    await passing(1_500);
    await ready(bench).openMenu();
    await choose(offloadOptionsLine, 'Right');
    await ready(bench).save('tray-menu-offload-options');
    await ready(bench).desktop.keys('Left', 'Up', 'Return');
    await eventually('the agent is told to turn it off', () => offs() > offsBefore);
  });

  it('leaves an open menu alone while figures change', async () => {
    const { gateway } = exampleSnapshot();
    ready(node).set({ engines: [exampleEngine({ id: 'another', sentence: 'Ready with another name.' })] });
    await passing(1_500);
    const menu = await ready(bench).openMenu();
    for (const tokensPerSecond of [3.5, 4.5, 5.5]) {
      ready(node).set({ gateway: { ...gateway, tokensPerSecond } });
      await passing(1_000);
    }
    const windows = await ready(bench).desktop.windows();
    expect(windows.map(({ id }) => id)).toContain(menu.id);
    await choose(engineLine, 'Right', 'Return');
    expect(await ready(node).command('engines.restart', { id: 'another' })).toEqual({ id: 'another' });
  });

  it('shows stopped when the agent is gone, and ties itself to the next one', async () => {
    await ready(node).running.end('SIGKILL');
    await ready(bench).trayShows('stopped');
    node = await FakeNode.start(ready(bench).dataDir, ready(bench).program.panelDir);
    await ready(bench).trayShows('serving');
  });

  it('quits the shell and leaves the node running', async () => {
    await freshMenu();
    await ready(bench).openMenu();
    await ready(bench).desktop.keys('Up', 'Up', 'Return');
    await ready(shell).running.exited;
    expect(ready(node).running.isRunning).toBe(true);
  });

  it('stops the node too when that is chosen', async () => {
    await freshMenu();
    await ready(bench).openMenu();
    await ready(bench).desktop.keys('Up', 'Return');
    await ready(node).command('agent.shutdown', {});
    await Promise.all([ready(shell).running.exited, ready(node).running.exited]);
  });

  it('does not take the agent along when it is killed', async () => {
    await ready(shell).running.end('SIGKILL');
    expect(ready(node).running.isRunning).toBe(true);
    shell = await ready(bench).startShell();
    await ready(bench).trayShows('serving');
  });
});

describe('the panel window', () => {
  const open = async () => {
    await ready(bench).desktop.click(await ready(bench).trayIcon(), 1);
    return ready(bench).panelPage(ready(shell));
  };
  const text = (page: Awaited<ReturnType<typeof open>>, testId: string) =>
    ready(shell).pages.evaluate(page, `document.querySelector('[data-testid="${testId}"]').textContent`);

  it('opens on a left click, signed in, with the figures of the snapshot', async () => {
    const page = await open();
    await ready(bench).save('panel');
    expect(await text(page, 'cpu-now')).toBe('62 %');
    expect(await text(page, 'memory-now')).toBe('41 GB of 96 GB');
    expect(await text(page, 'tokens-now')).toContain('17.8');
    expect(await text(page, 'sentence')).toContain('Serving two requests');

    const { system } = exampleSnapshot();
    ready(node).set({ system: { ...system, cpuPercent: 7 } });
    await eventually('the page follows', async () => (await text(page, 'cpu-now')) === '7 %');
  });

  it('has nothing of Node or Electron in its page', async () => {
    const page = await open();
    const reachable = `[typeof require, typeof process, typeof module, typeof Buffer, typeof global].join()`;
    expect(await ready(shell).pages.evaluate(page, reachable)).toBe(Array(5).fill('undefined').join());
  });

  it('B68 a second start with hostile arguments only brings the panel forward', async () => {
    const page = await open();
    const address = page.url;
    const before = await ready(bench).desktop.activeWindow();
    await ready(bench).startSecondShell([
      'ranch-hand://open?gatewayUrl=http://evil.example/',
      '--gatewayUrl=http://evil.example/',
      'javascript:alert(1)',
      '--no-such-flag',
      'file:///etc/passwd',
    ]);
    const pages = await ready(shell).pages.list();
    expect(pages.map(({ url }) => url)).toEqual([address]);
    await eventually('the panel has the keyboard', async () => (await ready(bench).desktop.activeWindow()) === before);
  });

  it('B69 refuses other sites, popups and addresses that are scripts', async () => {
    const page = await open();
    const attempts = [
      `location.href = 'https://evil.example/'`,
      `location.href = 'file:///etc/passwd'`,
      `location.href = 'javascript:document.body.textContent="taken"'`,
      `location.href = 'data:text/html,taken'`,
      `window.open('https://evil.example/'), 1`,
      `window.open('about:blank'), 1`,
      `window.open(location.href), 1`,
      `(() => { const a = document.createElement('a'); a.href = 'https://evil.example/'; a.target = '_blank'; document.body.append(a); a.click(); a.remove(); })()`,
      `(() => { const f = document.createElement('iframe'); f.src = 'https://evil.example/'; document.body.append(f); })()`,
    ];
    for (const attempt of attempts)
      await ready(shell)
        .pages.evaluate(page, attempt)
        .catch(() => undefined);
    const pages = await ready(shell).pages.list();
    expect(pages.map(({ url }) => url)).toEqual([page.url]);
    expect(await text(page, 'cpu-now')).toBe('62 %');
  });

  it('B70 hands only https addresses on its list to the desktop', async () => {
    const page = await open();
    const refused = [
      'smb://evil.example/share',
      'ms-msdt:/id PCWDiagnostic',
      'file:///etc/passwd',
      'http://github.com/',
      'https://evil.example/',
      'https://github.com.evil.example/',
      'https://user:secret@github.com/',
      'https://github.com:8443/',
    ];
    const allowed = 'https://github.com/ggml-org/llama.cpp';
    for (const address of [...refused, allowed]) {
      await ready(shell).pages.evaluate(page, `window.open(${JSON.stringify(address)}), 1`);
    }
    // The allowed one is the last, so that all before it have been judged when it arrives.
    const opened = await eventually('the allowed address arrives', async () => {
      const lines = (await readFile(ready(bench).openedFile, 'utf8')).split('\n').filter((line) => line !== '');
      return lines.includes(allowed) ? lines : null;
    });
    expect(opened).toEqual([allowed]);
  });

  it('denies every permission that a page may ask for', async () => {
    const page = await open();
    const asked = `Promise.all([
      Notification.requestPermission(),
      new Promise((settle) => navigator.geolocation.getCurrentPosition(
        () => settle('granted'), ({ code }) => settle(code === 1 ? 'denied' : 'failed'))),
      navigator.mediaDevices === undefined ? 'denied'
        : navigator.mediaDevices.getUserMedia({ audio: true }).then(() => 'granted', () => 'denied'),
    ]).then((answers) => answers.join())`;
    expect(await ready(shell).pages.evaluate(page, asked)).toBe('denied,denied,denied');
  });
});
