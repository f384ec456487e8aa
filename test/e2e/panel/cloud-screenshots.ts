/**
 * Pictures of Money, its providers and its time windows, in docs/images: `node test/e2e/panel/cloud-screenshots.ts`.
 * They show a made-up node, since a real one's money would be another one's; it shows what is in dist, so build first.
 */
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { projectRoot } from '../../../build/bundling/product.ts';
import { startFakeControl } from './fake-control-process.ts';
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

const light = { width: 1280, height: 960, colors: 'light' } as const;
const dark = { ...light, colors: 'dark' } as const;
const narrow = { width: 360, height: 800, colors: 'light' } as const;
const sevenDays = async (panel: PanelPage): Promise<void> => {
  await panel.page.getByRole('radio', { name: '7 days' }).click();
  await panel.waitForText(panel.page.getByTestId('usage-since'), '00:00');
};
const firstModels = (panel: PanelPage): Promise<void> => panel.section('Anthropic').locator('summary').click();
const spending = { at: '#/money', text: 'Where it went' } as const;
const providers = { at: '#/money/providers', text: 'Asked for' } as const;
const windows = { at: '#/money/windows', text: 'Times are those of' } as const;

const pictures: Readonly<Record<string, Picture>> = {
  money: { ...spending, options: light, whole: true, before: sevenDays },
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
};

async function shoot(browser: Browser, signInUrl: string, name: string, picture: Picture): Promise<void> {
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

const wanted = process.argv.slice(2);
const browser = await launchChromium();
try {
  await using agent = await startFakeControl();
  for (const [name, picture] of Object.entries(pictures)) {
    if (wanted.length === 0 || wanted.includes(name)) await shoot(browser, agent.signInUrl, name, picture);
  }
} finally {
  await browser.close();
}
