/**
 * Pictures of the Overview for the documentation, taken from a node that runs:
 *   node test/e2e/panel/screenshots.ts "$(ranch-hand panel --json | jq -r .url)"
 * Asks it a few questions first, so that the plots show something, and writes docs/images/overview-*.png.
 */
import { join } from 'node:path';
import { projectRoot } from '../../../build/bundling/product.ts';
import { launchChromium, PanelPage, type PanelPageOptions } from './panel-page.ts';

const signInUrl = process.argv[2];
if (signInUrl === undefined) throw new Error('The sign-in address is missing: ranch-hand panel --json prints one.');
const panelUrl = new URL('/', signInUrl).href;

const pictures: Readonly<Record<string, PanelPageOptions>> = {
  'overview-light': { width: 1280, height: 900, colors: 'light' },
  'overview-dark': { width: 1280, height: 900, colors: 'dark' },
  'overview-360': { width: 360, height: 800, colors: 'light' },
};

const questions = 6;

const browser = await launchChromium();
try {
  await using first = await PanelPage.open(browser, signInUrl);
  for (let asked = 0; asked < questions; asked += 1) {
    await first.ask('Who are you?');
    await first.answerFigures().waitFor();
    await first.page
      .getByRole('row')
      .nth(asked + 1)
      .waitFor();
  }
  for (const [name, options] of Object.entries(pictures)) {
    await using panel = await PanelPage.open(browser, panelUrl, { ...options, session: first });
    const narrow = (options.width ?? 0) < 600;
    if (!narrow) {
      await panel.ask('Who are you?');
      await panel.answerFigures().waitFor();
    }
    const path = join(projectRoot, 'docs/images', `${name}.png`);
    await panel.page.screenshot({ path, fullPage: !narrow, animations: 'disabled' });
    console.log(path);
  }
} finally {
  await browser.close();
}
