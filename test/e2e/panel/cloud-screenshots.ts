/**
 * Pictures of Money, its providers and its time windows, and of Overview, in docs/images:
 *   node test/e2e/panel/cloud-screenshots.ts [NAME…]
 * The agent is the real one with a real llama-server and a real model; the providers stand in for the real ones, and bill.
 * It shows what is in dist, so build first.
 */
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { projectRoot } from '../../../build/bundling/product.ts';
import { MoneyScene, sceneTimeZone } from '../money-scene.ts';
import { launchChromium, PanelPage, type PanelPageOptions } from './panel-page.ts';

interface Picture {
  readonly at: string;
  readonly options: PanelPageOptions;
  /** All of the page, however long. */
  readonly whole: boolean;
  /** What has to be there first. */
  readonly text: string;
  /** Opens or presses something before the picture. */
  readonly before?: (panel: PanelPage) => Promise<void>;
}

const light = { width: 1280, height: 960, colors: 'light', timeZone: sceneTimeZone } as const;
const dark = { ...light, colors: 'dark' } as const;
const narrow = { ...light, width: 360, height: 800 } as const;
const byModel = async (panel: PanelPage): Promise<void> => {
  await panel.page.getByRole('combobox', { name: 'By', exact: true }).selectOption('Model');
  await panel.waitForText(panel.page.getByRole('table', { name: 'Where it went' }), 'claude-opus-5-5');
};
const question = async (panel: PanelPage): Promise<void> => {
  await panel.ask('After a long day in the rain, a horse needs');
  // The model is one that goes on rather than answers, so whoever asks says when.
  await panel.waitForText(panel.answer(), /.{160}/su);
  await panel.page.getByRole('button', { name: 'Stop', exact: true }).click();
  await panel.answerFigures().waitFor();
};
const firstModels = (panel: PanelPage): Promise<void> => panel.section('Anthropic').locator('summary').click();
const spending = { at: '#/money', text: 'Where it went' } as const;
const providers = { at: '#/money/providers', text: 'Asked for' } as const;
const overview = { at: '#/overview', text: 'Offload to cloud' } as const;
const windows = { at: '#/money/windows', text: 'Times are those of' } as const;

const pictures: Readonly<Record<string, Picture>> = {
  money: { ...spending, options: light, whole: true, before: byModel },
  'money-dark': { ...spending, options: dark, whole: true },
  'money-360': { ...spending, options: narrow, whole: true },
  'money-budgets': {
    ...spending,
    options: light,
    whole: false,
    before: async (panel) => {
      await panel.page.getByRole('button', { name: 'Change the budgets…' }).click();
      await panel.page.getByRole('group', { name: 'Budget 3' }).waitFor();
    },
  },
  providers: { ...providers, options: light, whole: true, before: firstModels },
  'providers-360': { ...providers, options: { ...narrow, colors: 'dark' }, whole: true },
  windows: { ...windows, options: light, whole: true },
  'windows-dark': { ...windows, options: dark, whole: true },
  'windows-360': { ...windows, options: narrow, whole: true },
  'offload-switch': {
    at: '#/overview',
    text: 'Offload to cloud',
    options: light,
    whole: false,
    before: (panel) => panel.section('Offload to cloud').scrollIntoViewIfNeeded(),
  },
  'overview-light': { ...overview, options: { ...light, height: 900 }, whole: true, before: question },
  'overview-dark': { ...overview, options: { ...dark, height: 900 }, whole: true, before: question },
  'overview-360': { ...overview, options: narrow, whole: false },
};

async function shoot(browser: Browser, signInUrl: string, name: string): Promise<void> {
  const picture = pictures[name];
  if (picture === undefined)
    throw new Error(`There is no picture ${name}. There are ${Object.keys(pictures).join(', ')}.`);
  await using panel = await PanelPage.open(browser, signInUrl, { ...picture.options, reducedMotion: true });
  await panel.page.goto(new URL(picture.at, panel.page.url()).href);
  await panel.page.getByText(picture.text).first().waitFor();
  await panel.page.getByText('Looking').first().waitFor({ state: 'detached' });
  await picture.before?.(panel);
  const path = join(projectRoot, 'docs/images', `${name}.png`);
  await panel.page.screenshot({ path, fullPage: picture.whole, animations: 'disabled' });
  if (panel.problems.length > 0) throw new Error(`${name}: ${panel.problems.join('; ')}`);
  console.log(path);
}

const named = process.argv.slice(2);
const wanted = named.length > 0 ? named : Object.keys(pictures);
const ofWindows = wanted.filter((name) => name.startsWith('windows'));
const browser = await launchChromium();
try {
  await using scene = await MoneyScene.start();
  await scene.work();
  await scene.begin();
  const shootAll = async (names: readonly string[]): Promise<void> => {
    for (const name of names) await shoot(browser, (await scene.control.ticket()).url, name);
  };
  await shootAll(wanted.filter((name) => !ofWindows.includes(name)));
  // The last, for they may be closed at this minute.
  await scene.setWindows();
  await shootAll(ofWindows);
} finally {
  await browser.close();
}
