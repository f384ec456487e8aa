import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { findProgram, skipOrFail } from '../../fixtures/test-engine.ts';

/** The machine's own Chromium, or the one named in the environment; undefined where there is none. */
function findChromium(): string | undefined {
  const named = process.env['RANCH_HAND_CHROMIUM'];
  return named ?? findProgram(['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'msedge']);
}

/** One Chromium for all tests of a file. Without one they are skipped aloud, or fail where it is required. */
export function useChromium(): () => Browser {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (findChromium() !== undefined) browser = await launchChromium();
  });
  beforeEach((context) => {
    if (browser === undefined) skipOrFail(context, 'there is no Chromium on this machine');
  });
  afterAll(() => browser?.close());
  return () => {
    if (browser === undefined) throw new Error('there is no Chromium');
    return browser;
  };
}

/** A headless Chromium that asks nobody but the panel's server for anything. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new Error('There is no Chromium. Install one, or name it in RANCH_HAND_CHROMIUM.');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface PanelPageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colors?: 'light' | 'dark';
  readonly reducedMotion?: boolean;
  /** Of whoever looks, as a name of the IANA's list; UTC unless given. */
  readonly timeZone?: string;
}

export type Figure = 'tokens-now' | 'cpu-now' | 'memory-now' | 'pressure-now';

/** One panel in a browser of its own, as an operator uses it. Disposing closes it. */
export class PanelPage implements AsyncDisposable {
  readonly page: Page;
  /** Errors of scripts and of the page's policy, and dialogs that opened; a sound page has none. */
  readonly problems: string[] = [];
  /** Every request since the page was opened: method and path. */
  readonly requests: string[] = [];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('dialog', (dialog) => {
      this.problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      // A connection that ends is logged by the browser itself; the panel says so on the page.
      if (message.type() !== 'error' || message.text().startsWith('Failed to load resource')) return;
      this.problems.push(message.text());
    });
    page.on('request', (request) => this.requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
  }

  /** Opens the panel through a sign-in address, which holds a ticket, and waits for its figures. */
  static async open(browser: Browser, signInUrl: string, options: PanelPageOptions = {}): Promise<PanelPage> {
    const context = await browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
      colorScheme: options.colors ?? 'light',
      reducedMotion: options.reducedMotion === true ? 'reduce' : 'no-preference',
      timezoneId: options.timeZone ?? 'UTC',
    });
    const panel = new PanelPage(context, await context.newPage());
    await panel.page.goto(signInUrl);
    await panel.live().waitFor();
    return panel;
  }

  /** The figures, while the agent answers. */
  live(): Locator {
    return this.page.locator('[data-live="true"]');
  }

  /** The figures, greyed because the agent does not answer. */
  stale(): Locator {
    return this.page.locator('[data-live="false"]');
  }

  sentence(): Locator {
    return this.page.getByTestId('sentence');
  }

  figure(name: Figure): Locator {
    return this.page.getByTestId(name);
  }

  banner(): Locator {
    return this.page.getByRole('region', { name: 'Connection' });
  }

  section(title: string): Locator {
    return this.page.getByRole('region', { name: title, exact: true });
  }

  answer(): Locator {
    return this.page.getByTestId('answer');
  }

  answerFigures(): Locator {
    return this.page.getByTestId('answer-figures');
  }

  log(): Locator {
    return this.page.getByTestId('log');
  }

  async show(screen: 'Overview' | 'Models' | 'Traffic' | 'Money' | 'Gateway' | 'Keys' | 'Engines'): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();
  }

  /** Puts a question into the try-it box and sends it. */
  async ask(question: string): Promise<void> {
    const box = this.section('Try it');
    await box.getByLabel('Question').fill(question);
    await box.getByRole('button', { name: 'Ask' }).click();
  }

  /** Waits until an element's text is what is expected of it. */
  async waitForText(locator: Locator, text: string | RegExp): Promise<void> {
    await locator.filter({ hasText: text }).waitFor();
  }

  /** How far the page can be scrolled sideways, in pixels; 0 on a sound page. */
  async sidewaysScroll(): Promise<number> {
    return this.page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  }

  /** The same for the dialog that is open. */
  async dialogSidewaysScroll(): Promise<number> {
    return this.page.evaluate<number>(
      `(() => { const dialog = document.querySelector('dialog'); return dialog.scrollWidth - dialog.clientWidth; })()`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
