/**
 * Pictures of Traffic, a decision, the gateway and keys, in docs/images: `node test/e2e/panel/traffic-screenshots.ts`.
 * The agent is the real one with a real llama-server and a real model; the providers stand in for the real ones. It shows
 * what is in dist, so build first.
 */
import { join } from 'node:path';
import { projectRoot } from '../../../build/bundling/product.ts';
import type { ControlClient } from '../../../electron/client/control-client.ts';
import { MoneyScene, sceneTimeZone } from '../money-scene.ts';
import { launchChromium, PanelPage, type PanelPageOptions } from './panel-page.ts';

const light = { width: 1280, height: 960, colors: 'light', timeZone: sceneTimeZone } as const;

interface Picture {
  readonly at: string;
  readonly options: PanelPageOptions;
  /** All of the page, however long. */
  readonly whole: boolean;
}

function pictures(trace: string): Readonly<Record<string, Picture>> {
  return {
    traffic: { options: light, whole: false, at: '#/traffic' },
    'traffic-dark': { options: { ...light, colors: 'dark' }, whole: false, at: '#/traffic' },
    'traffic-360': { options: { ...light, width: 360, height: 800 }, whole: false, at: '#/traffic' },
    trace: { options: light, whole: true, at: `#/traffic/${trace}` },
    gateway: { options: light, whole: true, at: '#/gateway' },
    keys: { options: light, whole: true, at: '#/keys' },
  };
}

/** The decision that has most to tell: the one with the most attempts. */
async function tellingTrace(control: ControlClient): Promise<string> {
  const { traces } = await control.query('traces', { key: 'aider' });
  const telling = traces.toSorted((one, other) => other.attempts.length - one.attempts.length)[0];
  if (telling === undefined || telling.attempts.length < 2) throw new Error('No request was tried twice.');
  return telling.trace;
}

const browser = await launchChromium();
try {
  await using scene = await MoneyScene.start();
  await scene.work();
  for (const [name, { options, whole, at }] of Object.entries(pictures(await tellingTrace(scene.control)))) {
    await using panel = await PanelPage.open(browser, (await scene.control.ticket()).url, options);
    await panel.page.goto(new URL(at, panel.page.url()).href);
    await panel.page.locator('main table').first().waitFor();
    // The answer to the screen's question, which may come after the table of what the snapshot holds.
    await panel.page.waitForLoadState('load');
    await panel.page.getByText('Looking for').waitFor({ state: 'detached' });
    const path = join(projectRoot, 'docs/images', `${name}.png`);
    await panel.page.screenshot({ path, fullPage: whole, animations: 'disabled' });
    if (panel.problems.length > 0) throw new Error(`${name}: ${panel.problems.join('; ')}`);
    console.log(path);
  }
} finally {
  await browser.close();
}
