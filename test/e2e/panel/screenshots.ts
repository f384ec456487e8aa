/**
 * Pictures for the documentation, in docs/images.
 *   node test/e2e/panel/screenshots.ts "$(ranch-hand panel --json | jq -r .url)"
 * takes overview-*.png from a node that runs; it asks it a few questions first, so that the plots show something.
 * It shows what is in dist/panel, so build first.
 */
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { projectRoot } from '../../../build/bundling/product.ts';
import { launchChromium, PanelPage, type PanelPageOptions } from './panel-page.ts';

async function shoot(panel: PanelPage, name: string, whole: boolean): Promise<void> {
  const path = join(projectRoot, 'docs/images', `${name}.png`);
  await panel.page.screenshot({ path, fullPage: whole, animations: 'disabled' });
  console.log(path);
}

const overviews: Readonly<Record<string, PanelPageOptions>> = {
  'overview-light': { width: 1280, height: 900, colors: 'light' },
  'overview-dark': { width: 1280, height: 900, colors: 'dark' },
  'overview-360': { width: 360, height: 800, colors: 'light' },
};

const questions = 6;

async function shootNode(browser: Browser, signInUrl: string): Promise<void> {
  await using first = await PanelPage.open(browser, signInUrl);
  for (let asked = 0; asked < questions; asked += 1) {
    await first.ask('Who are you?');
    await first.answerFigures().waitFor();
    await first.page
      .getByRole('row')
      .nth(asked + 1)
      .waitFor();
  }
  for (const [name, options] of Object.entries(overviews)) {
    await using panel = await PanelPage.open(browser, new URL('/', signInUrl).href, { ...options, session: first });
    const narrow = (options.width ?? 0) < 600;
    if (!narrow) {
      await panel.ask('Who are you?');
      await panel.answerFigures().waitFor();
    }
    await shoot(panel, name, !narrow);
  }
}

const signInUrl = process.argv[2];
if (signInUrl === undefined) throw new Error('usage: screenshots.ts SIGN_IN_ADDRESS');
const browser = await launchChromium();
try {
  await shootNode(browser, signInUrl);
} finally {
  await browser.close();
}
