import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../../build/bundling/product.ts';
import { changeEventSchema, type ChangeEvent } from '../../../electron/contract/events.ts';
import { type NodeSnapshot } from '../../../electron/contract/snapshot.ts';
import { fakeSnapshot } from '../../fakes/fake-snapshot.ts';
import { startFakeControl } from './fake-control-process.ts';
import { PanelPage, useChromium } from './panel-page.ts';

const browser = useChromium();

const screens = ['Overview', 'Models', 'Traffic', 'Money', 'Gateway', 'Keys', 'Engines'] as const;
const backgroundOf = 'getComputedStyle(document.documentElement).backgroundColor';

type Sections = ChangeEvent['set'];

const sectionsSchema = changeEventSchema.shape.set;

/** Everything of a snapshot that a change may replace. */
function sectionsOf(snapshot: NodeSnapshot): Sections {
  return sectionsSchema.parse(snapshot);
}

/** The sections with every free string of them passed through `change`. */
function withStrings(sections: Sections, change: (text: string) => string): Sections {
  return sectionsSchema.parse(mapStrings(sections, change));
}

/** The same value with every string of it passed through `change`, except those whose form has a meaning. */
function mapStrings(value: unknown, change: (text: string) => string, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change, key));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapStrings(item, change, name)]));
  }
  return typeof value === 'string' && isFree(key, value) ? change(value) : value;
}

const fixedKeys = [
  'state',
  'kind',
  'ownership',
  'severity',
  'level',
  'offload',
  'dialect',
  'operation',
  'route',
  'capabilities',
  'manager',
  'phase',
  'source',
  'verdict',
  'cause',
  'scope',
  'outcome',
  'priority',
  'maxPriority',
  'ceiling',
  'translatedFrom',
];

function isFree(key: string, value: string): boolean {
  return !fixedKeys.includes(key) && !/^\d{4}-\d\d-\d\dT/u.test(value);
}

describe('what the agent sends is text', () => {
  it('B71 markup, terminal sequences and direction marks do nothing on any screen', async () => {
    const nasty = (text: string): string =>
      `${text}<img src=x onerror=alert(1)><b class=planted>b</b>\u001b[31mred\u001b]0;owned\u0007\u202egnp.exe\u2066`;
    const sections = sectionsOf(fakeSnapshot(Date.now()));
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    await agent.order({
      set: withStrings(sections, nasty),
      chat: { words: ['<script>alert(2)</script>', '\u202eevil', '\u001b[2J'], everyMs: 5, end: 'done' },
      log: ['unused'],
    });
    await panel.waitForText(panel.sentence(), '<img src=x onerror=alert(1)>');
    await panel.ask('<b class=planted>');
    await panel.waitForText(panel.answer(), '<script>alert(2)</script>');
    for (const screen of screens) {
      await panel.show(screen);
      await panel.page.getByRole('heading').first().waitFor();
      if (screen === 'Engines') {
        await panel.page.getByText('Live log').first().click();
        await panel.waitForText(panel.log(), 'server is listening');
        await agent.order({ log: ['<b class=planted>\u202e\u001b[31m'] });
        await panel.waitForText(panel.log(), '<b class=planted>');
      }
      expect(await panel.page.locator('.planted, img, script:not([src])').count()).toBe(0);
      const all = await panel.page.evaluate<string>(
        `document.title + document.body.innerText + [...document.querySelectorAll('*')].flatMap((one) => [...one.attributes].filter(({ name }) => name !== 'value').map(({ value }) => value)).join('')`,
      );
      // What a list sends back as its value stays as it is; it is never shown.
      const unseen = all.replace(/[\n\t]/gu, '').match(/.{0,40}[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu);
      expect(unseen).toBeNull();
      expect(all.includes('gnp.exe')).toBe(true);
    }
    expect(panel.problems).toEqual([]);
  });
});

describe('looks', () => {
  it.each([360, 480, 768, 1024])('no screen scrolls sideways at %s px, however long the names', async (width) => {
    const sections = sectionsOf(fakeSnapshot(Date.now()));
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl, { width, height: 800 });
    for (const stretch of [(text: string) => text, (text: string) => `${text}${'x'.repeat(180)}`]) {
      await agent.order({ set: withStrings(sections, stretch) });
      await panel.show('Overview');
      await panel.waitForText(panel.sentence(), stretch(fakeSnapshot(0).node.sentence));
      for (const screen of screens) {
        await panel.show(screen);
        expect(await panel.sidewaysScroll(), screen).toBe(0);
      }
    }
  });

  it('follows the system’s colours, and the choice of the reader outlives a reload', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl, { colors: 'dark' });
    const dark = await panel.page.evaluate<string>(backgroundOf);
    await panel.page.getByRole('radio', { name: 'Light colours' }).click();
    const light = await panel.page.evaluate<string>(backgroundOf);
    expect(light).not.toBe(dark);
    await panel.page.reload();
    await panel.live().waitFor();
    expect(await panel.page.evaluate<string>(backgroundOf)).toBe(light);
    await panel.page.getByRole('radio', { name: 'Colours of the system' }).click();
    expect(await panel.page.evaluate<string>(backgroundOf)).toBe(dark);
  });

  it('nothing moves for those who asked for less motion', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl, { reducedMotion: true });
    const moving = await panel.page.evaluate<number>(
      `[...document.querySelectorAll('*')].filter((one) => { const style = getComputedStyle(one); return style.animationName !== 'none' || !/^0s(, 0s)*$/.test(style.transitionDuration); }).length`,
    );
    expect(moving).toBe(0);
  });

  it('can be walked by keyboard: skip link, screens, colours, then the figures, each with a ring', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    const walked: string[] = [];
    for (let step = 0; step < 11; step += 1) {
      await panel.page.keyboard.press('Tab');
      walked.push(
        await panel.page.evaluate<string>(
          `(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent) + (parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2 ? '' : ' WITHOUT RING')`,
        ),
      );
    }
    expect(walked).toEqual([
      'Skip to the figures',
      'Ranch Handlogos-prime',
      'Overview',
      'Models',
      'Traffic',
      'Money',
      'Gateway',
      'Keys',
      'Engines',
      'Colours of the system',
      'Copy the API address',
    ]);
  });

  it('has one main part, named screens, and a name for everything that can be used', async () => {
    await using agent = await startFakeControl();
    await using panel = await PanelPage.open(browser(), agent.signInUrl);
    for (const screen of screens) {
      await panel.show(screen);
      expect(await panel.page.getByRole('main').count()).toBe(1);
      expect(await panel.page.getByRole('heading', { level: 1 }).count()).toBe(1);
      expect(await panel.page.getByRole('link', { name: screen }).getAttribute('aria-current')).toBe('page');
      const tree = await panel.page.locator('body').ariaSnapshot();
      expect(tree).not.toMatch(/- (?:button|link|textbox|combobox|radio|img)(?::| \[|$)/mu);
    }
  });
});

describe('size', () => {
  it('is one script and one stylesheet, under 250 kB compressed', () => {
    const folder = join(projectRoot, 'dist/panel');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(?:js|css)$/u.test(name),
    );
    expect(files.map((name) => name.split('.').at(-1)).sort()).toEqual(['css', 'js']);
    const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name)), { level: 9 }).length, 0);
    console.log(`panel: ${(bytes / 1000).toFixed(1)} kB compressed`);
    expect(bytes).toBeLessThan(250_000);
    const script = files.find((name) => name.endsWith('.js')) ?? '';
    // A sentence of React's development build.
    expect(readFileSync(join(folder, script), 'utf8').includes('Each child in a list should have')).toBe(false);
  });
});
