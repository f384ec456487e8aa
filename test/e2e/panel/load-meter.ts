import { type CDPSession, type Page } from 'playwright-core';

/** What a page cost between start and reading. */
export interface Load {
  /** CPU time of the page's main thread over the time that passed, 0 to 1: other programs do not count. */
  readonly busyShare: number;
  /** How long input would have waited for the thread, milliseconds, 95th percentile. */
  readonly waitMs: number;
}

const probeEveryMs = 10;

/** Measures how busy a page's main thread is. */
export class LoadMeter implements AsyncDisposable {
  readonly #page: Page;
  readonly #session: CDPSession;
  readonly #startedAt = performance.now();
  readonly #startBusy: number;

  private constructor(page: Page, session: CDPSession, startBusy: number) {
    this.#page = page;
    this.#session = session;
    this.#startBusy = startBusy;
  }

  static async start(page: Page): Promise<LoadMeter> {
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.evaluate(`(() => {
      globalThis.probeWaits = [];
      let last = performance.now();
      const probe = () => {
        const now = performance.now();
        globalThis.probeWaits.push(now - last - ${probeEveryMs});
        last = now;
        setTimeout(probe, ${probeEveryMs});
      };
      probe();
    })()`);
    return new LoadMeter(page, session, await busySeconds(session));
  }

  async read(): Promise<Load> {
    const busy = (await busySeconds(this.#session)) - this.#startBusy;
    const waits = await this.#page.evaluate<number[]>('globalThis.probeWaits');
    const sorted = waits.sort((a, b) => a - b);
    return {
      busyShare: (busy * 1000) / (performance.now() - this.#startedAt),
      waitMs: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.detach();
  }
}

async function busySeconds(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
}
