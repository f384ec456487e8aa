/**
 * Pictures for the documentation, in docs/images.
 *   node test/e2e/panel/screenshots.ts "$(ranch-hand panel --json | jq -r .url)"
 * takes overview-*.png from a node that runs; it asks it a few questions first, so that the plots show something.
 *   node test/e2e/panel/screenshots.ts
 * takes panel-*.png from a made-up node, whose models, pulls and engines are in every state that is worth showing.
 * It shows what is in dist/panel, so build first.
 */
import { join } from 'node:path';
import { type Browser } from 'playwright-core';
import { projectRoot } from '../../../build/bundling/product.ts';
import { fakeEngines, fakeFailedEngine } from '../../fakes/fake-control-data.ts';
import { startFakeControl, type FakeControl } from './fake-control-process.ts';
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

interface Picture {
  readonly options: PanelPageOptions;
  /** The page to its end, or what a window shows. */
  readonly whole: boolean;
  readonly show: (panel: PanelPage, agent: FakeControl) => Promise<void>;
}

async function showModels(panel: PanelPage): Promise<void> {
  await panel.show('Models');
  await panel.section('On their way').waitFor();
}

async function showChooser(panel: PanelPage): Promise<void> {
  await panel.show('Models');
  await panel.page.getByRole('button', { name: 'Choose quantization of llama3.1-8b-instruct' }).click();
  await panel.page.getByRole('radio', { name: 'Q5_K_M' }).check();
}

async function showPull(panel: PanelPage, agent: FakeControl): Promise<void> {
  await panel.show('Models');
  await panel.page.getByRole('button', { name: 'Use llama3.1-8b-instruct-q4_k_m' }).click();
  await panel.section('Model switch').waitFor();
  await agent.order({ step: 3 });
  await panel.page.evaluate('scrollTo(0, 0)');
}

async function showEngines(panel: PanelPage, agent: FakeControl): Promise<void> {
  const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
  await agent.order({ set: { engines: [...fakeEngines(ago).slice(0, 3), fakeFailedEngine(ago)] } });
  await panel.show('Engines');
  await panel.page.getByRole('list', { name: 'Outages' }).first().waitFor();
}

const light = { width: 1280, height: 900, colors: 'light' } as const;
const dark = { width: 1280, height: 900, colors: 'dark' } as const;
const narrow = { width: 360, height: 800, colors: 'light' } as const;

const pictures: Readonly<Record<string, Picture>> = {
  'panel-models': { options: { ...light, height: 1240 }, whole: false, show: showModels },
  'panel-models-dark': { options: { ...dark, height: 1240 }, whole: false, show: showModels },
  'panel-chooser': { options: light, whole: false, show: showChooser },
  'panel-chooser-360': { options: narrow, whole: false, show: showChooser },
  'panel-pull': { options: { ...light, height: 760 }, whole: false, show: showPull },
  'panel-engines': { options: light, whole: true, show: showEngines },
  'panel-engines-dark': { options: { ...dark, height: 1100 }, whole: false, show: showEngines },
};

const signInUrl = process.argv[2];
const browser = await launchChromium();
try {
  if (signInUrl !== undefined) await shootNode(browser, signInUrl);
  else {
    for (const [name, { options, whole, show }] of Object.entries(pictures)) {
      await using agent = await startFakeControl();
      await using panel = await PanelPage.open(browser, agent.signInUrl, options);
      await show(panel, agent);
      await shoot(panel, name, whole);
    }
  }
} finally {
  await browser.close();
}
