import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { cloudSchema, type OffloadMode } from '../../../electron/contract/cloud.ts';
import { ranchHeaders } from '../../../electron/contract/routing.ts';
import { offloadWord } from '../../../renderer/format/offload.ts';
import { skipOrFail } from '../../fixtures/test-engine.ts';
import { CloudSite } from '../../integration/agent/cloud-site.ts';
import { cli } from '../../integration/cli/cli-process.ts';
import { PanelPage, useChromium } from '../panel/panel-page.ts';
import { eventually } from './rig/running.ts';
import { rigProblem, type ShellProcess } from './rig/shell-program.ts';
import { TrayWatch } from './rig/tray-watch.ts';
import { Workbench } from './rig/workbench.ts';

// One agent with providers that keep books, and over it the tray of a real desktop, the panel in a real browser and the
// command line.
vi.setConfig({ testTimeout: 300_000 });

const trayOptions: Readonly<Record<OffloadMode, string>> = { off: 'Off', auto: 'Automatic', on: 'Prefer cloud' };
/** Lines of the tray's menu, counted as the keyboard does. */
const offloadLine = 5;
const optionsLine = 6;

const browser = useChromium();
let bench: Workbench | undefined;
let site: CloudSite | undefined;
let shell: ShellProcess | undefined;
let tray: TrayWatch | undefined;
let panel: PanelPage | undefined;

const ready = <Part>(part: Part | undefined): Part => {
  if (part === undefined) throw new Error('The desktop is not set up.');
  return part;
};

beforeAll(async () => {
  if (rigProblem() !== null) return;
  bench = await Workbench.create();
  nameDownloads(bench);
  site = await CloudSite.start({ env: { RANCH_HAND_CONTROL_PANEL_DIR: bench.program.panelDir } });
  shell = await bench.startShell({ dataDir: site.dataDir, inspect: true });
  tray = await TrayWatch.start(shell);
  await tray.shows('the switch', 0, ({ offloads }) => offloads !== null);
}, 300_000);

beforeEach(async (context) => {
  const problem = rigProblem();
  if (problem !== null) skipOrFail(context, problem);
  panel ??= await PanelPage.open(browser(), (await ready(site).control.ticket()).url);
});

afterAll(async () => {
  await panel?.[Symbol.asyncDispose]();
  await shell?.running.end();
  await site?.[Symbol.asyncDispose]();
  await bench?.[Symbol.asyncDispose]();
});

const downloadsOf = ({ home }: Workbench): string => join(home, 'Downloads');

/** As a desktop notes where a person's downloads go. */
function nameDownloads(on: Workbench): void {
  for (const folder of [downloadsOf(on), join(on.home, '.config')]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(on.home, '.config', 'user-dirs.dirs'), 'XDG_DOWNLOAD_DIR="$HOME/Downloads"\n');
}

/** A change of the switch: when it was begun, and when the one who made it was done with it. */
interface Change {
  readonly sinceMs: number;
  readonly doneMs: number;
}

/** Chooses by the keyboard in the tray's menu. */
async function chooseInTray(line: number, ...keys: readonly string[]): Promise<Change> {
  await ready(tray).untilCalm();
  await ready(bench).openMenu();
  await ready(bench).desktop.keys(...Array.from({ length: line }, () => 'Down'), ...keys);
  const sinceMs = Date.now();
  await ready(bench).desktop.keys('Return');
  return { sinceMs, doneMs: Date.now() };
}

async function chooseInPanel(mode: OffloadMode): Promise<Change> {
  const switches = ready(panel).section('Offload to cloud');
  const sinceMs = Date.now();
  await switches.getByRole('radio', { name: offloadWord(mode).word }).click();
  return { sinceMs, doneMs: Date.now() };
}

async function chooseOnCommandLine(mode: OffloadMode): Promise<Change> {
  const sinceMs = Date.now();
  const { exitCode } = await cli(['offload', mode], { dataDir: ready(site).dataDir });
  expect(exitCode).toBe(0);
  return { sinceMs, doneMs: Date.now() };
}

async function trayShows(mode: OffloadMode, sinceMs: number): Promise<number> {
  const menu = await ready(tray).shows(
    mode,
    sinceMs,
    ({ option, offloads }) => option?.startsWith(trayOptions[mode]) === true && offloads === (mode !== 'off'),
  );
  return menu.atMs;
}

async function panelShows(mode: OffloadMode): Promise<number> {
  const { word } = offloadWord(mode);
  await ready(panel).section('Offload to cloud').getByRole('radio', { name: word, checked: true }).waitFor();
  return Date.now();
}

/** Asks until it is told so; when the command that told it was begun, for that is when the person asks. */
function commandLineShows(mode: OffloadMode): Promise<number> {
  return eventually(`the command line shows ${mode}`, async () => {
    const askedMs = Date.now();
    const { stdout } = await cli(['offload', '--json'], { dataDir: ready(site).dataDir });
    return cloudSchema.parse(JSON.parse(stdout)).offload === mode ? askedMs : null;
  });
}

/** Waits until all three show the mode; how long the slowest of them took, milliseconds from the change. */
async function allShow(by: string, mode: OffloadMode, { sinceMs, doneMs }: Change): Promise<number> {
  const [inTray, inPanel, onCommandLine] = await Promise.all([
    trayShows(mode, sinceMs),
    panelShows(mode),
    commandLineShows(mode),
  ]);
  const took = { tray: inTray - doneMs, panel: inPanel - doneMs, commandLine: onCommandLine - doneMs };
  console.log(`${by}, to ${mode}: shown after ${JSON.stringify(took)} ms`);
  return Math.max(...Object.values(took));
}

/** Shown everywhere within a second: by the least of several rounds, so that a machine busy for a moment does not count. */
function expectWithinASecond(rounds: readonly number[]): void {
  expect(rounds.length).toBeGreaterThanOrEqual(3);
  expect(Math.min(...rounds)).toBeLessThan(1_000);
}

async function routeOf(model: string): Promise<string> {
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const call = ready(site).clients().anthropic.messages.create({ model, max_tokens: 8, messages });
  const { response } = await call.withResponse();
  return String(response.headers.get(ranchHeaders.route));
}

/** Where the next requests go, and whether the provider got them. */
async function expectRoutes(quality: 'local' | 'cloud', any: 'local' | 'cloud'): Promise<void> {
  const before = await ready(site).paidRequests();
  expect(await routeOf('ranch/quality')).toBe(quality);
  expect(await routeOf('ranch/auto')).toBe(any);
  const paid = [quality, any].filter((route) => route === 'cloud').length;
  expect((await ready(site).paidRequests()) - before).toBe(paid);
}

it('the tray’s switch changes the next request, and the panel and the command line show it', async () => {
  const rounds: number[] = [];
  rounds.push(await allShow('by the tray', 'auto', await chooseInTray(offloadLine)));
  await ready(bench).save('offload-by-the-tray');
  await expectRoutes('cloud', 'local');
  rounds.push(await allShow('by the tray', 'off', await chooseInTray(offloadLine)));
  await expectRoutes('local', 'local');
  // Past the automatic one.
  rounds.push(await allShow('by the tray', 'on', await chooseInTray(optionsLine, 'Right', 'Down')));
  await expectRoutes('cloud', 'cloud');
  await ready(panel).waitForText(ready(panel).page.getByTestId('offload-sentence'), 'This holds until');
  rounds.push(await allShow('by the tray', 'off', await chooseInTray(offloadLine)));
  expectWithinASecond(rounds);
});

it('the panel’s switch changes the next request, and the tray and the command line show it', async () => {
  const rounds: number[] = [];
  rounds.push(await allShow('by the panel', 'on', await chooseInPanel('on')));
  await expectRoutes('cloud', 'cloud');
  rounds.push(await allShow('by the panel', 'auto', await chooseInPanel('auto')));
  await expectRoutes('cloud', 'local');
  rounds.push(await allShow('by the panel', 'off', await chooseInPanel('off')));
  await expectRoutes('local', 'local');
  expect(ready(panel).problems).toEqual([]);
  expectWithinASecond(rounds);
});

it('the command line’s switch changes the next request, and the tray and the panel show it', async () => {
  const rounds: number[] = [];
  rounds.push(await allShow('by the command line', 'auto', await chooseOnCommandLine('auto')));
  await expectRoutes('cloud', 'local');
  rounds.push(await allShow('by the command line', 'on', await chooseOnCommandLine('on')));
  await expectRoutes('cloud', 'cloud');
  rounds.push(await allShow('by the command line', 'off', await chooseOnCommandLine('off')));
  await expectRoutes('local', 'local');
  expectWithinASecond(rounds);
});

it('the panel’s window saves the export where the person says, and nothing else that a page may offer', async () => {
  const downloads = downloadsOf(ready(bench));
  await ready(bench).desktop.click(await ready(bench).trayIcon(), 1);
  const page = await ready(bench).panelPage(ready(shell));
  const inPage = (expression: string): Promise<unknown> => ready(shell).pages.evaluate(page, expression);
  const click = (what: string): Promise<unknown> => inPage(`document.querySelector(${JSON.stringify(what)}).click()`);
  const offer = (address: string): Promise<unknown> =>
    inPage(`(() => { const a = document.createElement('a'); a.href = ${address}; a.download = 'taken.txt';
      document.body.append(a); a.click(); a.remove(); })()`);
  await inPage(`location.hash = '#/money'`);
  const link = `a[download][href*="format=csv"]`;
  await eventually(
    'the export is offered',
    async () => (await inPage(`document.querySelector('${link}') !== null`)) === true,
  );

  const before = new Set((await ready(bench).desktop.windows()).map(({ id }) => id));
  await offer(`'data:text/plain,taken'`);
  await offer(`URL.createObjectURL(new Blob(['taken']))`);
  await offer(`'/control/v1/snapshot'`);
  await click(link);
  await eventually('it is asked where to save it', async () => {
    const windows = await ready(bench).desktop.windows();
    return windows.some(({ id, className, width }) => !before.has(id) && className !== '' && width > 300);
  });
  await ready(bench).save('export-where');
  const saved = await eventually('the export is saved', async () => {
    await ready(bench).desktop.keys('Return');
    const name = readdirSync(downloads).find((each) => each.endsWith('.csv'));
    return name === undefined ? null : join(downloads, name);
  });
  const whole = await cli(['usage', '--export', 'csv'], { dataDir: ready(site).dataDir });
  const requests = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('request,'));
  await eventually('all of it is there', () => existsSync(saved) && requests(readFileSync(saved, 'utf8')).length > 0);
  expect(requests(readFileSync(saved, 'utf8')).toSorted()).toEqual(requests(whole.stdout).toSorted());
  expect(readdirSync(downloads)).toHaveLength(1);
});
